"""One DICOMweb server, asked: QIDO-RS, WADO-RS, STOW-RS. Nothing that it answers leads anywhere else.

Source: PS3.18 10.4 (Retrieve), 10.5 (Store), 10.6 (Search).
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from service.dicomweb.servers import Server
from service.dicomweb.store_answer import StoreAnswer
from service.dicomweb.uids import is_uid
from service.errors import ArchiveAwayError, ArchiveRefusedError, SeriesNotFoundError

_JSON = "application/dicom+json"
_INSTANCES = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_MAX_ANSWER_BYTES = 8 * 2**20
# Attributes of a series that may be asked for beside those that always come.
_BODY_PART = "00180015"
# What time, or the operator, can mend: without a right that was forgotten nothing is lost.
_LATER = frozenset((401, 403, 408, 409, 425, 429))
_NO_SUCH = frozenset((204, 404, 410))


@dataclass(frozen=True)
class FoundSeries:
    """A series as QIDO tells of it; None for what the server does not say."""

    series_uid: str
    modality: str | None
    body_part: str | None
    instances: int | None

    def to_json(self) -> dict[str, object]:
        return {"series_uid": self.series_uid, "modality": self.modality, "instances": self.instances}


class Archive:
    """A connection to one server; open it with `open_archive`."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def series_of(self, study_uid: str) -> list[FoundSeries]:
        """The series of a study.

        Raises:
            SeriesNotFoundError: There is no such study.
            ArchiveAwayError, ArchiveRefusedError: It does not say.
        """
        # Asked for alone it would be one more attribute, not the only one (PS3.18 8.3.4.3).
        found = await self._search(f"/studies/{study_uid}/series", {"includefield": _BODY_PART})
        if not found:
            raise SeriesNotFoundError("the DICOMweb server has no such study")
        return [
            FoundSeries(
                series_uid=str(_value(entry, "0020000E")),
                modality=_text(entry, "00080060"),
                body_part=_text(entry, _BODY_PART),
                instances=_number(entry, "00201209"),
            )
            for entry in found
            # It becomes part of a path.
            if is_uid(_value(entry, "0020000E"))
        ]

    async def sop_class_of(self, study_uid: str, series_uid: str) -> str | None:
        """The SOP class of one instance of the series."""
        found = await self._search(f"/studies/{study_uid}/series/{series_uid}/instances", {"limit": "1"})
        return _text(found[0], "00080016") if found else None

    @asynccontextmanager
    async def retrieving(
        self, study_uid: str, series_uid: str
    ) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
        """The content type and the pieces of the answer that holds all instances of a series.

        Raises:
            SeriesNotFoundError, ArchiveAwayError, ArchiveRefusedError: As `series_of`, also midway.
        """
        path = f"/studies/{study_uid}/series/{series_uid}"
        with _translated():
            async with self._http.stream("GET", path, headers={"Accept": _INSTANCES}) as response:
                _check(response)
                yield response.headers.get("content-type", ""), response.aiter_raw()

    async def store(self, pieces: AsyncIterator[bytes], size: int) -> StoreAnswer:
        """Store one instance.

        Raises:
            ArchiveAwayError: It gives no answer; the instance may be sent again.
        """
        edge = secrets.token_hex(16)
        head = f"--{edge}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        tail = f"\r\n--{edge}--\r\n".encode()

        async def body() -> AsyncIterator[bytes]:
            yield head
            async for piece in pieces:
                yield piece
            yield tail

        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={edge}',
            "Content-Length": str(len(head) + size + len(tail)),
            "Accept": _JSON,
        }
        with _translated():
            async with self._http.stream("POST", "/studies", content=body(), headers=headers) as response:
                return StoreAnswer(response.status_code, await _bounded(response))

    async def _search(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        with _translated():
            async with self._http.stream("GET", path, params=params, headers={"Accept": _JSON}) as response:
                if response.status_code == httpx.codes.NO_CONTENT:
                    return []
                _check(response)
                content = await _bounded(response)
        try:
            found = json.loads(content)
        except ValueError as error:
            raise ArchiveAwayError("the DICOMweb server answers a search with no JSON") from error
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            raise ArchiveAwayError("the DICOMweb server answers a search with another JSON than a list")
        return found


@asynccontextmanager
async def open_archive(server: Server) -> AsyncIterator[Archive]:
    """Connect to a server; all of it may take no longer than `longest_s`.

    Raises:
        ArchiveAwayError: Its credentials cannot be read, or it is too slow.
    """
    try:
        client = server.client()
    except OSError as error:
        raise ArchiveAwayError(f"a file of {server.name} cannot be read: {type(error).__name__}") from error
    try:
        async with asyncio.timeout(server.longest_s), client:
            yield Archive(client)
    except TimeoutError as error:
        raise ArchiveAwayError(f"the DICOMweb server is not done after {server.longest_s:g} s") from error


class _translated:  # noqa: N801  # reads as a verb, as suppress does
    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, httpx.HTTPError | httpx.StreamError | httpx.InvalidURL):
            raise ArchiveAwayError(f"the DICOMweb server does not answer ({type(error).__name__})") from error


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status in _NO_SUCH:
        raise SeriesNotFoundError("the DICOMweb server has no such series")
    if status in _LATER or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise ArchiveAwayError(f"the DICOMweb server answers {status}")
    if status != httpx.codes.OK:
        raise ArchiveRefusedError(f"the DICOMweb server answers {status}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ArchiveRefusedError("the DICOMweb server packs its answer though it was asked not to")


async def _bounded(response: httpx.Response) -> bytes:
    content = b""
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > _MAX_ANSWER_BYTES:
            raise ArchiveRefusedError(
                f"the DICOMweb server answers with more than {_MAX_ANSWER_BYTES:,} bytes"
            )
    return content


def _value(entry: Mapping[str, Any], tag: str) -> Any:
    """The first value of an attribute in DICOM JSON (PS3.18 F.2.2), if it has one."""
    element = entry.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _text(entry: Mapping[str, Any], tag: str) -> str | None:
    value = _value(entry, tag)
    return value[:64] if isinstance(value, str) and value else None


def _number(entry: Mapping[str, Any], tag: str) -> int | None:
    value = _value(entry, tag)
    # An IS may come as a string (PS3.18 F.2.3).
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else None
