"""A service that knows one DICOMweb server, `pacs`, and tries again at once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.settings import Settings
from tests.service.dicomweb_server import DicomwebServer, dicomweb_server

MakeSettings = Callable[..., Settings]


@pytest.fixture
def pacs() -> Iterator[DicomwebServer]:
    with dicomweb_server() as server:
        yield server


@pytest.fixture
def with_server(settings: Settings, pacs: DicomwebServer, tmp_path: Path) -> MakeSettings:
    """Settings with the server; `lines` are added to its table."""

    def make(*lines: str, url: str | None = None, **changes: object) -> Settings:
        file = tmp_path / "dicomweb.toml"
        table = ['[[server]]\nname = "pacs"', f'url = "{url or pacs.url}"', "timeout_s = 5", *lines]
        file.write_text("\n".join(table))
        return Settings.model_validate({**settings.model_dump(), "dicomweb_file": file, **changes})

    return make


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("retriever", "result_sender"):
        monkeypatch.setattr(f"service.api.{module}.pause_s", lambda _tries: 0.0)
        monkeypatch.setattr(f"service.api.{module}._LOOK_S", 0.05)
