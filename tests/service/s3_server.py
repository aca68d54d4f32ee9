"""A real S3 server in a process of its own, on loopback, with one bucket."""

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUCKET = "atypia"
PATIENCE_S = 30.0


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """The address of moto's server, which keeps its objects in memory and its log in `folder`."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    path = folder / "s3.log"
    with path.open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            address = _address_in(path)
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


def _address_in(log: Path) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", log.read_text()):
            return found.group(1)
        time.sleep(0.05)
    raise AssertionError(f"the S3 server does not start: {log.read_text()}")
