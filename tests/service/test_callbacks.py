"""Which hosts may be called back."""

import pytest
from pydantic import ValidationError

from service.callbacks import AllowList
from service.errors import CallbackRefusedError
from service.settings import Settings

ALLOWED = AllowList(("pacs.example", "10.20.0.0/16", "::1"))


def test_a_listed_host_is_taken_apart():
    endpoint = ALLOWED.endpoint_of("https://PACS.example:8443/a/b?c=d#e")
    assert (endpoint.is_tls, endpoint.host, endpoint.port) == (True, "pacs.example", 8443)
    assert (endpoint.target, endpoint.authority) == ("/a/b?c=d", "pacs.example:8443")


def test_a_bare_url_leads_to_the_root_at_the_usual_port():
    endpoint = ALLOWED.endpoint_of("http://[::1]")
    assert (endpoint.port, endpoint.target, endpoint.authority) == (80, "/", "[::1]")


@pytest.mark.parametrize(
    "url",
    [
        "http://other.example/",
        "http://pacs.example.evil.example/",
        "http://10.21.0.1/",
        "http://127.0.0.1/",
        "http://0x7f.1/",
        "ftp://pacs.example/",
        "//pacs.example/",
        "http://user:secret@pacs.example/",
        "http://pacs.example:99999/",
        "http://pacs.example/\r\nX-More: 1",
        "http://[::1",
        "http://",
        "",
    ],
)
def test_any_other_url_is_refused(url: str):
    with pytest.raises(CallbackRefusedError, match="callback: "):
        ALLOWED.endpoint_of(url)


@pytest.mark.parametrize(
    ("address", "is_permitted"),
    [
        ("93.184.215.14", True),
        ("10.20.3.4", True),
        ("10.21.3.4", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("::1", True),
        ("::ffff:10.20.3.4", True),
        ("::ffff:127.0.0.1", False),
        ("fe80::1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
    ],
)
def test_a_name_may_lead_to_public_and_to_listed_addresses(address: str, is_permitted: bool):
    assert ALLOWED.permits(address) == is_permitted


def test_nobody_is_listed_by_default():
    with pytest.raises(CallbackRefusedError, match="ATYPIA_CALLBACK_HOSTS"):
        AllowList(Settings().callback_hosts).endpoint_of("https://pacs.example/")


@pytest.mark.parametrize("secret", [None, "short"])
def test_hosts_without_a_good_secret_are_refused_at_the_start(secret: str | None):
    with pytest.raises(ValidationError, match="callback_secret"):
        Settings(callback_hosts=("pacs.example",), callback_secret=secret)
