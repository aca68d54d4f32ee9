"""What the service tells an audit record repository, over HTTP and a real syslog over TLS."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from service.access.api_keys import ApiKeys
from service.connection import connect
from service.keys import Keys
from service.owed_messages import OwedMessages
from service.settings import Settings
from tests.audit_repositories import AuditRepository, tls_repository, udp_repository
from tests.imaging.dicom_audit.checked import Told
from tests.imaging.dicom_builder import STUDY_UID, dicom_bytes
from tests.service.running_app import running_app, running_worker
from tests.service.served_app import served_app
from tests.service.tls_server import make_authority
from tests.service.uploads_builder import grey, png_bytes
from tests.service.valkey_servers import free_port

pytestmark = pytest.mark.asyncio

CT = "1.2.840.10008.5.1.4.1.1.2"
WAIT = {"Prefer": "wait=30"}
RECEIVED, AGAIN, MADE = ("110104", "C"), ("110104", "R"), ("110103", "C")
READ, REMOVED, ALERT, LOGIN = ("110103", "R"), ("110103", "D"), ("110113", "E"), ("110114", "E")
Trailed = Callable[..., Settings]


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    make_authority(tmp_path)
    return tmp_path


@pytest.fixture
def there(authority: Path) -> Iterator[AuditRepository]:
    with tls_repository(authority) as repository:
        yield repository


@pytest.fixture
def trailed(settings: Settings, authority: Path) -> Trailed:
    """Settings with a repository at that address."""

    def make(url: str, **changes: object) -> Settings:
        told = {
            "audit_syslog": url,
            "audit_syslog_ca_file": authority / "authority.pem",
            "audit_site": "ward",
        }
        return Settings.model_validate({**settings.model_dump(), **told, **changes})

    return make


def image(seed: int = 0, **elements: object) -> dict[str, tuple[str, bytes]]:
    stored = grey(seed).astype("uint16")
    return {
        "file": (
            "a.dcm",
            dicom_bytes(stored, **{"PatientID": "P-7", "SOPInstanceUID": f"1.2.{seed + 1}", **elements}),
        )
    }


async def owed_to(repository: AuditRepository, count: int) -> list[Told]:
    """What is there when so many messages are."""
    return await asyncio.to_thread(repository.until, lambda told: len(told) >= count)


async def test_a_scored_image_is_told_as_it_comes_is_made_read_and_removed(
    trailed: Trailed, there: AuditRepository, redis_url: str
):
    settings = trailed(there.url)
    async with served_app(settings, redis_url) as client, running_worker(settings, redis_url):
        scored = await client.post("/score", files=image(), headers=WAIT)
        links = scored.json()["links"]
        assert (await client.get(links["result"])).status_code == 200
        assert (await client.delete(links["self"])).status_code == 204
        told = await owed_to(there, 7)
    assert sorted(one.what for one in told if one.event != "110100") == sorted(
        [RECEIVED, MADE, READ, READ, REMOVED]
    )
    of_patient = [one for one in told if one.event != "110100"]
    assert {(one.objects["110180"], one.objects["2"]) for one in of_patient} == {(STUDY_UID, "P-7")}
    assert [one.instances for one in of_patient] == [{CT: 1}] * 5
    assert [one.type for one in told if one.event == "110100"] == ["110120", "110120"]
    assert {one.source.partition("@")[0] for one in told} == {"atypia-api", "atypia-worker"}


async def test_the_same_image_again_is_told_as_one_that_was_there(
    trailed: Trailed, there: AuditRepository, redis_url: str
):
    async with served_app(trailed(there.url), redis_url) as client:
        for _time in range(2):
            assert (await client.post("/score", files=image())).status_code == 202
        told = await owed_to(there, 3)
    assert [one.what for one in told[1:]] == [RECEIVED, AGAIN]


async def test_an_image_that_no_model_takes_is_a_failed_transfer(
    trailed: Trailed, there: AuditRepository, redis_url: str
):
    async with served_app(trailed(there.url), redis_url) as client:
        assert (await client.post("/score?model=tiny-us", files=image())).status_code == 422
        [_start, refused] = await owed_to(there, 2)
    assert (refused.what, refused.outcome, refused.objects["2"]) == (RECEIVED, 4, "P-7")


async def test_of_a_picture_that_is_nobodys_nothing_is_told(
    trailed: Trailed, there: AuditRepository, redis_url: str
):
    async with served_app(trailed(there.url), redis_url) as client:
        assert (await client.post("/score", content=png_bytes())).status_code == 202
        assert (await client.post("/score", files=image())).status_code == 202
        told = await owed_to(there, 2)
    assert [one.what for one in told] == [("110100", "E"), RECEIVED]


async def test_callers_without_a_key_are_told_once_a_minute_and_those_with_a_weak_one_as_an_alert(
    trailed: Trailed, there: AuditRepository, redis_url: str
):
    settings = trailed(there.url, anonymous="never")
    redis = connect(redis_url)
    key = await ApiKeys(redis, Keys(settings.key_prefix)).add("reader", ["read"])
    await redis.aclose()
    async with served_app(settings, redis_url) as client:
        for _time in range(3):
            assert (await client.get("/jobs/DOE^JOHN")).status_code == 401
        weak = {"X-API-Key": key}
        assert (await client.post("/score", files=image(), headers=weak)).status_code == 403
        [_start, login, alert] = await owed_to(there, 3)
    assert (login.what, login.type, login.users[0], login.outcome) == (LOGIN, "110122", "nobody", 4)
    assert (alert.what, alert.type, alert.users[0]) == (ALERT, "110132", key.split("_")[1])
    assert alert.objects["12"] == "/score" and "DOE" not in "".join(there.messages)


async def test_messages_outlive_a_service_whose_repository_is_away(
    trailed: Trailed, authority: Path, redis_url: str
):
    port = free_port()
    settings = trailed(f"tls://localhost:{port}")
    async with running_app(settings, redis_url) as client:
        for seed in range(5):
            assert (await client.post("/score", files=image(seed))).status_code == 202
        metrics = (await client.get("/metrics")).text
    assert "atypia_audit_messages_owed 6.0" in metrics
    await leases_over(settings, redis_url)
    with tls_repository(authority, port=port) as there:
        async with running_app(settings, redis_url) as client:
            told = await owed_to(there, 8)
            await none_owed(settings, redis_url)
            metrics = (await client.get("/metrics")).text
    assert 'atypia_audit_messages_total{outcome="sent"} 8.0' in metrics
    assert [one.what for one in told].count(RECEIVED) == 5
    assert len(set(there.messages)) == len(there.messages) == 8


async def leases_over(settings: Settings, redis_url: str) -> None:
    """What a dead sender had in hand is everybody's a minute later, which a test does not wait for."""

    async def hurry(redis: Redis) -> None:
        name = Keys(settings.key_prefix).agenda("audit")
        for member in await redis.zrange(name, 0, -1):
            await redis.zadd(name, {member: 0})

    await _with(redis_url, hurry)


