"""Data sets whose images are several co-registered files, from the folder to the bundle."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from imaging.contrasts import read_contrasts
from inference.bundle import load_bundle
from inference.predictor import Predictor
from tests.training.tiny import discs, tables
from training.config import parse_config
from training.data.read import read_data_set
from training.errors import ConfigError, DataError
from training.export import export
from training.fit import fit

CONTRASTS = ("FLAIR", "T1")


def write_nifti(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(np.full((4, 4, 2), value, np.uint8), np.eye(4)).to_filename(path)


def write_patient(folder: Path) -> None:
    """FLAIR is 1, T1 is 2 everywhere, and there is more in the folder."""
    for value, name in enumerate(("FLAIR", "t1", "lesion-mask"), start=1):
        write_nifti(folder / f"sub-01_{name}.nii.gz", value)
    (folder / "sub-01_FLAIR.json").write_text("{}")


def values(image_pixels: np.ndarray) -> list[float]:
    return [float(channel.mean()) for channel in image_pixels]


def test_a_folder_holds_a_file_of_each_contrast(tmp_path: Path):
    write_patient(tmp_path / "train" / "p1")
    [sample] = read_data_set(tmp_path, patient_pattern="(.+)", contrasts=CONTRASTS).train
    assert (sample.patient, values(sample.image.pixels)) == ("p1", [1, 2])
    assert [contrast.name for contrast in sample.image.contrasts] == ["FLAIR", "T1"]


def test_one_contrast_picks_its_file_out_of_a_folder(tmp_path: Path):
    write_patient(tmp_path / "train" / "p1")
    [sample] = read_data_set(tmp_path, patient_pattern="(.+)", contrasts=("T1",)).train
    assert values(sample.image.pixels) == [2] and sample.image.contrasts == ()


def test_a_csv_joins_the_files_in_the_order_of_the_contrasts_or_names_their_folder(tmp_path: Path):
    write_patient(tmp_path / "p1")
    rows = ["path,patient,split", "p1/sub-01_FLAIR.nii.gz;p1/sub-01_t1.nii.gz,a,train", "p1,b,train"]
    (tmp_path / "set.csv").write_text("\n".join(rows))
    samples = read_data_set(tmp_path / "set.csv", patient_pattern="(.+)", contrasts=CONTRASTS).train
    assert [values(sample.image.pixels) for sample in samples] == [[1, 2], [1, 2]]


def test_a_missing_contrast_is_named(tmp_path: Path):
    write_patient(tmp_path / "train" / "p1")
    with pytest.raises(DataError, match="p1 holds 0 files of the contrast T2, not one: sub-01_FLAIR"):
        read_data_set(tmp_path, patient_pattern="(.+)", contrasts=("T1", "T2"))


def test_one_file_is_not_two_contrasts(tmp_path: Path):
    write_nifti(tmp_path / "train" / "p1.nii", 1)
    with pytest.raises(
        DataError, match=r"p1\.nii is no folder, and 1 files are not one for each of FLAIR, T1"
    ):
        read_data_set(tmp_path, patient_pattern="(.+)", contrasts=CONTRASTS)


def test_an_array_has_a_channel_for_each_contrast(tmp_path: Path):
    np.savez(tmp_path / "set.npz", train_normal=np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(DataError, match=r"data\.contrasts names 2, but the images have 3 channels"):
        read_data_set(tmp_path / "set.npz", patient_pattern="(.+)", contrasts=CONTRASTS)


def test_contrasts_of_one_name_are_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="the contrasts T1, t1 are not all different"):
        parse_config({**tables(tmp_path), "data": {"path": "x", "contrasts": ["T1", "t1"]}})


def test_a_bundle_of_contrasts_scores_the_files_that_the_service_reads(tmp_path: Path):
    for number, picture in enumerate(discs(12, seed=0)):
        for name, voxels in (("FLAIR", picture), ("T1", 255 - picture)):
            path = tmp_path / "set" / f"p{number}-x" / f"{name}.nii"
            path.parent.mkdir(parents=True, exist_ok=True)
            nibabel.Nifti1Image(voxels[:, :, None], np.eye(4)).to_filename(path)
    data = {"path": str(tmp_path / "set"), "patient_pattern": r"^(p\d+)-", "contrasts": list(CONTRASTS)}
    config = parse_config({**tables(tmp_path, name="mean_intensity"), "data": data})
    fit(config, tmp_path / "run", resume=False)
    predictor = Predictor.load(load_bundle(export(tmp_path / "run", tmp_path / "bundles")))
    assert predictor.bundle.manifest.contrasts == CONTRASTS
    parts = {name: [(tmp_path / "set" / "p0-x" / f"{name}.nii").read_bytes()] for name in CONTRASTS}
    assert predictor.predict(read_contrasts(parts)).anomaly_map.shape == (1, 32, 32)
