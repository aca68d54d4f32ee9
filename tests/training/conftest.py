"""One tiny trained bundle for all tests that only look at it."""

from pathlib import Path

import pytest

from inference.bundle import Bundle, load_bundle
from tests.training.tiny import tiny_config, write_data
from training.export import export
from training.fit import Splits, fit, load_run


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of the atlas on `tiny.write_data`."""
    folder = tmp_path_factory.mktemp("tiny")
    fit(tiny_config(write_data(folder)), folder / "run", resume=False)
    return folder / "run"


@pytest.fixture(scope="session")
def tiny_splits(tiny_run: Path) -> Splits:
    return load_run(tiny_run)[2]


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run: Path) -> Bundle:
    return load_bundle(export(tiny_run, tiny_run.parent / "bundles"))
