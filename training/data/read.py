"""From a path to a data set, whatever its form."""

from collections.abc import Callable, Sequence
from pathlib import Path

from training.data.arrays import read_arrays
from training.data.cases import read_cases
from training.data.data_set import DataSet
from training.data.files import read_folder, read_manifest
from training.errors import DataError

READERS: dict[str, Callable[[Path, str, Sequence[str]], DataSet]] = {
    ".npz": read_arrays,
    ".csv": read_manifest,
}


def read_data_set(
    path: Path, *, patient_pattern: str, contrasts: Sequence[str] = (), mask: str = ""
) -> DataSet:
    """Read an `.npz`, a CSV manifest, a tree of folders or one of cases.

    Args:
        contrasts: Names of an image's channels, where each is a picture of its own.
        mask: The word of a reference mask's name in a case's folder; it makes the tree one of cases.

    Raises:
        DataError: There is nothing at the path, or it is none of these.
    """
    if mask:
        return read_cases(path, patient_pattern, contrasts, mask)
    if path.is_dir():
        return read_folder(path, patient_pattern, contrasts)
    if not path.is_file():
        raise DataError(f"there is no data set at {path}; set data.path")
    if path.suffix not in READERS:
        raise DataError(f"{path.name} is no data set; give a folder, or a file of {', '.join(READERS)}")
    return READERS[path.suffix](path, patient_pattern, contrasts)
