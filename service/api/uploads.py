"""A request's body into files, hashed on the way: multipart files, or one raw file."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from service.api.multipart import MultipartStream, PartEnd, PartEvent, PartPiece, PartStart
from service.errors import MalformedRequestError, UnknownFieldError, UploadTooLargeError
from service.keys import input_key, make_token
from service.store import Intake, PartWriter

_MAX_FIELD_BYTES = 4096
_MAX_FIELDS = 100
_MAX_NAME = 100
_CHECK_EVERY_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Upload:
    """What was received; its files are in the intake under `service.keys.input_key`.

    `digests` are the files' sha256 and `names` the form fields that they came in, "" for none.
    """

    upload_id: str
    digests: tuple[str, ...]
    names: tuple[str, ...]
    fields: dict[str, str]
    size_bytes: int


class _Receiver:
    """Puts the parts of one upload where they belong."""

    def __init__(self, intake: Intake, upload_id: str, *, max_files: int) -> None:
        self._intake = intake
        self._upload_id = upload_id
        self._max_files = max_files
        self._field: str | None = None
        self._value = b""
        self._writer: PartWriter | None = None
        self._hash = hashlib.sha256()
        self.digests: list[str] = []
        self.names: list[str] = []
        self.fields: dict[str, str] = {}
        self.size_bytes = 0

    async def take(self, event: PartEvent) -> None:
        if isinstance(event, PartStart):
            self._begin(event)
        elif isinstance(event, PartPiece):
            await self._add(event.content)
        else:
            await self._end()

    def _begin(self, start: PartStart) -> None:
        self._field, self._value = start.field, b""
        if not start.is_file:
            return
        if len(self.digests) >= self._max_files:
            raise UploadTooLargeError(
                f"the upload has more than {self._max_files} files; send one series alone"
            )
        self.names.append((start.field or "")[:_MAX_NAME])
        self._hash = hashlib.sha256()
        self._writer = self._intake.open_writer(input_key(self._upload_id, len(self.digests)))

    async def _add(self, piece: bytes) -> None:
        if self._writer is not None:
            self._hash.update(piece)
            self.size_bytes += len(piece)
            await self._writer.write(piece)
            return
        self._value += piece
        if len(self._value) > _MAX_FIELD_BYTES:
            raise UnknownFieldError(f"form field {self._field!r} is too long; send files with a file name")

    async def _end(self) -> None:
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
            self.digests.append(self._hash.hexdigest())
        elif self._field is not None:
            if len(self.fields) >= _MAX_FIELDS:
                raise UnknownFieldError(
                    f"the form has more than {_MAX_FIELDS} fields; a file needs a file name to be one"
                )
            self.fields[self._field] = self._value.decode("utf-8", "replace")


def announced_bytes(request: Request) -> int:
    """The length that the request says its body has; 0 where it says none.

    Raises:
        MalformedRequestError: It is no number.
    """
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal():
        raise MalformedRequestError("the Content-Length header is no number")
    return int(announced)


async def receive_upload(
    request: Request, intake: Intake, *, max_bytes: int, max_files: int, check_room: Callable[[], None]
) -> Upload:
    """Stream the body into files; `check_room` is called now and then, and may raise to stop.

    Raises:
        UploadTooLargeError: It has more bytes or files than allowed.
        MalformedRequestError: It is broken multipart.
        UnknownFieldError: A form field is too long to be one, or there are too many.
    """
    events = _events_of(request, max_bytes)
    return await receive_parts(events, intake, max_files=max_files, check_room=check_room)


async def receive_parts(
    events: AsyncIterator[PartEvent], intake: Intake, *, max_files: int, check_room: Callable[[], None]
) -> Upload:
    """The same from parts, wherever they come from.

    Raises:
        UploadTooLargeError, UnknownFieldError: As `receive_upload`.
    """
    upload_id = make_token()
    receiver = _Receiver(intake, upload_id, max_files=max_files)
    try:
        checked = 0
        async for event in events:
            await receiver.take(event)
            if receiver.size_bytes - checked >= _CHECK_EVERY_BYTES:
                checked = receiver.size_bytes
                check_room()
    except BaseException:
        await intake.delete(f"inputs/{upload_id}")
        raise
    return Upload(
        upload_id,
        tuple(receiver.digests),
        tuple(receiver.names),
        receiver.fields,
        receiver.size_bytes,
    )


def split_upload(upload: Upload, root: Path, places: Sequence[int]) -> Upload:
    """Some files of an upload below `root`, as an upload of their own, moved to its keys."""
    upload_id, size_bytes = make_token(), 0
    for number, place in enumerate(places):
        path, target = root / input_key(upload.upload_id, place), root / input_key(upload_id, number)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        size_bytes += target.stat().st_size
    return Upload(
        upload_id,
        tuple(upload.digests[place] for place in places),
        tuple("" for _place in places),
        {},
        size_bytes,
    )


async def _events_of(request: Request, max_bytes: int) -> AsyncIterator[PartEvent]:
    content_type = request.headers.get("content-type", "")
    if announced_bytes(request) > max_bytes:
        raise _too_large(max_bytes)
    pieces = bounded(request.stream(), max_bytes)
    if not content_type.lower().startswith("multipart/"):
        async for event in _one_file(pieces):
            yield event
        return
    stream = MultipartStream(content_type)
    async for piece in pieces:
        for event in stream.feed(piece):
            yield event
    stream.close()


async def _one_file(pieces: AsyncIterator[bytes]) -> AsyncIterator[PartEvent]:
    yield PartStart(None, is_file=True)
    async for piece in pieces:
        yield PartPiece(piece)
    yield PartEnd()


async def bounded(pieces: AsyncIterator[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """The pieces, as long as they are not too many.

    Raises:
        UploadTooLargeError: They are.
    """
    received = 0
    async for piece in pieces:
        received += len(piece)
        if received > max_bytes:
            raise _too_large(max_bytes)
        yield piece


def _too_large(max_bytes: int) -> UploadTooLargeError:
    return UploadTooLargeError(f"the upload is larger than {max_bytes:,} bytes; send one series alone")
