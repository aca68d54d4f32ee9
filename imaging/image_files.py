"""Which files below some paths form one image."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from imaging.contrast_files import files_of

INDEX = "DICOMDIR"  # of files beside it, not an image


@dataclass(frozen=True)
class ImageFiles:
    """The files of one image; `path`, the first of them or their folder, is what it is called by."""

    path: Path
    files: tuple[Path, ...]


def find_images(paths: Iterable[Path]) -> list[ImageFiles]:
    """Every file is an image of its own, except the slices of a DICOM series in one folder: they are one.

    A file that is named itself is never joined with others. Hidden files and DICOMDIRs are passed over.

    Raises:
        FileNotFoundError: A path does not exist.
    """
    return [image for path in paths for image in _images_of(path)]


def find_folders(paths: Iterable[Path]) -> list[ImageFiles]:
    """Every path is the folder of one image of several contrasts.

    Raises:
        FileNotFoundError: A path does not exist.
    """
    return [ImageFiles(_existing(path), tuple(files_of(path))) for path in paths]


def stem_of(path: Path) -> str:
    """The name that an image's results are called by."""
    return path.name.removesuffix(".gz").removesuffix(".nii").removesuffix(path.suffix)


def group_of(file: Path) -> Hashable:
    """What the files of one image share: slices of a series folder and series, anything else is alone."""
    tags = ["SeriesInstanceUID", "ImagePositionPatient", "NumberOfFrames"]
    try:
        header = dcmread(file, stop_before_pixels=True, specific_tags=tags)
        is_slice = "ImagePositionPatient" in header and "NumberOfFrames" not in header
        return (file.parent, str(header.SeriesInstanceUID)) if is_slice else file
    except (InvalidDicomError, OSError, ValueError, AttributeError, KeyError, NotImplementedError, TypeError):
        # The reader says what is wrong with it, and better.
        return file


def _images_of(path: Path) -> Iterator[ImageFiles]:
    if _existing(path).is_file():
        yield ImageFiles(path, (path,))
        return
    groups: defaultdict[Hashable, list[Path]] = defaultdict(list)
    for file in sorted(path.rglob("*")):
        if file.is_file() and file.name != INDEX and not file.name.startswith("."):
            groups[group_of(file)].append(file)
    yield from (ImageFiles(files[0], tuple(files)) for files in groups.values())


def _existing(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    return path
