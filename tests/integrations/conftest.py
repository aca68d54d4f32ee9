"""A really running `atypia serve` for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import address_of, running

CALLBACK_SECRET = "not-a-secret-but-long-enough"


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, bundles: Path) -> Iterator[str]:
    with running(
        "serve",
        "--port",
        "0",
        data_dir=tmp_path_factory.mktemp("serve"),
        bundles=bundles,
        callback_hosts="127.0.0.1",
        callback_secret=CALLBACK_SECRET,
    ) as process:
        yield address_of(process)