async def none_owed(settings: Settings, redis_url: str) -> None:
    async def wait(redis: Redis) -> None:
        while await OwedMessages(redis, Keys(settings.key_prefix)).count():
            await asyncio.sleep(0.05)

    await _with(redis_url, wait)


async def _with(redis_url: str, use: Callable[[Redis], Awaitable[None]]) -> None:
    redis = connect(redis_url)
    try:
        await use(redis)
    finally:
        await redis.aclose()


async def test_more_messages_than_may_be_owed_are_dropped_and_counted(settings: Settings, redis_url: str):
    redis, keys = connect(redis_url), Keys(settings.key_prefix)
    owed = OwedMessages(redis, keys, most=2)
    assert [await owed.owe(text) for text in "abc"] == [True, True, False]
    assert [one.message for one in await owed.take(9)] == ["a", "b"]
    assert await redis.hget(keys.counters, "audit:dropped") == "1"
    await redis.aclose()


async def test_a_repository_may_be_told_in_datagrams(trailed: Trailed, redis_url: str):
    with udp_repository() as there:
        async with served_app(trailed(there.url), redis_url) as client:
            assert (await client.post("/score", files=image())).status_code == 202
            told = await owed_to(there, 2)
    assert told[1].what == RECEIVED


async def test_the_chain_and_the_log_name_no_patient_and_only_the_repository_does(
    trailed: Trailed, there: AuditRepository, redis_url: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    settings = trailed(there.url)
    async with served_app(settings, redis_url) as client, running_worker(settings, redis_url):
        planted = image(PatientID="PlantedID", PatientName="Planted^Name")
        assert (await client.post("/score", files=planted, headers=WAIT)).status_code == 200
        await owed_to(there, 5)
    chain = "".join(path.read_text() for path in settings.audit_dir.glob("*.jsonl"))
    assert "POST" in chain and re.findall(".*(?:Planted|1\\.2\\.826).*", chain + caplog.text) == []
    assert "PlantedID" in "".join(there.messages) and "Planted^Name" not in "".join(there.messages)


async def test_without_a_repository_nothing_of_a_patient_is_kept(settings: Settings, redis_url: str):
    async with served_app(settings, redis_url) as client:
        job = (await client.post("/score", files=image())).json()["job_id"]
    redis, keys = connect(redis_url), Keys(settings.key_prefix)
    assert "subject" not in await redis.hgetall(keys.job(job))
    assert await redis.exists(keys.agenda("audit")) == 0
    await redis.aclose()
