"""A DICOMweb server's answer as a stream of parts: what it may be, and never more of it than is allowed.

Source: PS3.18 8.6.1.2 (multipart payloads), RFC 2046 5.1.1 (what comes before the first boundary is ignored).
"""

from collections.abc import AsyncIterator

from python_multipart.multipart import parse_options_header

from service.api.multipart import MultipartStream, PartEnd, PartEvent, PartPiece, PartStart
from service.errors import MalformedRequestError

_MAX_PREAMBLE_BYTES = 64 * 2**10
_INSTANCE = b"application/dicom"
_RELATED = b"multipart/related"


async def parts_of(content_type: str, pieces: AsyncIterator[bytes]) -> AsyncIterator[PartEvent]:
    """Every part as a file, whatever it calls itself; a bare instance is one part.

    Raises:
        MalformedRequestError: It is neither, or breaks off.
    """
    kind, options = parse_options_header(content_type)
    if kind == _INSTANCE:
        yield PartStart(None, is_file=True)
        async for piece in pieces:
            yield PartPiece(piece)
        yield PartEnd()
        return
    if kind != _RELATED:
        raise MalformedRequestError("the answer is no multipart/related of DICOM instances")
    stream = MultipartStream(content_type)
    async for piece in _from_boundary(options.get(b"boundary", b""), pieces):
        for event in stream.feed(piece):
            yield PartStart(None, is_file=True) if isinstance(event, PartStart) else event
    stream.close()


async def _from_boundary(boundary: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    delimiter, held, is_inside = b"--" + boundary, b"", False
    async for piece in pieces:
        if is_inside:
            yield piece
            continue
        held += piece
        start = _line_beginning_with(delimiter, held)
        if start is not None:
            is_inside = True
            yield held[start:]
        elif len(held) > _MAX_PREAMBLE_BYTES:
            raise MalformedRequestError("the answer has too much before its first part")


def _line_beginning_with(delimiter: bytes, content: bytes) -> int | None:
    if content.startswith(delimiter):
        return 0
    found = content.find(b"\r\n" + delimiter)
    return None if found < 0 else found + 2
