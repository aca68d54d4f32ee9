"""From a path to a data set, whatever its form."""

from collections.abc import Callable, Sequence
from pathlib import Path

from training.data.arrays import read_arrays
from training.data.data_set import DataSet
from training.data.files import read_folder, read_manifest
from training.errors import DataError

READERS: dict[str, Callable[[Path, str, Sequence[str]], DataSet]] = {
    ".npz": read_arrays,
    ".csv": read_manifest,
}


def read_data_set(path: Path, *, patient_pattern: str, contrasts: Sequence[str] = ()) -> DataSet:
    """Read an `.npz`, a CSV manifest or a tree of folders.

    Args:
        contrasts: Names of an image's channels, where each is a picture of its own.

    Raises:
        DataError: There is nothing at the path, or it is none of these.
    """
    if path.is_dir():
        return read_folder(path, patient_pattern, contrasts)
    if not path.is_file():
        raise DataError(f"there is no data set at {path}; set data.path")
    if path.suffix not in READERS:
        raise DataError(f"{path.name} is no data set; give a folder, or a file of {', '.join(READERS)}")
    return READERS[path.suffix](path, patient_pattern, contrasts)
