"""API keys: made by us, shown once, kept as hashes in Redis, where every API of the service finds them."""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from service.access.principal import Principal, Scope
from service.connection import send
from service.errors import KeyNotFoundError
from service.keys import Keys

_FORM = re.compile(r"atypia_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key; the key itself is not."""

    key_id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    is_revoked: bool


class ApiKeys:
    """The keys of one service.

    A key holds 256 random bits, so that a plain sha256 of it is as safe as a slow hash of a password.
    """

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._name = keys.api_keys

    async def add(self, name: str, scopes: Sequence[Scope]) -> str:
        """Make a key and return it; nobody can see it again."""
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        record = {
            "name": name,
            "scopes": list(scopes),
            "created_at": datetime.now(UTC).isoformat(),
            "sha256": _hash(secret),
        }
        await send(self._redis, "HSET", self._name, key_id, json.dumps(record))
        return f"atypia_{key_id}_{secret}"

    async def list(self) -> list[ApiKey]:
        """All keys, the oldest first."""
        records = await send(self._redis, "HGETALL", self._name)
        found = [_key_of(key_id, json.loads(record)) for key_id, record in records.items()]
        return sorted(found, key=lambda key: key.created_at)

    async def revoke(self, key_id: str) -> None:
        """Make a key useless from now on.

        What is known of it stays: the audit log names its id, and a service whose last key is revoked must
        not be open to everybody again.

        Raises:
            KeyNotFoundError: There is no such key.
        """
        stored = await send(self._redis, "HGET", self._name, key_id)
        if stored is None:
            raise KeyNotFoundError(f"there is no key {key_id}; `atypia keys list` shows those there are")
        record = {**json.loads(stored), "sha256": ""}
        await send(self._redis, "HSET", self._name, key_id, json.dumps(record))

    async def exist(self) -> bool:
        """Whether there has been any key."""
        return bool(await send(self._redis, "HLEN", self._name))

    async def find(self, key: str) -> Principal | None:
        """Who holds this key; nobody if it is none of ours."""
        found = _FORM.fullmatch(key)
        if found is None:
            return None
        key_id, secret = found.groups()
        stored = await send(self._redis, "HGET", self._name, key_id)
        record: dict[str, Any] = json.loads(stored) if stored else {"sha256": ""}
        if not hmac.compare_digest(record["sha256"], _hash(secret)):
            return None
        return Principal(key_id, frozenset(record["scopes"]))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key_of(key_id: str, record: dict[str, Any]) -> ApiKey:
    return ApiKey(
        key_id,
        record["name"],
        tuple(record["scopes"]),
        datetime.fromisoformat(record["created_at"]),
        is_revoked=not record["sha256"],
    )
