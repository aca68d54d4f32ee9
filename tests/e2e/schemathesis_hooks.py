"""What schemathesis must be told of STOW-RS: how parts become a body, and where they begin."""

from typing import Any

import schemathesis

RELATED = "multipart/related"


@schemathesis.serializer(RELATED)
def related(_context: Any, value: Any) -> bytes:
    head = b"--edge\r\nContent-Type: application/dicom\r\n\r\n"
    parts = value if isinstance(value, list) else [value]
    contents = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b"".join(head + content + b"\r\n" for content in contents) + b"--edge--\r\n"


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    if case.media_type == RELATED:
        case.headers["Content-Type"] = f'{RELATED}; type="application/dicom"; boundary=edge'
