"""Bearer tokens of an OpenID Connect provider: signed JWTs (RFC 7519), checked against its published keys.

Source: OpenID Connect Discovery 1.0, section 4 (where the keys are); RFC 9068 (what an access token holds).
"""

import asyncio
import hashlib
import logging
import math
import time
import urllib.request
from http.client import HTTPException
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from pydantic import BaseModel

from service.access.principal import SCOPES, Principal, Scope
from service.errors import NotReadyError, UnauthorizedError

logger = logging.getLogger(__name__)

# Signatures by a private key alone: a provider's public key must never serve as an HMAC's secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_PREFIX = "atypia:"
_FRESH_S = 600.0
# A provider that is away for a while locks nobody out; one that withdrew a key is believed in the end.
_STALE_S = 3600.0
# A key that is not known may be a new one: look again, but not at every forged token, nor for every caller
# of a provider that is away.
_RETRY_S = 10.0
_TIMEOUT_S = 5.0
_LEEWAY_S = 30


class _Discovery(BaseModel):
    jwks_uri: str


class _PublishedKeys(BaseModel):
    keys: list[dict[str, Any]]


class Oidc:
    """One provider and the audience that its tokens must be for."""

    def __init__(self, issuer: str, audience: str, *, scope_claim: str) -> None:
        self._issuer = issuer.rstrip("/")
        self._scope_claim = scope_claim
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "values": [self._issuer, f"{self._issuer}/"]},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._keys: KeySet | None = None
        self._fetched_at = self._looked_at = -math.inf
        self._lock = asyncio.Lock()

    async def principal_of(self, token: str) -> Principal:
        """Who a token was made for; scopes are the claim's `atypia:score`, `atypia:read`, `atypia:admin`.

        Raises:
            UnauthorizedError: It is expired, for somebody else, or not signed by the provider.
            NotReadyError: The provider's keys cannot be had.
        """
        try:
            claims = await self._verified(token)
            self._claims.validate(claims)
        except (JoseError, ValueError) as error:
            # The token's own words are not repeated.
            raise UnauthorizedError(
                f"the token is not valid ({type(error).__name__}); ask {self._issuer} for a new one"
            ) from error
        subject = hashlib.sha256(f"{self._issuer} {claims['sub']}".encode()).hexdigest()[:12]
        return Principal(f"oidc-{subject}", _scopes_of(claims.get(self._scope_claim)))

    async def _verified(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, await self._provider_keys(_FRESH_S), list(ALGORITHMS)).claims
        except (JoseError, ValueError):
            if time.monotonic() - self._looked_at < _RETRY_S:
                raise
            return jwt.decode(token, await self._provider_keys(_RETRY_S), list(ALGORITHMS)).claims

    async def _provider_keys(self, fresh_s: float) -> KeySet:
        if self._keys is None:
            fresh_s = _RETRY_S
        # Asked before the lock as well: who has a good token does not wait while a bad one is looked into.
        if time.monotonic() - self._looked_at > fresh_s:
            async with self._lock:
                if time.monotonic() - self._looked_at > fresh_s:
                    await self._look()
        if self._keys is None or time.monotonic() - self._fetched_at > _STALE_S:
            raise NotReadyError(f"the keys of {self._issuer} cannot be read")
        return self._keys

    async def _look(self) -> None:
        try:
            self._keys = await asyncio.to_thread(self._fetch)
            self._fetched_at = time.monotonic()
        except (OSError, ValueError, HTTPException) as error:
            logger.warning("the keys of %s cannot be read: %s", self._issuer, type(error).__name__)
        self._looked_at = time.monotonic()

    def _fetch(self) -> KeySet:
        found = _Discovery.model_validate_json(_read(f"{self._issuer}/.well-known/openid-configuration"))
        published = _PublishedKeys.model_validate_json(_read(found.jwks_uri))
        keys = [key for value in published.keys if (key := _key_of(value)) is not None]
        if not keys:
            raise ValueError(f"{self._issuer} publishes no key that can be used")
        return KeySet(keys)


def _key_of(value: dict[str, Any]) -> Key | None:
    """A published key; None if it is of a kind that we cannot read, which makes the others no worse."""
    try:
        return JWKRegistry.import_key(value)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _read(url: str) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{url:.100} is no web address")
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310  # checked above
        return bytes(answer.read(1 << 20))


def _scopes_of(claim: object) -> frozenset[Scope]:
    """Words of a string or a list; others than ours mean nothing here."""
    words = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return frozenset(scope for scope in SCOPES if f"{_PREFIX}{scope}" in words)
