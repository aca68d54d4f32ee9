"""Audit messages that outlive their API."""

from pathlib import Path

import httpx
import numpy as np
from redis import Redis

from service.keys import Keys
from tests.audit_repositories import tls_repository
from tests.e2e.processes import PATIENCE_S, address_of, running, start
from tests.imaging.dicom_builder import dicom_bytes
from tests.service.tls_server import make_authority
from tests.service.uploads_builder import grey
from tests.service.valkey_servers import free_port

COUNT = 5
RECEIVED = ("110104", "C")


def test_what_a_killed_api_owed_is_sent_by_the_next(tmp_path: Path, bundles: Path, redis_url: str):
    make_authority(tmp_path)
    port, prefix = free_port(), f"test-{tmp_path.name}"
    settings: dict[str, str | Path] = {
        "data_dir": tmp_path / "data",
        "bundles": bundles,
        "redis_url": redis_url,
        "key_prefix": prefix,
        "audit_syslog": f"tls://localhost:{port}",
        "audit_syslog_ca_file": tmp_path / "authority.pem",
    }
    killed = start("serve", "--port", "0", **settings)
    with httpx.Client(base_url=address_of(killed), timeout=PATIENCE_S) as client:
        for number in range(COUNT):
            content = dicom_bytes(grey(number).astype(np.uint16), PatientID=f"P-{number}")
            assert client.post("/score", files={"file": ("a.dcm", content)}).status_code == 202
        killed.kill()
        killed.communicate()
    end_leases(redis_url, prefix)
    with tls_repository(tmp_path, port=port) as there, running("api", "--port", "0", **settings):
        received = there.until_what(RECEIVED, COUNT)
    assert sorted(one.objects["2"] for one in received) == [f"P-{number}" for number in range(COUNT)]


def end_leases(redis_url: str, prefix: str) -> None:
    """What the dead one had in hand is everybody's a minute later, which a test does not wait for."""
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        agenda = Keys(prefix).agenda("audit")
        for member in redis.zrange(agenda, 0, -1):
            redis.zadd(agenda, {member: 0})
