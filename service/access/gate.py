"""From a request's headers to a principal, and whether the service may listen where it is told to."""

import ipaddress
import time
from collections.abc import Mapping

from service.access.api_keys import ApiKeys
from service.access.browsers import host_of, is_of_another_page
from service.access.oidc import Oidc
from service.access.principal import ANONYMOUS, Principal
from service.errors import ForbiddenError, OpenToAllError, UnauthorizedError
from service.settings import Settings

_REMEMBER_S = 2.0


class Gate:
    """API keys, tokens of an OpenID Connect provider, and, on loopback alone, nobody in particular."""

    def __init__(self, settings: Settings, api_keys: ApiKeys) -> None:
        self._settings = settings
        self._api_keys = api_keys
        self._oidc = (
            Oidc(settings.oidc_issuer, settings.oidc_audience, scope_claim=settings.oidc_scope_claim)
            if settings.oidc_issuer
            else None
        )
        self._is_open = False
        self._looked_at = -_REMEMBER_S

    async def check_listening(self) -> None:
        """Refuse to let everybody in by mistake.

        Raises:
            OpenToAllError: The address is not loopback, and nobody would be asked who they are.
        """
        settings = self._settings
        if is_loopback(settings.host) or settings.anonymous == "everywhere" or self._oidc is not None:
            return
        if not await self._api_keys.exist():
            raise OpenToAllError(
                f"{settings.host} is no loopback address and there is no API key: make one with "
                f"`atypia keys add NAME --scope score`, set ATYPIA_OIDC_ISSUER, or say "
                f"ATYPIA_ANONYMOUS=everywhere if whoever reaches this port may do everything"
            )

    async def principal_of(self, headers: Mapping[str, str]) -> Principal:
        """Who sent a request.

        Raises:
            UnauthorizedError: Its key or token is not valid, or it has none where one is needed.
            ForbiddenError: It needs none, but another site's page sent it.
        """
        credential = _credential_of(headers)
        if credential is None:
            if await self._lets_anyone_in():
                self._check_page(headers)
                return ANONYMOUS
            raise UnauthorizedError(
                "this service asks who you are; send `Authorization: Bearer KEY` or `X-API-Key: KEY`"
            )
        if found := await self._api_keys.find(credential):
            return found
        if self._oidc is not None and credential.count(".") == 2:
            return await self._oidc.principal_of(credential)
        raise UnauthorizedError("the API key is not valid; it may have been revoked")

    def _check_page(self, headers: Mapping[str, str]) -> None:
        host = host_of(headers)
        # A site whose name leads here (DNS rebinding) is, to a browser, the very site that it asks.
        if self._settings.anonymous != "everywhere" and host is not None and not is_loopback(host):
            raise ForbiddenError(
                "without a key this service is spoken to by the name localhost or a loopback address alone; "
                "use one, or make a key with `atypia keys add NAME --scope score`"
            )
        if is_of_another_page(headers):
            raise ForbiddenError("a page of another site may not do that without a key")

    async def _lets_anyone_in(self) -> bool:
        settings = self._settings
        if settings.anonymous == "everywhere":
            return True
        if settings.anonymous == "never" or self._oidc is not None or not is_loopback(settings.host):
            return False
        if time.monotonic() - self._looked_at > _REMEMBER_S:
            self._is_open = not await self._api_keys.exist()
            self._looked_at = time.monotonic()
        return self._is_open


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _credential_of(headers: Mapping[str, str]) -> str | None:
    """The key or token; "", which is none of ours, for a header that holds nothing of the kind."""
    if "authorization" in headers:
        scheme, _, value = headers["authorization"].partition(" ")
        return value.strip() if scheme.lower() == "bearer" else ""
    return headers.get("x-api-key")
