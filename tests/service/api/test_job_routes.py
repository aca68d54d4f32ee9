"""Jobs that no worker has taken yet, and the routes around them."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from service.settings import Settings
from tests.service.running_app import running_app
from tests.service.uploads_builder import ct_slices, png_bytes

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client:
        yield client


async def test_an_accepted_image_is_a_queued_job(client: httpx.AsyncClient):
    response = await client.post("/score", content=png_bytes())
    job = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == f"/jobs/{job['job_id']}" == job["links"]["self"]
    assert {key: job[key] for key in ("state", "progress", "model", "error", "summary")} == {
        "state": "queued",
        "progress": 0.0,
        "model": "tiny@1.0.0",
        "error": None,
        "summary": None,
    }
    assert (await client.get(response.headers["location"])).json() == job


async def test_the_same_series_in_another_order_is_the_same_job(client: httpx.AsyncClient):
    slices = ct_slices()
    ids = []
    for order in (slices, slices[::-1]):
        files = [("file", (f"{index}", content)) for index, content in enumerate(order)]
        ids.append((await client.post("/score", files=files)).json()["job_id"])
    assert ids[0] == ids[1]
    assert len((await client.get("/jobs")).json()) == 1


async def test_the_same_file_is_the_same_job_in_a_form_and_in_pieces(client: httpx.AsyncClient):
    """Its sha256 is of what came, not of how it came."""

    async def pieces() -> AsyncIterator[bytes]:
        for byte in png_bytes():
            yield bytes([byte])

    answers = [
        await client.post("/score", content=png_bytes()),
        await client.post("/score", content=pieces()),
        await client.post("/score", files={"any": png_bytes()}),
    ]
    assert len({answer.json()["job_id"] for answer in answers}) == 1


async def test_another_model_or_scope_is_another_job(client: httpx.AsyncClient):
    ids = {
        (await client.post("/score", content=png_bytes(), params=options)).json()["job_id"]
        for options in ({}, {"model": "tiny"}, {"model": "tiny-us"}, {"scope": "warn"})
    }
    assert len(ids) == 3


async def test_a_second_copy_of_an_upload_is_not_kept(client: httpx.AsyncClient, settings: Settings):
    for _ in range(2):
        await client.post("/score", content=png_bytes())
    assert len([path for path in settings.store_dir.rglob("*") if path.is_file()]) == 1


async def test_waiting_too_shortly_gives_the_job(client: httpx.AsyncClient):
    response = await client.post("/score", content=png_bytes(), headers={"Prefer": "wait=0"})
    assert (response.status_code, response.headers["preference-applied"]) == (202, "wait=0")


async def test_a_job_is_cancelled_then_tried_again_then_removed(client: httpx.AsyncClient):
    path = (await client.post("/score", content=png_bytes())).headers["location"]
    assert (await client.delete(path)).json()["state"] == "cancelled"
    assert (await client.get(f"{path}/result")).status_code == 409
    assert (await client.post(f"{path}/retry")).json()["state"] == "queued"
    assert (await client.post(f"{path}/retry")).status_code == 202
    assert (await client.delete(path)).status_code == 200
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_a_removed_upload_cannot_be_tried_again(client: httpx.AsyncClient, settings: Settings):
    path = (await client.post("/score", content=png_bytes())).headers["location"]
    await client.delete(path)
    for file in settings.store_dir.rglob("00000"):
        file.unlink()
    assert (await client.post(f"{path}/retry")).status_code == 410


async def test_the_result_of_a_queued_job_is_not_there_yet(client: httpx.AsyncClient):
    path = (await client.post("/score", content=png_bytes())).headers["location"]
    response = await client.get(f"{path}/result")
    assert response.status_code == 409
    assert "is queued" in response.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/jobs/none", "/jobs/none/events", "/jobs/none/result", "/jobs/none/result.zip"]
)
async def test_a_job_that_does_not_exist_is_not_found(client: httpx.AsyncClient, path: str):
    assert (await client.get(path)).json()["type"] == "urn:atypia:problem:job-not-found"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/none", 404), ("PUT", "/jobs", 405), ("GET", "/jobs?count=0", 422)],
)
async def test_every_error_is_problem_json(client: httpx.AsyncClient, method: str, path: str, status: int):
    response = await client.request(method, path)
    assert response.status_code == response.json()["status"] == status
    assert response.headers["content-type"] == "application/problem+json"


async def test_an_unexpected_error_tells_nothing_of_itself(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def broken(*_arguments: object, **_options: object) -> None:
        raise LookupError("SECRET^PATIENT")

    monkeypatch.setattr("service.queue.Queue.get", broken)
    response = await client.get("/jobs/SECRET%0aPATIENT", headers={"X-Request-ID": "scanner-7"})
    assert (response.status_code, response.json()["title"]) == (500, "Unexpected")
    lines = [record.getMessage() for record in caplog.records if record.name == "service.failure_log"]
    assert "SECRET" not in response.text + "".join(lines)
    assert "request scanner-7: GET /jobs/{job_id} failed: LookupError at" in lines[0]


async def test_without_a_worker_the_service_lives_but_is_not_ready(client: httpx.AsyncClient):
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    response = await client.get("/readyz")
    assert response.status_code == 503
    assert "no worker is alive" in response.json()["detail"]


async def test_models_are_listed_with_their_scope_and_card(client: httpx.AsyncClient):
    assert [model["model"] for model in (await client.get("/models")).json()] == [
        "tiny@1.0.0",
        "tiny-slow@1.0.0",
        "tiny-us@1.0.0",
    ]
    model = (await client.get("/models/tiny-us@1.0.0")).json()
    assert (model["scope"]["modalities"], model["calibration_patients"]) == (["US"], 100)
    assert (await client.get(model["links"]["card"])).text.startswith("# tiny-us")
    assert (await client.get("/models/none")).status_code == 404


async def test_metrics_count_requests_by_route_and_queued_jobs(client: httpx.AsyncClient):
    path = (await client.post("/score", content=png_bytes())).headers["location"]
    await client.get(path)
    text = (await client.get("/metrics")).text
    assert 'atypia_http_requests_total{method="GET",route="/jobs/{job_id}",status="200"} 1.0' in text
    assert 'atypia_queue_depth{priority="normal"} 1.0' in text
    assert "atypia_workers 0.0" in text


async def test_a_method_that_a_path_does_not_have_is_told_which_ones_it_has(client: httpx.AsyncClient):
    for path, allowed in (("/jobs/0", "DELETE, GET"), ("/jobs/0/retry", "POST")):
        response = await client.put(path)
        assert (response.status_code, response.headers["allow"]) == (405, allowed)
