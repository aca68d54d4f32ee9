"""The one edge where the many exceptions of file-format libraries become one of ours."""

import logging
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import nibabel.filebasedimages
import nibabel.spatialimages
import nibabel.wrapstruct
from PIL import Image as PillowImage
from pydicom.errors import BytesLengthException, InvalidDicomError

from imaging.errors import UnreadableImageError

FOREIGN_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    MemoryError,
    OSError,
    PillowImage.DecompressionBombError,
    RuntimeError,
    StopIteration,
    SyntaxError,
    TypeError,
    ValueError,
    nibabel.filebasedimages.ImageFileError,
    nibabel.spatialimages.HeaderDataError,
    nibabel.spatialimages.HeaderTypeError,
    nibabel.wrapstruct.WrapStructError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What pydicom and its plug-ins, nibabel, Pillow and zipfile were seen to raise on damaged files."""

_TALKATIVE_LOGGERS = [
    logging.getLogger(name) for name in ("pydicom", "nibabel.global", "PIL", "highdicom", "rle", "openjpeg")
]
_SILENT = logging.CRITICAL + 1


@contextmanager
def translated(sentence: str) -> Iterator[None]:
    """Turn whatever a library raises into an `UnreadableImageError` that says `sentence`.

    The library's own text is dropped, and so are its warnings and log lines, see `quiet`.
    """
    with quiet():
        try:
            yield
        except FOREIGN_ERRORS:
            raise UnreadableImageError(sentence) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Drop the libraries' warnings and log lines: they quote the header, and with it the patient."""
    for logger in _TALKATIVE_LOGGERS:
        if logger.level != _SILENT:  # setting it takes longer than most of what is done in silence
            logger.setLevel(_SILENT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
