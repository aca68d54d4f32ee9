"""A DICOMweb server that keeps what it is given, and misbehaves when a test wants it to."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pydicom

EDGE = b"edge-of-the-parts"


@dataclass
class DicomwebServer:
    """Instances by their UIDs; `answers` are statuses that come before it does what it is asked."""

    url: str = ""
    instances: dict[str, bytes] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    store_answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    spoil: Callable[[bytes], bytes] = bytes
    content_type: str = 'multipart/related; type="application/dicom"; boundary=' + EDGE.decode()
    left_out: int = 0

    def add(self, *contents: bytes) -> None:
        for content in contents:
            self.instances[str(header_of(content).SOPInstanceUID)] = content

    def of(self, study: str, series: str | None = None) -> list[bytes]:
        return [
            content
            for content in self.instances.values()
            if (found := header_of(content)).StudyInstanceUID == study
            and series in (None, found.SeriesInstanceUID)
        ]

    def stored(self) -> list[str]:
        """The targets of what was stored."""
        return [line for line in self.requests if line.startswith("POST ")]

    def series_json(self, study: str) -> list[dict[str, Any]]:
        headers = [header_of(content) for content in self.of(study)]
        uids = list(dict.fromkeys(str(header.SeriesInstanceUID) for header in headers))
        return [
            {
                "0020000E": {"vr": "UI", "Value": [uid]},
                "00080060": {"vr": "CS", "Value": [own[0].Modality]},
                "00201209": {"vr": "IS", "Value": [len(own)]},
            }
            for uid in uids
            if (own := [header for header in headers if header.SeriesInstanceUID == uid])
        ]


def header_of(content: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)


def related(parts: list[bytes]) -> bytes:
    head = b"--" + EDGE + b"\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + part + b"\r\n" for part in parts) + b"--" + EDGE + b"--\r\n"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: DicomwebServer

    def do_GET(self) -> None:
        state = self._noted()
        if state.answers:
            self._answer(state.answers.pop(0), b"", "text/plain")
            return
        match urlsplit(self.path).path.split("/")[2:]:
            case ["studies", study, "series"]:
                self._answer_json(state.series_json(study))
            case ["studies", study, "series", series, "instances"]:
                found = [header_of(content) for content in state.of(study, series)]
                self._answer_json([{"00080016": {"vr": "UI", "Value": [found[0].SOPClassUID]}}])
            case ["studies", study, "series", series]:
                parts = state.of(study, series)
                body = state.spoil(related(parts[: len(parts) - state.left_out]))
                self._answer(200, body, state.content_type)
            case _:
                self._answer(404, b"", "text/plain")

    def do_POST(self) -> None:
        state = self._noted()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        edge = self.headers["Content-Type"].split("boundary=")[1].encode()
        contents = [part.split(b"\r\n\r\n", 1)[1][:-2] for part in body.split(b"--" + edge)[1:-1]]
        if state.store_answers:
            status, answer = state.store_answers.pop(0)
            self._answer(status, json.dumps(answer).encode(), "application/dicom+json")
            return
        state.add(*contents)
        self._answer_json({"00081199": {"vr": "SQ", "Value": []}})

    def _noted(self) -> DicomwebServer:
        self.state.requests.append(f"{self.command} {self.path}")
        self.state.headers.append({name.lower(): value for name, value in self.headers.items()})
        return self.state

    def _answer_json(self, answer: Any) -> None:
        self._answer(200, json.dumps(answer).encode(), "application/dicom+json")

    def _answer(self, status: int, content: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        if status == 302:
            self.send_header("Location", f"{self.state.url}/elsewhere")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def dicomweb_server() -> Iterator[DicomwebServer]:
    state = DicomwebServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/dicom-web"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
