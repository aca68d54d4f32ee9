"""Both kinds of client against a real server: the same tests, the blocking one in a thread."""

import asyncio
import gzip
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydicom.data import get_testdata_file

from service.access.api_keys import ApiKeys
from service.client import (
    AsyncClient,
    BusyError,
    Client,
    ConflictError,
    JobFailedError,
    JobInfo,
    NotFoundError,
    UnauthorizedError,
    UnexpectedAnswerError,
    UnreachableError,
    UnsuitableImageError,
    WaitTimeoutError,
)
from service.connection import connect
from service.keys import Keys
from service.settings import Settings
from tests.service.bundle_builder import make_bundle
from tests.service.remote.cutting_proxy import cutting_proxy
from tests.service.running_app import running_worker
from tests.service.served_app import served_app
from tests.service.uploads_builder import ct_slices, nifti_bytes, png_bytes

pytestmark = pytest.mark.asyncio

Connect = Callable[..., Any]


class Threaded:
    """A blocking client whose verbs can be awaited."""

    def __init__(self, address: str, *arguments: Any, **options: Any) -> None:
        self._client = Client(address, *arguments, **options)

    async def close(self) -> None:
        self._client.close()

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        return lambda *arguments, **options: asyncio.to_thread(
            getattr(self._client, verb), *arguments, **options
        )


