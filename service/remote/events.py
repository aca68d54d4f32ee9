"""Server-sent events, from the bytes of a response as they come."""

import json
from collections.abc import Callable, Mapping
from typing import Any


class EventReader:
    """Tells of each whole event; what was cut off at the end of a dropped stream is as if it had not come."""

    def __init__(self) -> None:
        self._buffer = b""
        self.last_id = ""

    def feed(self, piece: bytes, tell: Callable[[Mapping[str, Any]], None]) -> None:
        """Tell the JSON of every event that is complete now; comments are passed over."""
        self._buffer = (self._buffer + piece).replace(b"\r\n", b"\n")
        *events, self._buffer = self._buffer.split(b"\n\n")
        for event in events:
            fields = dict(_field_of(line) for line in event.decode().split("\n"))
            if "data" in fields:
                tell(json.loads(fields["data"]))
                self.last_id = fields.get("id", self.last_id)

    def forget_rest(self) -> None:
        """A new stream begins."""
        self._buffer = b""


def _field_of(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.removeprefix(" ")
