"""The worker's settings: one TOML file, read once."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from integrations.ups_worker.errors import SettingsFileError


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Code(_Table):
    """What a station or a work is called in words that machines share."""

    value: Annotated[str, StringConstraints(min_length=1, max_length=16)]
    scheme: Annotated[str, StringConstraints(min_length=1, max_length=16)]
    meaning: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Worklist(_Table):
    """The UPS-RS server, which workitems are ours, and how often it is asked."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@]+$")]
    bearer_token_file: Path | None = None
    ca_file: Path | None = None
    timeout_s: float = Field(default=30, gt=0)
    poll_s: float = Field(default=10, gt=0)
    workitem_code: Code | None = None
    worklist_label: str | None = None
    station: Code = Code(value="ATYPIA", scheme="99ATYPIA", meaning="Atypia anomaly detection")


class Scoring(_Table):
    """The service, the name that the images' server has there, and how workitems are scored."""

    address: str = "http://127.0.0.1:8000"
    key_file: Path | None = None
    dicomweb_server: str
    model: str | None = None
    scope: Literal["enforce", "warn"] = "enforce"
    results: str | None = None
    retrieve_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@]+$")] | None = None
    at_once: int = Field(default=4, ge=1, le=64)


class WorkerSettings(_Table):
    folder: Path = Path("var/ups-worker")
    worklist: Worklist
    service: Scoring

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file; its relative paths begin where it lies.

        Raises:
            SettingsFileError: It cannot be read, or says something that means nothing.
        """
        try:
            settings = cls.model_validate(tomllib.loads(path.read_text()))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsFileError(f"{path}: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise SettingsFileError(f"{path}, {where}: {first['msg']}") from error
        return settings._below(path.absolute().parent)

    def _below(self, folder: Path) -> Self:
        worklist, service = self.worklist, self.service
        return self.model_copy(
            update={
                "folder": folder / self.folder,
                "worklist": worklist.model_copy(
                    update={
                        "bearer_token_file": _placed(folder, worklist.bearer_token_file),
                        "ca_file": _placed(folder, worklist.ca_file),
                    }
                ),
                "service": service.model_copy(update={"key_file": _placed(folder, service.key_file)}),
            }
        )


def _placed(folder: Path, path: Path | None) -> Path | None:
    return folder / path if path is not None else None
