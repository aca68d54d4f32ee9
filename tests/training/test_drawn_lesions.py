from pathlib import Path

import nibabel
import numpy as np
import pytest

from benchmarks.drawn_lesions import KINDS, with_lesion, write_volumes
from training.data.data_set import ANOMALOUS
from training.data.read import read_data_set


def head(depth: int = 8) -> np.ndarray:
    """A round head of grey noise on black, `(80, 80, depth)` uint8."""
    x, y = np.mgrid[:80, :80] - 40
    noise = np.random.default_rng(0).integers(80, 160, (80, 80, depth))
    return np.where(np.hypot(x, y)[:, :, None] < 35, noise, 0).astype(np.uint8)


def draw(kind: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return with_lesion(head(), kind, pixel_mm=1.0, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(8))
def test_a_lesion_spans_three_to_six_slices_next_to_each_other(seed: int):
    _drawn, mask = draw("lighter", seed)
    touched = np.flatnonzero(mask.any(axis=(0, 1)))
    assert 3 <= len(touched) <= 6 and touched[-1] - touched[0] == len(touched) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_changes_outside_of_the_mask(kind: str):
    drawn, mask = draw(kind)
    assert (drawn[mask == 0] == head()[mask == 0]).all()
    assert (drawn[mask == 1] != head()[mask == 1]).mean() > 0.5


def test_each_kind_does_what_it_is_called():
    def inside(kind: str) -> np.ndarray:
        drawn, mask = draw(kind)
        return drawn[mask == 1].astype(float)

    before = head()[draw("lighter")[1] == 1].astype(float)
    assert inside("darker").mean() < before.mean() - 5 < before.mean() + 5 < inside("lighter").mean()
    assert inside("blurred").std() < 0.7 * before.std()


def test_a_volume_of_two_slices_is_refused():
    with pytest.raises(ValueError, match="the volume has 2 slices; a lesion needs at least 3"):
        with_lesion(head(2), "lighter", pixel_mm=1.0, rng=np.random.default_rng(0))


def test_the_data_set_can_be_read_and_is_the_same_for_the_same_seed(tmp_path: Path):
    for place in ("train/a", "test/b"):
        (tmp_path / place).mkdir(parents=True)
        nibabel.Nifti1Image(head(), np.eye(4)).to_filename(tmp_path / place / "T1.nii.gz")
    first, again = (
        read_data_set(
            write_volumes(tmp_path, tmp_path / out, file="T1.nii.gz", seed=1), patient_pattern="(.+)"
        )
        for out in ("one", "two")
    )
    assert [sample.patient for sample in (*first.train, *first.test)] == ["a", "b", "b", "b", "b"]
    assert [sample.gt_label for sample in first.test] == [0, *[ANOMALOUS] * 3]
    assert all((a.image.pixels == b.image.pixels).all() for a, b in zip(first.test, again.test, strict=True))
    changed = first.test[1].image.pixels[0] != first.test[0].image.pixels[0]
    assert first.test[1].gt_mask is not None and not changed[~first.test[1].gt_mask].any()


def test_a_folder_without_scans_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"no T1\.nii\.gz in the folders of .*train"):
        write_volumes(tmp_path, tmp_path / "out", file="T1.nii.gz", seed=0)
