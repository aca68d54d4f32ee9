"""Data sets as files: a tree of folders, or a CSV manifest that names patient and split.

Folders: `train/`, `val/`, `test/normal/`, `test/anomalous/`, `train_anomalous/`, and `test/masks/` with a
mask of the same name as its image. A folder that holds images directly is a training split. An image is one
PNG, JPEG, NIfTI or DICOM file, or a folder of DICOM files that form a series.

CSV: columns `path` (beside the CSV), `split` (train, val, test), and optionally `patient`, `label`, `mask`.
An anomalous image of the split train belongs to `train_anomalous`.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from imaging.errors import ImagingError
from imaging.image import Image
from imaging.read import read_image
from training.data.arrays import patient_of
from training.data.data_set import ANOMALOUS, NORMAL, DataSet, Sample
from training.errors import DataError

LABELS = {"0": NORMAL, "normal": NORMAL, "1": ANOMALOUS, "anomalous": ANOMALOUS, "": NORMAL}
SPLITS = ("train", "val", "test")


def read_folder(path: Path, patient_pattern: str) -> DataSet:
    """Read a tree of folders.

    Raises:
        DataError: A file is no image, or the splits do not hold together.
    """
    if not (path / "train").is_dir():
        return DataSet.of(_folder(path, NORMAL, patient_pattern), [], [])
    test = path / "test"
    return DataSet.of(
        _folder(path / "train", NORMAL, patient_pattern),
        _folder(path / "val", NORMAL, patient_pattern),
        [
            *_folder(test / "normal", NORMAL, patient_pattern),
            *_folder(test / "anomalous", ANOMALOUS, patient_pattern, masks=test / "masks"),
        ],
        _folder(path / "train_anomalous", ANOMALOUS, patient_pattern),
    )


def read_manifest(path: Path, patient_pattern: str) -> DataSet:
    """Read a CSV manifest.

    Raises:
        DataError: A column or file is missing, or a value is none of those known.
    """
    splits: dict[str, list[Sample]] = {split: [] for split in SPLITS}
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if missing := {"path", "split"} - set(reader.fieldnames or ()):
            raise DataError(f"{path.name} lacks the column {', '.join(sorted(missing))}")
        for line, row in enumerate(reader, start=2):
            if row["split"] not in splits:
                raise DataError(
                    f"{path.name} line {line}: split is {row['split']!r}, not {', '.join(SPLITS)}"
                )
            splits[row["split"]].append(_row(path, line, row, patient_pattern))
    train: dict[int, list[Sample]] = {NORMAL: [], ANOMALOUS: []}
    for sample in splits["train"]:
        train[sample.gt_label].append(sample)
    return DataSet.of(train[NORMAL], splits["val"], splits["test"], train[ANOMALOUS])


def _row(path: Path, line: int, row: dict[str, str], pattern: str) -> Sample:
    label = LABELS.get((row.get("label") or "").lower())
    if label is None:
        raise DataError(f"{path.name} line {line}: label is {row['label']!r}, not 0 or 1")
    file = path.parent / row["path"]
    mask = row.get("mask") or None
    return Sample(
        name=row["path"],
        patient=row.get("patient") or patient_of(row["path"], pattern),
        image=_read(file),
        gt_label=label,
        gt_mask=_read_mask(path.parent / mask) if mask else None,
    )


def _folder(folder: Path, label: int, pattern: str, masks: Path | None = None) -> Iterator[Sample]:
    if not folder.is_dir():
        return
    for path in sorted(entry for entry in folder.iterdir() if not entry.name.startswith(".")):
        mask = masks / path.name if masks is not None else None
        yield Sample(
            name=path.name,
            patient=patient_of(path.name, pattern),
            image=_read(path),
            gt_label=label,
            gt_mask=_read_mask(mask) if mask is not None and mask.exists() else None,
        )


def _read(path: Path) -> Image:
    try:
        files = sorted(part for part in path.rglob("*") if part.is_file()) if path.is_dir() else [path]
        return read_image([file.read_bytes() for file in files])
    except (OSError, ImagingError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _read_mask(path: Path) -> np.ndarray:
    return np.asarray(_read(path).slices[:, 0] > 0)
