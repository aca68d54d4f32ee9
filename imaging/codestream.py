"""The size that a compressed frame itself claims, read before a decoder allocates memory for it."""

import struct

# SOF markers of JPEG (ITU-T T.81 table B.1, without DHT, JPG and DAC) and JPEG-LS (ITU-T T.87 C.1.1).
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_SIZ = b"\xff\x4f\xff\x51"  # a JPEG 2000 codestream begins with SOC and SIZ, ITU-T T.800 A.4.1 and A.5.1
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "


def codestream_size(frame: bytes) -> tuple[int, int] | None:
    """Rows and columns, or None where the bytes are neither JPEG, JPEG-LS nor JPEG 2000."""
    if frame.startswith(_JP2_SIGNATURE):
        frame = frame[max(frame.find(_SIZ), 0) :]
    if frame.startswith(_SIZ) and len(frame) >= 24:
        right, bottom, left, top = struct.unpack_from(">4I", frame, 8)
        return bottom - top, right - left
    return _jpeg_size(frame) if frame.startswith(b"\xff\xd8") else None


def is_whole(frame: bytes) -> bool:
    """Whether a JPEG or JPEG-LS stream reaches its end marker (T.81 B.1.1.3); True for other codes.

    What a shorter one lacks is shown as grey, and a JPEG-LS decoder was seen to search one for minutes. The
    marker cannot occur within coded samples, and writers pad after it with all sorts of bytes.
    """
    return not frame.startswith(b"\xff\xd8") or b"\xff\xd9" in frame


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker in _START_OF_FRAME:
            rows, columns = struct.unpack_from(">HH", frame, position + 5)
            return rows, columns
        # A fill byte stands alone, T.81 B.1.1.2; every other segment here states its length.
        position += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", frame, position + 2)[0]
    return None
