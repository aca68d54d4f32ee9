"""Data sets as a tree of cases: `SPLIT/CASE/T1.nii.gz`, a mask of the lesions beside it where there are any.

Splits are `train`, `val` and `test`; a case is a folder, and a patient if nothing else is said. Its image is
the files of the named contrasts, its mask the one that has another word in its name. A case of the test
split is anomalous if its mask is not empty, and normal if that is empty or missing.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from imaging.contrast_files import contrast_files
from imaging.errors import MissingContrastError
from training.data.arrays import patient_of
from training.data.data_set import ANOMALOUS, NORMAL, DataSet, Sample
from training.data.files import read_files, read_mask
from training.errors import DataError


def read_cases(path: Path, patient_pattern: str, contrasts: Sequence[str], mask: str) -> DataSet:
    """Read a tree of cases.

    Raises:
        DataError: A file is missing or no image, or a case of `train` or `val` has lesions.
    """
    if not (path / "train").is_dir():
        raise DataError(f"{path} has no folder train; data.mask is for a tree of SPLIT/CASE/files")
    train, validation, test = (
        _cases(path / split, patient_pattern, contrasts, mask) for split in ("train", "val", "test")
    )
    return DataSet.of(train, validation, test)


def _cases(folder: Path, pattern: str, contrasts: Sequence[str], mask: str) -> Iterator[Sample]:
    if not folder.is_dir():
        return
    for case in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        gt_mask = _mask_of(case, mask)
        image = read_files([case], contrasts)
        yield Sample(
            name=case.name,
            patient=patient_of(case.name, pattern),
            image=image,
            gt_label=ANOMALOUS if gt_mask is not None and gt_mask.any() else NORMAL,
            gt_mask=np.zeros(image.slices[:, 0].shape, bool) if gt_mask is None else gt_mask,
        )


def _mask_of(case: Path, word: str) -> np.ndarray | None:
    """The case's mask; None where no file's name has the word."""
    if not any(word.casefold() in path.name.casefold() for path in case.iterdir()):
        return None
    try:
        [place] = contrast_files(case, [word])[word]
    except (MissingContrastError, ValueError) as error:
        raise DataError(f"{case} holds no single file that is the mask {word!r}: {error}") from error
    return read_mask(place)
