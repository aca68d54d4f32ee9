"""One file of the corpus, with what must become of it."""

from dataclasses import dataclass

from imaging.errors import ImagingError


@dataclass(frozen=True)
class HostileFile:
    """`parts` are sent together; `refusal` is the error that answers them, None where they are an image."""

    parts: tuple[bytes, ...]
    refusal: type[ImagingError] | None


def refused(error: type[ImagingError], *parts: bytes) -> HostileFile:
    return HostileFile(parts, error)


def harmless(*parts: bytes) -> HostileFile:
    """It looks dangerous and is an image all the same."""
    return HostileFile(parts, None)
