"""Messages on their way, over real sockets."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from imaging.dicom_audit.repository import Repository, check_url
from imaging.dicom_audit.syslog import syslog_message
from tests.audit_repositories import tls_repository, udp_repository
from tests.imaging.dicom_audit.test_messages import message_of
from tests.service.tls_server import make_authority

MESSAGES = [syslog_message(message_of("received")), syslog_message(message_of("stopped"))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_authority(tmp_path)
    return tmp_path


def test_messages_over_tls_are_there_when_the_call_returns(folder: Path):
    with tls_repository(folder) as there:
        Repository(there.url, there.ca_file).send(MESSAGES)
        assert there.messages == MESSAGES


def test_messages_in_datagrams_arrive_one_by_one():
    with udp_repository() as there:
        Repository(there.url).send(MESSAGES)
        there.until(lambda told: len(told) == 2)
        assert there.messages == MESSAGES


def test_a_repository_that_nobody_vouches_for_gets_nothing(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
):
    other = tmp_path_factory.mktemp("other")
    make_authority(other)
    with tls_repository(folder) as there, pytest.raises(ssl.SSLCertVerificationError):
        Repository(there.url, other / "authority.pem").send(MESSAGES)
    assert there.messages == []


def test_a_repository_that_wants_a_certificate_is_shown_one(folder: Path):
    with tls_repository(folder, wants_certificate=True) as there:
        shown = Repository(there.url, there.ca_file, folder / "server.pem", folder / "server.key")
        shown.send(MESSAGES)
        assert (there.peers, len(there.messages)) == (["localhost"], 2)
        for _time in range(20):  # whichever of the two is faster
            with pytest.raises(OSError, match=r".+"):
                Repository(there.url, there.ca_file).send(MESSAGES)
        assert len(there.messages) == 2


def test_a_repository_that_breaks_off_is_an_error(folder: Path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def break_off() -> None:
            connection, _address = listener.accept()
            with context.wrap_socket(connection, server_side=True):
                pass  # unread bytes make TCP reset

        thread = threading.Thread(target=break_off)
        thread.start()
        url = f"tls://localhost:{listener.getsockname()[1]}"
        with pytest.raises(OSError, match=r".+"):
            Repository(url, folder / "authority.pem").send([MESSAGES[0] * 2000])
        thread.join()


@pytest.mark.parametrize(
    "url", ["tls://", "syslog://host", "host:514", "udp://host:x", f"tls://{'a' * 70}.b"]
)
def test_what_is_no_address_of_a_repository_is_refused(url: str):
    with pytest.raises(ValueError, match=r".+"):
        check_url(url)
