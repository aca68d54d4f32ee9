"""What POST /score says no to, and how; no worker is needed for any of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from pydicom.data import get_testdata_file

from service.settings import Settings
from tests.service.running_app import running_app
from tests.service.uploads_builder import ct_slices, monochrome1_bytes, nifti_bytes, png_bytes

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings.model_copy(update={"max_upload_bytes": 200_000}), redis_url) as client:
        yield client


def sample(name: str) -> bytes:
    return Path(str(get_testdata_file(name))).read_bytes()


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"just some text, no image at all", 415, "no type that can be read; send DICOM"),
        (sample("test-SR.dcm"), 415, "no pixel data"),
        (sample("CT_small.dcm")[:20_000], 400, "send"),
        (nifti_bytes()[:2000], 400, "send"),
        (b"", 400, "the upload is empty; send DICOM"),
    ],
    ids=["text", "structured report", "truncated DICOM", "truncated NIfTI", "empty"],
)
async def test_an_upload_without_an_image_is_refused_with_one_sentence(
    client: httpx.AsyncClient, content: bytes, status: int, words: str
):
    for response in (
        await client.post("/score", content=content),
        await client.post("/score", files={"any": ("name", content)}),
    ):
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert words in response.json()["detail"] and response.json()["status"] == status


async def test_instances_of_two_series_are_refused(client: httpx.AsyncClient):
    other = monochrome1_bytes()
    files = [("file", ("a", ct_slices()[0])), ("file", ("b", other))]
    response = await client.post("/score", files=files)
    assert response.status_code in (400, 415)


async def test_an_image_that_the_named_model_is_not_for_is_out_of_scope(client: httpx.AsyncClient):
    response = await client.post("/score?model=tiny-us", content=ct_slices()[0])
    assert response.status_code == 422
    assert response.json()["type"] == "urn:atypia:problem:out-of-scope"
    assert "modality is CT, the model is for US" in response.json()["detail"]


async def test_an_unknown_model_is_not_found(client: httpx.AsyncClient):
    response = await client.post("/score", files={"file": png_bytes()}, data={"model": "none"})
    assert response.status_code == 404
    assert "no model 'none' is installed; installed: tiny@1.0.0" in response.json()["detail"]


@pytest.mark.parametrize(("data", "word"), [({"modle": "tiny"}, "modle"), ({"scope": "both"}, "scope")])
async def test_a_form_field_without_meaning_is_named(
    client: httpx.AsyncClient, data: dict[str, str], word: str
):
    response = await client.post("/score", files={"file": png_bytes()}, data=data)
    assert response.status_code == 422
    assert word in response.json()["detail"]


async def test_an_upload_above_the_limit_is_too_large(client: httpx.AsyncClient):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield bytes(1000)

    for content in (bytes(200_001), endless()):
        response = await client.post("/score", content=content)
        assert response.status_code == 413
        assert "larger than 200,000 bytes" in response.json()["detail"]


async def test_too_many_files_are_too_large(settings: Settings, redis_url: str):
    async with running_app(settings.model_copy(update={"max_files": 2}), redis_url) as client:
        response = await client.post("/score", files=[("f", (str(n), b"x")) for n in range(3)])
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"junk before the boundary"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nhalf',
        ),
    ],
    ids=["no boundary", "junk", "cut off"],
)
async def test_a_malformed_body_is_refused(client: httpx.AsyncClient, content_type: str, body: bytes):
    response = await client.post("/score", content=body, headers={"Content-Type": content_type})
    assert response.status_code == 400
    assert "multipart body" in response.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [b"X: " + b"a" * 20_000, b"X" * 20_000 + b": a", b"\r\n".join(b"X-%d: a" % n for n in range(3000))],
    ids=["a long value", "a long name", "many"],
)
async def test_a_part_with_headers_without_end_is_refused(client: httpx.AsyncClient, headers: bytes):
    body = (
        b"--x\r\nContent-Disposition: form-data; name=f; filename=f\r\n"
        + headers
        + b"\r\n\r\nbytes\r\n--x--\r\n"
    )
    response = await client.post(
        "/score", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert (response.status_code, "multipart body is malformed" in response.text) == (400, True)


async def test_a_form_of_thousands_of_fields_is_refused(client: httpx.AsyncClient):
    fields = {f"field-{number}": "value" for number in range(200)}
    response = await client.post("/score", files={"file": png_bytes()}, data=fields)
    assert response.status_code == 422
    assert "more than 100 fields" in response.json()["detail"]


async def test_a_refused_upload_leaves_nothing_in_the_store(client: httpx.AsyncClient, settings: Settings):
    await client.post("/score", content=b"just some text, no image at all")
    await client.post("/score", content=bytes(200_001))
    assert [path for path in settings.store_dir.rglob("*") if path.is_file()] == []


async def test_a_full_queue_says_when_to_come_back(settings: Settings, redis_url: str):
    async with running_app(settings.model_copy(update={"max_queued": 1}), redis_url) as client:
        assert (await client.post("/score", content=png_bytes(1))).status_code == 202
        response = await client.post("/score", content=png_bytes(2))
    assert (response.status_code, response.headers["retry-after"]) == (429, "5")
    assert response.json()["type"] == "urn:atypia:problem:queue-full"


async def test_a_queue_that_is_away_is_a_503(settings: Settings, tmp_path: Path):
    async with running_app(settings, f"unix://{tmp_path}/nobody.sock") as client:
        response = await client.post("/score", content=png_bytes())
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        assert str(tmp_path) not in response.text
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
