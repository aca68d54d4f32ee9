"""The built page: what a browser gets, packed and safe, and what it gets where nobody has built it."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pydicom
import pytest
import pytest_asyncio

from service.api import page_routes
from service.settings import Settings
from tests.service.running_app import running_app
from tests.service.served_app import served_app

pytestmark = pytest.mark.asyncio

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self' blob: data:; worker-src 'self' blob:; font-src 'self'; manifest-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
SCRIPT = b"export const answer = 42;\n"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built page with a secret beside it."""
    folder = tmp_path / "web" / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Atypia</title>")
    (folder / "assets" / "main-1a2b.js").write_bytes(SCRIPT)
    (folder / "secret.js").write_text("SECRET")
    (tmp_path / "settings.py").write_text("SECRET")
    monkeypatch.setattr(page_routes, "BUILT", folder)
    return folder


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str, built: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client:
        yield client


async def test_the_page_is_asked_for_each_time_and_its_files_once(client: httpx.AsyncClient):
    page, script = await client.get("/"), await client.get("/assets/main-1a2b.js")
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-cache")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert (script.content, script.headers["cache-control"]) == (
        SCRIPT,
        "public, max-age=31536000, immutable",
    )


@pytest.mark.parametrize("path", ["/", "/assets/main-1a2b.js", "/assets/none.js"])
async def test_the_page_may_run_its_own_files_and_nothing_else(client: httpx.AsyncClient, path: str):
    assert (await client.get(path)).headers["content-security-policy"] == POLICY


@pytest.mark.parametrize(
    ("path", "start"), [("/jobs", "default-src 'none'; frame"), ("/docs", "default-src 'self'; script-src")]
)
async def test_other_answers_keep_their_own_policy(client: httpx.AsyncClient, path: str, start: str):
    assert (await client.get(path)).headers["content-security-policy"].startswith(start)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("a.json", "application/json"),
        ("a.png", "image/png"),
    ],
)
async def test_a_file_has_the_type_of_its_ending(
    client: httpx.AsyncClient, built: Path, name: str, media_type: str
):
    (built / "assets" / name).write_bytes(b"x")
    assert (await client.get(f"/assets/{name}")).headers["content-type"] == media_type


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"), ("identity", None)],
)
async def test_a_packed_file_is_sent_to_whoever_takes_it(
    client: httpx.AsyncClient, built: Path, accepted: str, coding: str | None
):
    asset = built / "assets" / "main-1a2b.js"
    asset.with_name(f"{asset.name}.gz").write_bytes(gzip.compress(SCRIPT))
    asset.with_name(f"{asset.name}.br").write_bytes(b"a script, packed")
    url = f"/assets/{asset.name}"
    async with client.stream("GET", url, headers={"Accept-Encoding": accepted}) as response:
        sent = b"".join([piece async for piece in response.aiter_raw()])
    assert response.headers.get("content-encoding") == coding
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    names = {"br": f"{asset.name}.br", "gzip": f"{asset.name}.gz", None: asset.name}
    assert sent == asset.with_name(names[coding]).read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../settings.py",
        "/assets/..%2f..%2fsettings.py",
        "/assets/%2e%2e/%2e%2e/settings.py",
        "/assets/..%5c..%5csettings.py",
        "/assets/../secret.js",
        "/assets/..%2fsecret.js",
        "/assets/%2e%2e%2fsecret.js",
        "/assets//etc/passwd",
        "/assets/main-1a2b.js%00.js",
        "/assets/..",
        "/assets/",
        "/secret.js",
    ],
)
async def test_no_path_leads_out_of_the_folder(settings: Settings, redis_url: str, built: Path, path: str):
    """Over a bare socket: a client of HTTP tidies such a path before it sends it."""
    async with served_app(settings, redis_url) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 404 ") and b"SECRET" not in answer


async def test_a_page_that_nobody_has_built_says_how_to(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(page_routes, "BUILT", tmp_path / "nowhere")
    page = await client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "has not been built" in page.text and "scripts/web" in page.text and 'href="docs"' in page.text
    assert (await client.get("/assets/main-1a2b.js")).status_code == 404


async def test_page_and_sample_ask_for_no_key_and_leave_no_line(
    settings: Settings, redis_url: str, built: Path
):
    closed = settings.model_copy(update={"anonymous": "never"})
    async with running_app(closed, redis_url) as client:
        statuses = [
            (await client.get(path)).status_code for path in ("/", "/assets/main-1a2b.js", "/sample", "/jobs")
        ]
    assert statuses == [200, 200, 200, 401]
    lines = "".join(path.read_text() for path in settings.audit_dir.glob("*.jsonl")).splitlines()
    assert len(lines) == 1 and '"/jobs"' in lines[0]


async def test_the_sample_is_an_x_ray_under_its_own_name(client: httpx.AsyncClient, tmp_path: Path):
    response = await client.get("/sample")
    assert response.headers["content-type"] == "application/dicom"
    assert 'filename="sample-chest-xray.dcm"' in response.headers["content-disposition"]
    (tmp_path / "sample.dcm").write_bytes(response.content)
    assert pydicom.dcmread(tmp_path / "sample.dcm").Modality in ("CR", "DX")
