"""Trees of cases: volumes in folders, with the lesions' mask beside them."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from training.config import parse_config
from training.data.read import read_data_set
from training.errors import ConfigError, DataError

# One voxel of 2 x 3 x 4 is a lesion; the axes run to the right, front and head.
LESION = np.zeros((2, 3, 4), np.uint8)
LESION[0, 1, 3] = 1


def write(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(values, np.eye(4)).to_filename(path)


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    for case in ("train/p1", "val/p2", "test/p3", "test/p4", "test/p5"):
        write(tmp_path / case / "T1.nii.gz", np.full((2, 3, 4), 7, np.uint8))
    write(tmp_path / "test/p4/lesion_mask.nii.gz", LESION)
    write(tmp_path / "test/p5/lesion_mask.nii.gz", np.zeros_like(LESION))
    return tmp_path


def read(path: Path):
    return read_data_set(path, patient_pattern="(.+)", contrasts=("T1",), mask="mask")


def test_a_case_is_a_patient_and_anomalous_if_its_mask_is_not_empty(cases: Path):
    data = read(cases)
    assert [sample.patient for sample in (*data.train, *data.validation, *data.test)] == [
        "p1",
        "p2",
        "p3",
        "p4",
        "p5",
    ]
    assert [sample.gt_label for sample in data.test] == [0, 1, 0]


def test_a_mask_lies_on_the_images_voxels(cases: Path):
    sample = read(cases).test[1]
    assert sample.gt_mask is not None and sample.gt_mask.shape == sample.image.slices[:, 0].shape
    assert np.argwhere(sample.gt_mask).tolist() == [[3, 1, 1]]  # left and right, front and back are turned


def test_a_case_without_a_mask_has_an_empty_one(cases: Path):
    assert read(cases).test[0].gt_mask.sum() == 0


def test_lesions_are_not_trained_on(cases: Path):
    write(cases / "train/p1/lesion_mask.nii.gz", LESION)
    with pytest.raises(DataError, match="anomalous images are in the train split"):
        read(cases)


def test_two_masks_are_not_guessed_between(cases: Path):
    write(cases / "test/p4/other_mask.nii.gz", LESION)
    with pytest.raises(DataError, match="holds 2 files"):
        read(cases)


def test_a_tree_without_a_training_split_is_told_how_to_lie(cases: Path):
    with pytest.raises(DataError, match="SPLIT/CASE/files"):
        read(cases / "val")


def test_a_mask_is_asked_for_beside_a_named_image_only():
    tables = {
        "name": "x",
        "data": {"path": "x", "mask": "mask"},
        "preprocessing": [],
        "method": {"name": "ae"},
    }
    with pytest.raises(ConfigError, match=r"data\.contrasts must pick"):
        parse_config(tables)
