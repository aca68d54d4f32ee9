"""The embedded server as several processes see it."""

import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from service.embedded import embedded_server

HOLD = """
import sys
from pathlib import Path
from service.embedded import embedded_server
with embedded_server(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> "subprocess.Popen[str]":
    """Another process that uses the server until its standard input is closed."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def is_up(url: str) -> bool:
    return Path(url.split("@")[1]).exists()


def test_it_listens_on_a_private_socket_with_a_password_and_stops(tmp_path: Path):
    with embedded_server(tmp_path) as url:
        folder = tmp_path / "valkey"
        assert (folder.stat().st_mode & 0o777, (folder / "password").stat().st_mode & 0o777) == (0o700, 0o600)
        with Redis.from_url(url) as redis, Redis(unix_socket_path=url.split("@")[1]) as stranger:
            assert redis.config_get("appendonly")["appendonly"] == "yes"
            assert redis.config_get("port")["port"] == "0"
            with pytest.raises(AuthenticationError):
                stranger.ping()
    assert not is_up(url)


def test_its_folder_may_have_any_name(tmp_path: Path):
    with embedded_server(tmp_path / 'a b "ü" 50% #1') as url, Redis.from_url(url) as redis:
        assert redis.ping()


def test_what_was_written_is_there_after_a_restart(tmp_path: Path):
    with embedded_server(tmp_path) as url, Redis.from_url(url) as redis:
        redis.set("key", "value")
    with embedded_server(tmp_path) as url, Redis.from_url(url) as redis:
        assert redis.get("key") == b"value"


def test_a_second_process_finds_the_first_ones_server_and_leaves_it_running(tmp_path: Path):
    with embedded_server(tmp_path) as url:
        with hold(tmp_path) as other:
            assert other.stdout is not None and other.stdout.readline().strip() == url
            other.communicate()
        assert is_up(url)


def test_the_server_of_a_killed_process_is_taken_over_and_stopped(tmp_path: Path):
    with hold(tmp_path) as other:
        assert other.stdout is not None
        url = other.stdout.readline().strip()
        other.kill()
        other.communicate()
    assert is_up(url)
    with embedded_server(tmp_path) as again, Redis.from_url(again) as redis:
        assert again == url and redis.ping()
    assert not is_up(url)


def test_a_data_folder_with_a_long_path_gets_a_short_socket(tmp_path: Path):
    with embedded_server(tmp_path / ("long" * 25)) as url:
        assert len(url.split("@")[1]) < 100
    assert not is_up(url)
