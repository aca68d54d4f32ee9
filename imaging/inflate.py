"""Deflated bytes out again, never more than a budget allows."""

import zlib

from imaging.errors import ImageTooLargeError, UnreadableImageError
from imaging.kinds import Buffer
from imaging.limits import Limits

GZIP = 16 + zlib.MAX_WBITS
RAW_DEFLATE = -zlib.MAX_WBITS
_CHUNK_BYTES = 2**20


def inflate_start(content: Buffer, count: int, *, wbits: int) -> bytes:
    """The first `count` bytes, or all of them where there are fewer."""
    start, _ = _inflate(memoryview(content), count, wbits=wbits)
    return start


def inflate_all(content: Buffer, *, wbits: int, limits: Limits) -> bytes:
    """Every byte of the first stream; what follows it is ignored.

    Raises:
        ImageTooLargeError: more comes out than `limits` allow for so few bytes.
    """
    budget = limits.expanded_bytes(len(content))
    out, is_done = _inflate(memoryview(content), budget, wbits=wbits)
    if not is_done:
        raise ImageTooLargeError(
            f"the {len(content):,} compressed bytes unpack to over {budget:,} bytes; send them unpacked"
        )
    return out


def _inflate(content: memoryview, count: int, *, wbits: int) -> tuple[bytes, bool]:
    """At most `count` bytes, and whether the stream ended with them."""
    stream = zlib.decompressobj(wbits)
    out = bytearray()
    pending = b""
    position = 0
    try:
        while len(out) < count and not stream.eof and (pending or position < len(content)):
            chunk = pending or content[position : position + _CHUNK_BYTES]
            position += 0 if pending else len(chunk)
            out += stream.decompress(chunk, min(_CHUNK_BYTES, count - len(out)))
            pending = stream.unconsumed_tail
    except zlib.error:
        raise UnreadableImageError("the compressed bytes are damaged; send the file again") from None
    is_done = stream.eof or (not pending and position >= len(content))
    return bytes(out), is_done
