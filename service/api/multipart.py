"""A multipart body as a stream of parts, in memory never more than the piece that was just received.

Source: RFC 2046 5.1 (multipart), RFC 7578 (form-data). A part without Content-Disposition counts as a file,
as in the multipart/related of DICOMweb. Names of files are not looked at, those of their fields are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.errors import MalformedRequestError

_MALFORMED = "the multipart body is malformed; most HTTP libraries make a right one from a list of files"


@dataclass(frozen=True)
class PartStart:
    """`field` is the name of the form field, if it has one; a file may have one too."""

    field: str | None
    is_file: bool


@dataclass(frozen=True)
class PartPiece:
    content: bytes


@dataclass(frozen=True)
class PartEnd:
    pass


PartEvent = PartStart | PartPiece | PartEnd


class MultipartStream:
    """Feed it the body's pieces in turn; `close` says whether it was complete."""

    def __init__(self, content_type: str) -> None:
        _kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise MalformedRequestError("the multipart body has no boundary in its Content-Type header")
        self._events: list[PartEvent] = []
        self._headers: dict[str, str] = {}
        self._name = self._value = b""
        self._is_complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._headers.clear,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise MalformedRequestError(_MALFORMED) from error

    def feed(self, piece: bytes) -> Iterator[PartEvent]:
        """What the next piece of the body holds.

        Raises:
            MalformedRequestError: It breaks the rules.
        """
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise MalformedRequestError(_MALFORMED) from error
        events, self._events = self._events, []
        return iter(events)

    def close(self) -> None:
        """Check that the last boundary was seen.

        Raises:
            MalformedRequestError: The body ended before it.
        """
        if not self._is_complete:
            raise MalformedRequestError("the multipart body ends before its last boundary; send it again")

    def _on_header_field(self, content: bytes, start: int, end: int) -> None:
        self._name += content[start:end]

    def _on_header_value(self, content: bytes, start: int, end: int) -> None:
        self._value += content[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name = self._value = b""

    def _on_headers_finished(self) -> None:
        _kind, options = parse_options_header(self._headers.get("content-disposition"))
        name = options.get(b"name")
        is_file = name is None or b"filename" in options
        self._events.append(PartStart(None if name is None else name.decode("latin-1"), is_file))

    def _on_part_data(self, content: bytes, start: int, end: int) -> None:
        self._events.append(PartPiece(content[start:end]))

    def _on_part_end(self) -> None:
        self._events.append(PartEnd())

    def _on_end(self) -> None:
        self._is_complete = True
