"""Tokens of a provider that runs here and publishes real keys."""

import asyncio
import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from service.access.oidc import Oidc
from service.errors import NotReadyError, UnauthorizedError

pytestmark = pytest.mark.asyncio


class Provider:
    """An issuer on loopback."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.other_keys: list[dict[str, str]] = []
        self.is_away = False
        self.asked = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                self.send_response(503 if provider.is_away else 200)
                self.end_headers()
                self.wfile.write(json.dumps(provider.pages()[self.path]).encode())

            def log_message(self, *_arguments: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def pages(self) -> dict[str, Any]:
        keys = KeySet([self.key]).as_dict(private=False)["keys"]
        return {
            "/.well-known/openid-configuration": {"jwks_uri": f"{self.issuer}/keys"},
            "/keys": {"keys": [*self.other_keys, *keys]},
        }

    def token(self, *, key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        header = {"alg": algorithm, "kid": (key or self.key).kid}
        whole = {
            "iss": self.issuer,
            "aud": "atypia",
            "sub": "someone@hospital",
            "exp": int(time.time()) + 60,
            "scope": "openid atypia:score",
            **claims,
        }
        return jwt.encode(
            header,
            {name: value for name, value in whole.items() if value is not None},
            key or self.key,
            [algorithm],
        )


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.server.shutdown()
    provider.server.server_close()


@pytest.fixture
def oidc(provider: Provider) -> Oidc:
    return Oidc(provider.issuer, "atypia", scope_claim="scope")


async def test_a_token_gives_its_subject_the_scopes_that_are_ours(provider: Provider, oidc: Oidc):
    principal = await oidc.principal_of(provider.token())
    assert principal.scopes == {"score"}
    assert principal.owner.startswith("oidc-") and "hospital" not in principal.owner
    assert await oidc.principal_of(provider.token(scope=["atypia:read"])) != principal
    other = await oidc.principal_of(provider.token(sub="another"))
    assert other.owner != principal.owner


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://else.where"},
        {"sub": None},
        {"nbf": int(time.time()) + 3600},
    ],
)
async def test_a_token_that_is_not_for_us_now_is_refused(
    provider: Provider, oidc: Oidc, claims: dict[str, Any]
):
    with pytest.raises(UnauthorizedError, match="not valid"):
        await oidc.principal_of(provider.token(**claims))


async def test_a_token_that_another_key_signed_is_refused(provider: Provider, oidc: Oidc):
    with pytest.raises(UnauthorizedError):
        await oidc.principal_of(provider.token(key=RSAKey.generate_key(2048, {"kid": "one"})))
    with pytest.raises(UnauthorizedError):
        await oidc.principal_of(
            provider.token(key=ECKey.generate_key("P-256", {"kid": "one"}), algorithm="ES256")
        )


async def test_the_public_key_is_no_secret_to_sign_with(provider: Provider, oidc: Oidc):
    header = urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').rstrip(b"=").decode()
    signed = f"{header}.{provider.token().split('.')[1]}"
    mac = hmac.digest(provider.key.as_pem(private=False), signed.encode(), "sha256")
    with pytest.raises(UnauthorizedError):
        await oidc.principal_of(f"{signed}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}")


async def test_a_token_without_a_signature_is_refused(provider: Provider, oidc: Oidc):
    header, body, _signature = provider.token().split(".")
    unsigned = "eyJhbGciOiJub25lIn0"
    for token in (f"{unsigned}.{body}.", f"{header}.{body}.", f"{header}.{body}.AAAA", "..", "a.b.c"):
        with pytest.raises(UnauthorizedError):
            await oidc.principal_of(token)


async def test_a_new_key_of_the_provider_is_found(
    provider: Provider, oidc: Oidc, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("service.access.oidc._RETRY_S", -1.0)
    await oidc.principal_of(provider.token())
    monkeypatch.setattr(provider, "key", RSAKey.generate_key(2048, {"kid": "two"}))
    assert (await oidc.principal_of(provider.token())).scopes == {"score"}


async def test_keys_that_are_known_serve_on_while_the_provider_is_away(
    provider: Provider, oidc: Oidc, monkeypatch: pytest.MonkeyPatch
):
    await oidc.principal_of(provider.token())
    monkeypatch.setattr(provider, "is_away", True)
    monkeypatch.setattr("service.access.oidc._FRESH_S", -1.0)
    assert (await oidc.principal_of(provider.token())).scopes == {"score"}
    monkeypatch.setattr("service.access.oidc._STALE_S", -1.0)
    with pytest.raises(NotReadyError):
        await oidc.principal_of(provider.token())


async def test_a_provider_that_is_away_is_asked_once_for_many_callers(
    provider: Provider, oidc: Oidc, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(provider, "is_away", True)
    monkeypatch.setattr(provider, "asked", 0)
    found = await asyncio.gather(
        *(oidc.principal_of(provider.token()) for _ in range(10)), return_exceptions=True
    )
    assert ([type(error) for error in found], provider.asked) == ([NotReadyError] * 10, 1)


async def test_a_key_of_an_unknown_kind_hides_no_other(
    provider: Provider, oidc: Oidc, monkeypatch: pytest.MonkeyPatch
):
    strange = [{"kty": "ZZZ", "kid": "z"}, {"kty": "EC", "crv": "P-999", "kid": "e", "x": "AA", "y": "AA"}]
    monkeypatch.setattr(provider, "other_keys", strange)
    assert (await oidc.principal_of(provider.token())).scopes == {"score"}


@pytest.mark.parametrize("page", [[], {}, {"jwks_uri": 5}, {"jwks_uri": "file:///etc/passwd"}])
async def test_a_provider_that_talks_nonsense_is_not_the_callers_fault(
    provider: Provider, oidc: Oidc, monkeypatch: pytest.MonkeyPatch, page: object
):
    pages = {"/.well-known/openid-configuration": page}
    monkeypatch.setattr(provider, "pages", lambda: pages)
    with pytest.raises(NotReadyError):
        await oidc.principal_of("a.b.c")


async def test_a_provider_that_is_away_is_not_the_callers_fault():
    with pytest.raises(NotReadyError, match="cannot be read"):
        await Oidc("http://127.0.0.1:9", "atypia", scope_claim="scope").principal_of("a.b.c")
