"""Data sets as files: a tree of folders, or a CSV manifest that names patient and split.

Folders: `train/`, `val/`, `test/normal/`, `test/anomalous/`, `train_anomalous/`, and `test/masks/` with a
mask of the same name as its image. A folder that holds images directly is a training split. An image is one
PNG, JPEG, NIfTI or DICOM file, or a folder of DICOM files that form a series. An image of named contrasts
is a folder that holds one such file or folder for each, with the contrast's name as a word of its name.

CSV: columns `path` (beside the CSV), `split` (train, val, test), and optionally `patient`, `label`, `mask`.
An anomalous image of the split train belongs to `train_anomalous`. Contrasts may also be paths joined by
`;`, in their order.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from imaging.contrast_files import contrast_files, files_of
from imaging.contrasts import read_contrasts
from imaging.errors import ImagingError, MissingContrastError
from imaging.image import Image
from training.data.arrays import patient_of
from training.data.data_set import ANOMALOUS, NORMAL, DataSet, Sample
from training.errors import DataError

LABELS = {"0": NORMAL, "normal": NORMAL, "1": ANOMALOUS, "anomalous": ANOMALOUS, "": NORMAL}
SPLITS = ("train", "val", "test")


def read_folder(path: Path, patient_pattern: str, contrasts: Sequence[str] = ()) -> DataSet:
    """Read a tree of folders.

    Raises:
        DataError: A file is no image, or the splits do not hold together.
    """

    def samples(place: str, label: int, masks: Path | None = None) -> Iterator[Sample]:
        return _folder(path / place, label, patient_pattern, contrasts, masks)

    if not (path / "train").is_dir():
        return DataSet.of(samples(".", NORMAL), [], [])
    return DataSet.of(
        samples("train", NORMAL),
        samples("val", NORMAL),
        [
            *samples("test/normal", NORMAL),
            *samples("test/anomalous", ANOMALOUS, masks=path / "test" / "masks"),
        ],
        samples("train_anomalous", ANOMALOUS),
    )


def read_manifest(path: Path, patient_pattern: str, contrasts: Sequence[str] = ()) -> DataSet:
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
            splits[row["split"]].append(_row(path, line, row, patient_pattern, contrasts))
    train: dict[int, list[Sample]] = {NORMAL: [], ANOMALOUS: []}
    for sample in splits["train"]:
        train[sample.gt_label].append(sample)
    return DataSet.of(train[NORMAL], splits["val"], splits["test"], train[ANOMALOUS])


def read_files(places: Sequence[Path], contrasts: Sequence[str]) -> Image:
    """The image at one place, or at one for each contrast."""
    try:
        named = _named(places, contrasts)
        return read_contrasts({name: [file.read_bytes() for file in files] for name, files in named.items()})
    except MissingContrastError as error:
        raise DataError(str(error)) from error
    except (OSError, ImagingError) as error:
        raise DataError(f"{places[0]} cannot be read: {error}") from error


def read_mask(path: Path) -> np.ndarray:
    """A reference mask `(D, H, W)`: true where the file is above 0."""
    return np.asarray(read_files([path], ()).slices[:, 0] > 0)


def _row(path: Path, line: int, row: dict[str, str], pattern: str, contrasts: Sequence[str]) -> Sample:
    label = LABELS.get((row.get("label") or "").lower())
    if label is None:
        raise DataError(f"{path.name} line {line}: label is {row['label']!r}, not 0 or 1")
    places = [path.parent / part for part in (row["path"].split(";") if contrasts else [row["path"]])]
    mask = row.get("mask") or None
    return Sample(
        name=row["path"],
        patient=row.get("patient") or patient_of(row["path"], pattern),
        image=read_files(places, contrasts),
        gt_label=label,
        gt_mask=read_mask(path.parent / mask) if mask else None,
    )


def _folder(
    folder: Path, label: int, pattern: str, contrasts: Sequence[str], masks: Path | None
) -> Iterator[Sample]:
    if not folder.is_dir():
        return
    for path in sorted(entry for entry in folder.iterdir() if not entry.name.startswith(".")):
        mask = masks / path.name if masks is not None else None
        yield Sample(
            name=path.name,
            patient=patient_of(path.name, pattern),
            image=read_files([path], contrasts),
            gt_label=label,
            gt_mask=read_mask(mask) if mask is not None and mask.exists() else None,
        )


def _named(places: Sequence[Path], contrasts: Sequence[str]) -> dict[str, list[Path]]:
    """The files of each contrast; of "" where none is named."""
    if not contrasts:
        return {"": files_of(places[0])}
    if len(places) == len(contrasts) and not (len(places) == 1 and places[0].is_dir()):
        return {name: files_of(place) for name, place in zip(contrasts, places, strict=True)}
    if len(places) == 1 and places[0].is_dir():
        return contrast_files(places[0], contrasts)
    raise DataError(
        f"{places[0]} is no folder, and {len(places)} files are not one for each of {', '.join(contrasts)}; "
        f"join their paths with ; in this order"
    )