@pytest_asyncio.fixture(params=[AsyncClient, Threaded], ids=["async", "blocking"])
async def connected(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Makes clients, and closes them."""
    async with AsyncExitStack() as stack:

        def connect_to(address: str | httpx.URL, *arguments: Any, **options: Any) -> Any:
            client = request.param(str(address), *arguments, **options)
            stack.push_async_callback(client.close)
            return client

        yield connect_to


@pytest_asyncio.fixture
async def server(settings: Settings, redis_url: str) -> AsyncIterator[httpx.URL]:
    """A service without a worker."""
    async with served_app(settings, redis_url) as http:
        yield http.base_url


@pytest_asyncio.fixture
async def working_server(server: httpx.URL, settings: Settings, redis_url: str) -> AsyncIterator[httpx.URL]:
    async with running_worker(settings, redis_url):
        yield server


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "Surname^Name.png"
    path.write_bytes(png_bytes())
    return path


async def test_an_image_is_sent_waited_for_and_its_heatmap_fetched(
    connected: Connect, working_server: httpx.URL, png: Path, tmp_path: Path
):
    client = connected(working_server)
    sent: JobInfo = await client.submit(png, model="tiny", priority="high")
    assert (sent.model, sent.priority) == ("tiny@1.0.0", "high")
    job = await client.wait(sent.job_id, 60)
    assert job.is_done and job.progress == 1 and job.finished_at > job.created_at
    assert (await client.result(job.job_id))["score"] > 0
    await client.fetch(job.job_id, "overlay", tmp_path / "overlay.png")
    await client.fetch(job.job_id, "map", str(tmp_path / "map.nii.gz"))
    assert (tmp_path / "overlay.png").read_bytes().startswith(b"\x89PNG")
    assert len(gzip.decompress((tmp_path / "map.nii.gz").read_bytes())) > 348
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "Surname^Name.png",
        "map.nii.gz",
        "overlay.png",
    ]


async def test_a_folder_of_a_series_is_one_image(
    connected: Connect, working_server: httpx.URL, tmp_path: Path
):
    for index, content in enumerate(ct_slices()):
        (tmp_path / f"{index}.dcm").write_bytes(content)
    (tmp_path / "DICOMDIR").write_bytes(b"no image")
    (tmp_path / ".hidden").write_bytes(b"no image")
    client = connected(working_server)
    whole = await client.submit(tmp_path, model="tiny")
    await client.wait(whole.job_id, 60)
    assert len((await client.result(whole.job_id))["slices"]) == 4
    assert (await client.submit(sorted(tmp_path.glob("*.dcm")), model="tiny")).job_id == whole.job_id


async def test_several_contrasts_are_sent_by_name(
    connected: Connect, settings: Settings, redis_url: str, tmp_path: Path
):
    make_bundle(tmp_path / "two", name="brain", channels=2, contrasts=("FLAIR", "T1"))
    settings = Settings.model_validate({**settings.model_dump(), "bundles": (tmp_path / "two",)})
    for number, name in enumerate(("flair", "t1")):
        (tmp_path / f"{name}.nii").write_bytes(nifti_bytes(number))
    async with served_app(settings, redis_url) as http:
        client = connected(http.base_url)
        job = await client.submit({"FLAIR": tmp_path / "flair.nii", "T1": [tmp_path / "t1.nii"]})
        assert job.model == "brain@1.0.0"


async def test_no_file_name_is_sent(connected: Connect, server: httpx.URL, png: Path):
    async with cutting_proxy(server.port or 0) as proxy:
        await connected(proxy.address).submit(png)
    assert b"filename=" in b"".join(proxy.requests) and b"Surname" not in b"".join(proxy.requests)


@pytest.mark.parametrize(
    "case",
    [
        (b"only some words", {}, UnsuitableImageError, 415),
        (png_bytes()[:60], {}, UnsuitableImageError, 400),
        (png_bytes(), {"model": "none"}, NotFoundError, 404),
        (png_bytes(), {"scope": "perhaps"}, UnsuitableImageError, 422),
    ],
)
async def test_a_refusal_has_its_kind_and_its_problem(
    connected: Connect, server: httpx.URL, tmp_path: Path, case: tuple[bytes, dict[str, str], Any, int]
):
    content, options, kind, status = case
    (tmp_path / "image").write_bytes(content)
    client = connected(server)
    with pytest.raises(kind) as refused:
        await client.submit(tmp_path / "image", **options)
    assert refused.value.problem.status == status and refused.value.problem.type.startswith("urn:atypia:")


async def test_what_does_not_exist_is_not_sent(connected: Connect, server: httpx.URL, tmp_path: Path):
    client = connected(server)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png does not exist"):
        await client.submit(tmp_path / "nowhere.png")
    with pytest.raises(FileNotFoundError, match="no file to send"):
        await client.submit(tmp_path)


async def test_waiting_goes_on_after_a_dropped_stream_with_what_was_seen_last(
    connected: Connect, server: httpx.URL, settings: Settings, redis_url: str, png: Path
):
    job = await connected(server).submit(png, model="tiny")
    async with cutting_proxy(server.port or 0) as proxy:
        waiting = asyncio.create_task(connected(proxy.address).wait(job.job_id, 60))
        while b"event: job" not in proxy.answers:
            await asyncio.sleep(0.05)
        proxy.drop()
        async with running_worker(settings, redis_url):
            assert (await waiting).is_done
    events = [request.lower() for request in proxy.requests if b"/events" in request]
    assert [b"last-event-id" in request for request in events] == [False, True]


async def test_waiting_asks_where_no_event_comes_through(
    connected: Connect, server: httpx.URL, settings: Settings, redis_url: str, png: Path
):
    job = await connected(server).submit(png, model="tiny")
    async with cutting_proxy(server.port or 0, 10) as proxy, running_worker(settings, redis_url):
        assert (await connected(proxy.address).wait(job.job_id, 60)).is_done
    events = [request for request in proxy.requests if b"/events" in request]
    assert len(events) == 1 and len(proxy.requests) > 1


async def test_waiting_ends_in_time_and_the_job_goes_on(connected: Connect, server: httpx.URL, png: Path):
    client = connected(server)
    job = await client.submit(png)
    with pytest.raises(WaitTimeoutError, match=r"is queued after 0\.3 s"):
        await client.wait(job.job_id, 0.3)
    with pytest.raises(ConflictError):
        await client.result(job.job_id)


async def test_a_download_that_is_cut_off_is_begun_again(
    connected: Connect, working_server: httpx.URL, tmp_path: Path
):
    (tmp_path / "image.nii").write_bytes(nifti_bytes(shape=(64, 64, 64)))
    client = connected(working_server)
    job = await client.wait((await client.submit(tmp_path / "image.nii", model="tiny")).job_id, 60)
    await client.fetch(job.job_id, "map", tmp_path / "whole")
    async with cutting_proxy(working_server.port or 0, 2000) as proxy:
        await connected(proxy.address).fetch(job.job_id, "map", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "whole").read_bytes()


async def test_a_busy_service_is_asked_again_when_it_says_to(
    connected: Connect, settings: Settings, redis_url: str, png: Path
):
    settings = Settings.model_validate({**settings.model_dump(), "rate_per_minute": 60, "rate_burst": 1})
    async with served_app(settings, redis_url) as http:
        job = await connected(http.base_url).submit(png)
        assert (await connected(http.base_url).submit(png)).job_id == job.job_id
        with pytest.raises(BusyError) as busy:
            await connected(http.base_url, patience_s=0).submit(png)
    assert busy.value.problem.status == 429


async def test_a_failed_job_has_its_own_problem_for_a_result(
    connected: Connect, working_server: httpx.URL, tmp_path: Path
):
    content = Path(str(get_testdata_file("MR_small_jp2klossless.dcm"))).read_bytes()
    stream = content.index(b"\xff\x4f\xff\x51") + 40  # the picture's own header; the file's is whole
    damaged = content[:stream] + bytes(60) + content[stream + 60 :]
    (tmp_path / "image.dcm").write_bytes(damaged)
    client = connected(working_server)
    job = await client.wait((await client.submit(tmp_path / "image.dcm", model="tiny")).job_id, 60)
    assert job.state == "failed" and job.error.status == 400
    with pytest.raises(JobFailedError) as failed:
        await client.result(job.job_id)
    assert failed.value.problem.title == job.error.title
    assert (await client.retry(job.job_id)).state in ("queued", "running")


async def test_a_job_is_cancelled_once_and_removed_with_all_it_has(
    connected: Connect, server: httpx.URL, png: Path
):
    client = connected(server)
    job = await client.submit(png)
    assert (await client.cancel(job.job_id)).state == "cancelled"
    assert (await client.cancel(job.job_id)).state == "cancelled"
    assert (await client.retry(job.job_id)).state in ("queued", "running")
    await client.remove(job.job_id)
    with pytest.raises(NotFoundError):
        await client.job(job.job_id)


async def test_models_and_readiness_are_told(connected: Connect, working_server: httpx.URL):
    client = connected(working_server)
    assert await client.ready() is True
    assert "tiny@1.0.0" in [model["model"] for model in await client.models()]


async def test_a_service_without_a_worker_is_not_ready(connected: Connect, server: httpx.URL):
    assert await connected(server).ready() is False


async def test_a_key_is_sent_and_a_wrong_one_is_told_of(
    connected: Connect, settings: Settings, redis_url: str, server: httpx.URL, png: Path
):
    redis = connect(redis_url)
    key = await ApiKeys(redis, Keys(settings.key_prefix)).add("ward", ("score",))
    await redis.aclose()
    assert (await connected(server, key).submit(png)).state == "queued"
    with pytest.raises(UnauthorizedError):
        await connected(server, "atypia_wrong").submit(png)


async def test_nobody_at_the_address_is_an_error_of_its_own(connected: Connect, png: Path):
    with pytest.raises(UnreachableError):
        await connected("http://127.0.0.1:9").submit(png)


async def test_another_kind_of_server_is_told_from_the_service(connected: Connect, server: httpx.URL):
    with pytest.raises(UnexpectedAnswerError, match="not JSON"):
        await connected(f"{server}/docs?").models()


async def test_an_address_without_a_scheme_is_a_mistake(connected: Connect):
    with pytest.raises(ValueError, match="is no address of a service"):
        connected("127.0.0.1:8000")


async def test_the_client_loads_without_the_server_and_any_runtime():
    code = (
        "import sys\n"
        "for name in ('fastapi', 'redis', 'uvicorn', 'torch', 'onnxruntime', 'numpy', 'pydicom'):\n"
        "    sys.modules[name] = None\n"
        "from service.client import AsyncClient, Client\n"
        "ours = {name for name in sys.modules if name.startswith(('service.', 'imaging', 'inference'))}\n"
        "assert all(name.startswith(('service.client', 'service.remote')) for name in ours), ours"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
