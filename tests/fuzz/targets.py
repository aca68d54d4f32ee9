"""What the fuzzer calls: each takes any bytes, and raises only where it has found something.

The laws: a reader gives an image or an `ImagingError`; what inspection says is what reading gives; a
multipart body holds the same parts however it is cut into pieces.
"""

from collections.abc import Callable

import numpy as np

from imaging.errors import ImagingError
from imaging.limits import Limits
from imaging.read import inspect_image, read_image
from service.api.multipart import MultipartStream, PartEnd, PartPiece, PartStart
from service.errors import MalformedRequestError
from tests.hostile.corpus import KINDS
from tests.imaging.test_fuzz import SAMPLES

LIMITS = Limits(max_decoded_bytes=16 * 2**20, max_slices=200)
BODY = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\ncontent\r\n--x--\r\n'
# Larger seeds slow the fuzzer down more than they show it.
LARGEST_SEED = 20_000


def read_file(content: bytes) -> None:
    """One uploaded file, to its header and to its image."""
    refused = None
    try:
        header = inspect_image([content], limits=LIMITS)
    except ImagingError as error:
        refused = error
    try:
        image = read_image([content], limits=LIMITS)
    except ImagingError:
        return
    assert refused is None, "inspection refuses what reading takes"
    assert np.isfinite(image.pixels).all() and np.isfinite(image.affine).all()
    assert image.size == (header.columns, header.rows, header.slices)


def receive_body(content: bytes) -> None:
    """A multipart body, at once and in pieces as long as its first byte says.

    Junk before the first boundary may be refused in one case and not in the other.
    """
    length = max(content[0], 1) if content else 1
    pieces = [content[start : start + length] for start in range(1, len(content), length)]
    whole, cut = _parts([content[1:]]), _parts(pieces)
    assert None in (whole, cut) or whole == cut


def _parts(pieces: list[bytes]) -> list[object] | None:
    """Every part with its whole content; None for a body that is refused."""
    found: list[object] = []
    try:
        stream = MultipartStream("multipart/form-data; boundary=x")
        for piece in pieces:
            for event in stream.feed(piece):
                if isinstance(event, PartPiece) and found and isinstance(found[-1], bytes):
                    found[-1] += event.content
                elif isinstance(event, PartPiece):
                    found.append(event.content)
                else:
                    assert isinstance(event, PartStart | PartEnd)
                    found.append(event)
        stream.close()
    except MalformedRequestError:
        return None
    return [part for part in found if part != b""]


def seeds(kind: str) -> list[bytes]:
    """Small files to begin with: sound ones, and those of the hostile corpus."""
    if kind == "multipart":
        return [b"\x07" + BODY, b"\x01" + BODY.replace(b"; filename", b"; x") * 2]
    sound = [content for name, content in SAMPLES.items() if name in _SOUND[kind]]
    hostile = [part for name in _HOSTILE[kind] for file in KINDS[name]().values() for part in file.parts]
    return [content for content in (*sound, *hostile) if len(content) <= LARGEST_SEED]


_SOUND = {
    "dicom": ("dicom", "deflated", "rle", "jpeg-ls"),
    "nifti": ("nifti", "nifti.gz"),
    "zip": ("zip",),
    "raster": ("png", "jpeg"),
}
_HOSTILE = {"dicom": ("DICOM", "pixels"), "nifti": ("NIfTI",), "zip": ("ZIP",), "raster": ("picture",)}
TARGETS: dict[str, Callable[[bytes], None]] = {**dict.fromkeys(_SOUND, read_file), "multipart": receive_body}
