"""The benchmark on lesions of multiple sclerosis, on scans with a lesion that only FLAIR shows."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from benchmarks.ms_lesions import healthy_threshold, main, robust_z
from inference.steps import Mask, Slab
from tests.inference.volumes import image_of
from tests.service.bundle_builder import FAST, make_bundle

SHAPE = (48, 48, 16)


def brain(seed: int) -> np.ndarray:
    """A ball of brain with a lighter half, in voxels of 2 mm."""
    x, y, z = np.indices(SHAPE)
    rng = np.random.default_rng(seed)
    ball = (x - 24) ** 2 + (y - 24) ** 2 < 20**2
    return np.where(ball, 100 + 20 * (z > 8) + rng.normal(0, 4, SHAPE), 0).astype(np.float32)


def write(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(values, np.diag([2.0, 2, 2, 1])).to_filename(path)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    lesion = np.zeros(SHAPE, np.uint8)
    lesion[20:23, 20:23, 4:6] = 1
    write(tmp_path / "ms/p1/T1.nii.gz", brain(1))
    write(tmp_path / "ms/p1/FLAIR.nii.gz", brain(2) + 100 * lesion)
    write(tmp_path / "ms/p1/lesion_mask.nii.gz", lesion)
    for number in range(2):
        write(tmp_path / f"healthy/h{number}/T1.nii.gz", brain(10 + number))
    make_bundle(tmp_path / "bundles", steps=(Mask(region="brain"), Slab(start=0.5), *FAST))
    return tmp_path


def rows(folders: Path, capsys: pytest.CaptureFixture[str], *, whole: bool) -> dict[str, list[str]]:
    main(data=folders / "ms", healthy=folders / "healthy", bundle=[folders / "bundles/tiny"], whole=whole)
    lines = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    return {cells[0]: cells for cells in lines if cells[1] == "p1"}


def test_a_lesion_of_flair_is_found_in_flair_alone(folders: Path, capsys: pytest.CaptureFixture[str]):
    found = rows(folders, capsys, whole=True)
    assert list(found) == ["tiny", "T1, dark", "FLAIR, bright"]
    assert found["FLAIR, bright"][4] == "1 of 1"  # 144 mm³
    assert float(found["FLAIR, bright"][8]) > 0.9
    assert found["T1, dark"][4] == "0 of 1"


def test_lesions_beside_the_slab_are_not_counted(folders: Path, capsys: pytest.CaptureFixture[str]):
    found = rows(folders, capsys, whole=False)
    assert found["FLAIR, bright"][2:5] == ["0 of 0"] * 3


def test_the_dark_threshold_is_what_so_many_healthy_voxels_exceed():
    scans = [image_of(brain(seed).transpose(2, 1, 0), np.diag([2.0, 2, 2, 1])) for seed in range(2)]
    threshold = healthy_threshold(scans, 0.01)
    inside = brain(3) > 0
    assert 0.005 < (-robust_z(brain(3), inside)[inside] > threshold).mean() < 0.02
