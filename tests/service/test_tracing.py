"""Traces, as a collector receives them."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import ValidationError

from service.settings import Settings
from service.tracing import LONGEST_CLOSE_S, open_tracing
from tests.imaging.dicom_builder import dicom_bytes
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import png_bytes

PATIENT = "PlantedName"

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
WAIT = {"Prefer": "wait=60"}


class Collector:
    """Listens on loopback, and keeps every span with the name of the service that sent it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.spans: list[tuple[str, Span]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.bodies.append(body)
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    names = {one.key: one.value.string_value for one in resource.resource.attributes}
                    found = [span for scope in resource.scope_spans for span in scope.spans]
                    collector.spans += [(names["service.name"], span) for span in found]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.mark.asyncio
async def test_one_trace_goes_from_the_caller_through_the_api_to_the_worker(
    settings: Settings, redis_url: str, collector: Collector
):
    traced = settings.model_copy(update={"traces_url": collector.url})
    async with running_app(traced, redis_url) as client, running_worker(traced, redis_url):
        await client.post("/score", content=png_bytes(), headers={**WAIT, "traceparent": CALLER})
    spans = {(role, span.name): span for role, span in collector.spans}
    assert set(spans) == {
        ("atypia-api", "request"),
        *(("atypia-worker", name) for name in ("waiting", "job", "decode and prepare", "infer")),
        ("atypia-worker", "finish and store"),
    }
    assert {span.trace_id.hex() for span in spans.values()} == {CALLER.split("-")[1]}
    request, job = spans["atypia-api", "request"], spans["atypia-worker", "job"]
    assert request.parent_span_id.hex() == CALLER.split("-")[2]
    assert job.parent_span_id == request.span_id
    assert spans["atypia-worker", "infer"].parent_span_id == job.span_id
    told = {one.key: one.value for one in job.attributes}
    assert told["atypia.state"].string_value == "done" and told["atypia.decode_ms"].double_value > 0


@pytest.mark.asyncio
async def test_a_trace_holds_nothing_of_the_patient(settings: Settings, redis_url: str, collector: Collector):
    traced = settings.model_copy(update={"traces_url": collector.url})
    async with running_app(traced, redis_url) as client, running_worker(traced, redis_url):
        content = dicom_bytes(np.zeros((40, 48), np.uint16), PatientName=PATIENT, PatientID=PATIENT)
        await client.post("/score", files={PATIENT: (f"{PATIENT}.dcm", content)}, headers=WAIT)
        await client.post("/score", content=content[:-9], headers=WAIT)
        await client.get(f"/jobs/{PATIENT}?{PATIENT}=1")
    assert len(collector.spans) > 6 and not any(PATIENT.encode() in body for body in collector.bodies)


@pytest.mark.asyncio
async def test_a_collector_that_takes_spans_and_never_answers_delays_no_job_and_no_stop_for_long(
    settings: Settings, redis_url: str
):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        traced = settings.model_copy(update={"traces_url": url})
        async with running_app(traced, redis_url) as client, running_worker(traced, redis_url):
            response = await client.post("/score", content=png_bytes(), headers=WAIT)
            stopping = time.monotonic()
    assert response.status_code == 200
    # One after the other here, and each in a process of its own elsewhere.
    assert time.monotonic() - stopping < 2 * LONGEST_CLOSE_S + 2


def test_without_the_packages_a_collector_is_refused_with_the_remedy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ValueError, match=r"ATYPIA_TRACES_URL .*pip install 'atypia\[tracing\]'"):
        open_tracing(settings.model_copy(update={"traces_url": "http://127.0.0.1:4318"}), role="api")


def test_a_collectors_address_without_a_scheme_is_refused():
    with pytest.raises(ValidationError, match="traces_url"):
        Settings(traces_url="collector:4318")


def test_without_a_collector_no_exporter_is_loaded():
    # redis-py and FastAPI load the other parts of OpenTelemetry by themselves where they are installed.
    code = (
        "import sys, service.cli; print([name for name in sys.modules if 'opentelemetry.exporter' in name])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"
