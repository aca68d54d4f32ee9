"""What a verb asks of whoever carries it out, and what comes back: the verbs themselves touch no network."""

from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import httpx

T = TypeVar("T")


class Sink(Protocol):
    """Takes the body of a 200 as it comes."""

    def begin(self) -> None:
        """A body comes: the first, or the same again after a dropped connection."""

    def take(self, piece: bytes) -> bool:
        """Whether more of it is wanted."""


class Body(Protocol):
    """What is sent, again if need be, blocking or in an event loop."""

    headers: dict[str, str]

    def __iter__(self) -> Iterator[bytes]: ...

    def read(self) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True)
class Exchange:
    """One request; without a sink the body is read whole."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    sink: Sink | None = None
    read_timeout_s: float | None = None


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Answer:
    """`content` is empty where a sink took it; a pause is answered by `PAUSED`."""

    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


PAUSED = Answer(0, httpx.Headers(), b"")

Step = Exchange | Pause
# An httpx.RequestError is thrown into it where the exchange was asked for.
Flow = Generator[Step, Answer, T]
