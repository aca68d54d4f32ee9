"""Stands in for the service where it has to be away, forgetful or refusing when a test wants it."""

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.uid import SecondaryCaptureImageStorage

from tests.imaging.dicom_builder import dicom_bytes


@dataclass
class StandIn:
    """Jobs by id, each with its study; `submissions` are their ids in the order in which uploads came."""

    address: str = ""
    answers: list[int] = field(default_factory=list)
    job_state: str = "done"
    left_out: tuple[str, ...] = ()
    jobs: dict[str, str] = field(default_factory=dict)
    submissions: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    file_counts: list[int] = field(default_factory=list)

    def accept(self, body: bytes, boundary: bytes) -> str:
        parts = sorted(part.split(b"\r\n\r\n", 1)[1][:-2] for part in body.split(b"--" + boundary)[1:-1])
        job_id = hashlib.sha256(b"".join(parts)).hexdigest()[:32]
        self.jobs[job_id] = str(dcmread(io.BytesIO(parts[0]), stop_before_pixels=True).StudyInstanceUID)
        self.submissions.append(job_id)
        self.file_counts.append(len(parts))
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        problem = {
            "type": "about:blank",
            "title": "Failed",
            "status": 400,
            "detail": "it is damaged",
            "job_id": 1,
        }
        return {
            "job_id": job_id,
            "state": self.job_state,
            "progress": 1.0,
            "seconds_left": None,
            "created_at": "2026-01-01T00:00:00Z",
            "finished_at": "2026-01-01T00:00:01Z",
            "model": "tiny@1.0.0",
            "priority": "normal",
            "error": problem if self.job_state == "failed" else None,
            "links": {},
        }

    def result_object(self, job_id: str, form: str) -> bytes:
        uids = [f"2.25.{int(hashlib.md5(f'{job_id}{form}{n}'.encode()).hexdigest(), 16)}" for n in range(2)]
        return dicom_bytes(
            np.zeros((2, 2), np.uint8),
            SOPClassUID=SecondaryCaptureImageStorage,
            SOPInstanceUID=uids[0],
            SeriesInstanceUID=uids[1],
            StudyInstanceUID=self.jobs[job_id],
            Modality="OT",
            Manufacturer="Atypia",
            SeriesDescription=form,
        )


@contextmanager
def service_stand_in() -> Iterator[StandIn]:
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if stand_in.answers:
                self._answer(stand_in.answers.pop(0), b"{}")
                return
            stand_in.queries.append(self.path)
            job_id = stand_in.accept(body, self.headers["Content-Type"].split("boundary=")[1].encode())
            self._answer(202, json.dumps(stand_in.job(job_id)).encode())

        def do_GET(self) -> None:
            job_id, _, rest = self.path.removeprefix("/jobs/").partition("/")
            if job_id not in stand_in.jobs:
                self._answer(404, b"{}")
            elif rest.endswith(".dcm"):
                form = rest.removeprefix("result/").removesuffix(".dcm")
                is_there = form not in stand_in.left_out
                self._answer(
                    200 if is_there else 404, stand_in.result_object(job_id, form) if is_there else b"{}"
                )
            elif rest == "result.json" and stand_in.job_state == "cancelled":
                self._answer(409, b"{}")
            elif rest == "result.json" and stand_in.job_state == "failed":
                self._answer(400, json.dumps(stand_in.job(job_id)["error"]).encode())
            else:
                self._answer(200, json.dumps(stand_in.job(job_id)).encode())

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
