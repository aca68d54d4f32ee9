"""Data sets as `.npz`: arrays of grey slices by split.

Keys: `train_normal`, `val_normal`, `test`, `train_anomalous` `(N, H, W)` or `(N, H, W, C)`; `test_label` (0,
1), `test_mask`, `test_kind`, and `train_name`, `val_name`, `test_name`, `train_anomalous_name`. Only
`train_normal` must be there.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from imaging.image import Contrast, Image, Source, SourceGrid
from training.data.data_set import ANOMALOUS, NORMAL, DataSet, Sample
from training.errors import DataError


def read_arrays(path: Path, patient_pattern: str, contrasts: Sequence[str] = ()) -> DataSet:
    """Read the splits of an `.npz`; an image without a name is a patient of its own.

    Raises:
        DataError: It is no such file, or its arrays do not fit together or have other contrasts.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no readable .npz of plain arrays: {error}") from error
    splits = [
        _samples(arrays, split, key, patient_pattern, contrasts)
        for split, key in (
            ("train", "train_normal"),
            ("val", "val_normal"),
            ("test", "test"),
            ("train_anomalous", "train_anomalous"),
        )
    ]
    return DataSet.of(*splits)


def image_of_array(pixels: np.ndarray, contrasts: Sequence[str] = ()) -> Image:
    """A slice `(H, W)` or `(H, W, C)` as an image without geometry.

    Raises:
        DataError: Several contrasts are named, but not one for each channel.
    """
    planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    named = tuple(Contrast(name) for name in contrasts) if len(contrasts) > 1 else ()
    if named and len(named) != len(planes):
        raise DataError(f"data.contrasts names {len(named)}, but the images have {len(planes)} channels")
    affine = np.eye(4)
    grid = SourceGrid.straight((planes.shape[2], planes.shape[1], 1), affine)
    return Image(planes.astype(np.float32), affine, "none", Source("png"), grid, contrasts=named)


def _samples(
    arrays: dict[str, np.ndarray], split: str, key: str, pattern: str, contrasts: Sequence[str]
) -> Iterator[Sample]:
    images = arrays.get(key)
    if images is None:
        return
    otherwise = ANOMALOUS if split == "train_anomalous" else NORMAL
    labels = arrays.get(f"{split}_label", np.full(len(images), otherwise))
    names = arrays.get(f"{split}_name")
    masks = arrays.get(f"{split}_mask")
    kinds = arrays.get(f"{split}_kind")
    for part in (labels, names, masks, kinds):
        if part is not None and len(part) != len(images):
            raise DataError(f"{key} has {len(images)} images, but one of its companions {len(part)} entries")
    for index, pixels in enumerate(images):
        name = f"{split}-{index}" if names is None else str(names[index])
        yield Sample(
            name=name,
            patient=name if names is None else patient_of(name, pattern),
            image=image_of_array(pixels, contrasts),
            gt_label=int(labels[index]),
            gt_mask=None if masks is None else masks[index][None].astype(bool),
            kind="" if kinds is None else str(kinds[index]),
        )


def patient_of(name: str, pattern: str) -> str:
    """The first group of `pattern` in an image's name.

    Raises:
        DataError: The pattern does not match; a guess could put a patient into two splits.
    """
    match = re.search(pattern, name)
    if match is None or not match.groups():
        raise DataError(f"data.patient_pattern {pattern!r} finds no patient in {name!r}; it needs one group")
    return match.group(1)
