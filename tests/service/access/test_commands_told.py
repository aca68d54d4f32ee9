"""What the commands for keys and for the audit log tell an audit record repository."""

import asyncio
import secrets
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli import app
from service.connection import connect
from service.keys import Keys
from service.owed_messages import OwedMessages
from tests.imaging.dicom_audit.checked import Told, checked


@pytest.fixture
def prefix(monkeypatch: pytest.MonkeyPatch, redis_url: str, tmp_path: Path) -> str:
    prefix = f"test-{secrets.token_hex(6)}"
    variables = {
        "ATYPIA_KEY_PREFIX": prefix,
        "ATYPIA_REDIS_URL": redis_url,
        "ATYPIA_DATA_DIR": str(tmp_path),
        "ATYPIA_AUDIT_SYSLOG": "tls://localhost:6514",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return prefix


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def owed(redis_url: str, prefix: str) -> list[Told]:
    async def take() -> list[str]:
        redis = connect(redis_url)
        found = await OwedMessages(redis, Keys(prefix)).take(9)
        await redis.aclose()
        return [one.message for one in found]

    return [checked(message) for message in asyncio.run(take())]


def test_keys_made_and_revoked_are_alerts_and_a_verified_log_was_used(prefix: str, redis_url: str):
    key_id = run("keys", "add", "ct", "--scope", "score").split("_")[1]
    run("keys", "revoke", key_id)
    run("audit", "verify")
    told = owed(redis_url, prefix)
    assert [(one.event, one.type) for one in told] == [
        ("110113", "110137"),
        ("110113", "110137"),
        ("110101", None),
    ]
    assert [one.objects["12"] for one in told[:2]] == [f"api-keys/{key_id}"] * 2
    assert told[2].objects["12"].startswith("file:///")
