"""Who may be called back: hosts that the operator has listed, at addresses that do not lead astray.

A sender names the URL, so the service must not become a way into the network that it stands in. A host has to
be listed; where its name leads to an address that is not public, that address has to be listed as well
(alone or by its network), for whoever owns a name decides where it leads.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from service.errors import CallbackRefusedError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Endpoint:
    """Where a URL leads: `target` is its path and query."""

    is_tls: bool
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The Host header's value."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.is_tls else "http"] else f"{host}:{self.port}"


class AllowList:
    """Host names, addresses and networks (`10.1.0.0/16`) that may be called."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._hosts: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry))
            except ValueError:
                self._hosts.add(entry.lower())

    def endpoint_of(self, url: str) -> Endpoint:
        """Where the URL leads.

        Raises:
            CallbackRefusedError: It is none that may be called.
        """
        parts = _split(url)
        host = (parts.hostname or "").lower()
        address = _address_of(host)
        if host not in self._hosts and not (address and self._is_listed(address)):
            raise CallbackRefusedError(
                "callback: its host is not on the list; the operator adds it to ATYPIA_CALLBACK_HOSTS"
            )
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        port = parts.port or _PORTS[parts.scheme]
        return Endpoint(is_tls=parts.scheme == "https", host=host, port=port, target=target)

    def permits(self, address: str) -> bool:
        """Whether a listed host may lead to this address."""
        found = ipaddress.ip_address(address)
        mapped = getattr(found, "ipv4_mapped", None)  # ::ffff:10.0.0.1 is 10.0.0.1
        real: Address = mapped or found
        return (real.is_global and not real.is_multicast) or self._is_listed(real)

    def _is_listed(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _split(url: str) -> SplitResult:
    """The parts of a URL that is plain enough.

    Raises:
        CallbackRefusedError: It is no http or https URL, or says who it is from.
    """
    try:
        parts = urlsplit(url)
        _port = parts.port  # it is looked at only now, and may be no number
    except ValueError as error:
        raise CallbackRefusedError("callback: this is no URL; give one such as https://host/path") from error
    is_printable = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in _PORTS or not parts.hostname or not is_printable:
        raise CallbackRefusedError("callback: give an http or https URL such as https://host/path")
    if parts.username is not None or parts.password is not None:
        raise CallbackRefusedError("callback: a URL must hold no password; check the signature instead")
    return parts


def _address_of(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
