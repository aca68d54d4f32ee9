"""A real S3 server in a process of its own, on loopback, with one bucket."""

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

BUCKET = "atypia"


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of moto's server, which keeps its objects in memory."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server,
    ):
        try:
            address = _address_of(server)
            urllib.request.urlopen(urllib.request.Request(f"{address}/{BUCKET}", method="PUT")).close()
            yield address
        finally:
            server.terminate()


def variables_for(address: str) -> dict[str, str]:
    """What leads obstore to the server."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }


def _address_of(server: "subprocess.Popen[str]") -> str:
    assert server.stderr is not None
    for line in server.stderr:
        if found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", line):
            return found.group(1)
    raise AssertionError(f"the S3 server ended with code {server.wait()}")
