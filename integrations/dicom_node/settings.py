"""The node's settings: one TOML file, read once."""

import tomllib
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from imaging.dicom_audit.repository import Repository, check_url
from integrations.dicom_node.errors import SettingsFileError
from integrations.dicom_node.routing import Rule
from service.client import FORMS

# PS3.5 6.2: at most 16 characters of the default repertoire, without backslash; spaces around mean nothing.
AeTitle = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=16, pattern=r"^[ -\[\]-~]+$")
]
DICOM_FORMS = tuple(form for form, place in FORMS.items() if place.endswith(".dcm"))
Port = Annotated[int, Field(ge=1, le=65535)]


_AnyTable = TypeVar("_AnyTable", bound="_Table")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listening(_Table):
    """Who may send, and how much; a port of 0 takes a free one."""

    ae_title: AeTitle = "ATYPIA"
    host: str = "127.0.0.1"
    port: int = Field(default=11112, ge=0, le=65535)
    calling_ae_titles: tuple[AeTitle, ...] = Field(min_length=1)
    max_associations: int = Field(default=10, ge=1, le=1000)
    max_pdu_bytes: int = Field(default=2**18, ge=2**14, le=2**24)
    max_instance_bytes: int = Field(default=2**31, ge=2**10)
    silence_s: float = Field(default=60, gt=0)


class Spooling(_Table):
    """Where what was received lies, how long, and when it is taken to be complete."""

    folder: Path = Path("var/dicom-node")
    quiet_s: float = Field(default=60, gt=0)
    keep_hours: float = Field(default=24, ge=0)
    min_free_bytes: int = Field(default=2**30, ge=0)


class Scoring(_Table):
    """The service, and the forms of its results that are sent on."""

    address: str = "http://127.0.0.1:8000"
    key_file: Path | None = None
    forms: tuple[str, ...] = DICOM_FORMS
    at_once: int = Field(default=4, ge=1, le=64)
    retry_s: float = Field(default=5, gt=0)

    @field_validator("forms")
    @classmethod
    def _are_known(cls, forms: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(forms) - set(DICOM_FORMS)):
            raise ValueError(f"unknown form {unknown[0]!r}; choose from {', '.join(DICOM_FORMS)}")
        return forms


class Peer(_Table):
    """Who is called: a PACS that gets results, or a sender that is told what is kept."""

    ae_title: AeTitle
    host: str
    port: Port = 104
    timeout_s: float = Field(default=30, gt=0)


class Auditing(_Table):
    """The audit record repository that is told what comes and goes."""

    repository: Annotated[str, AfterValidator(check_url)]
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    site: str = ""

    @property
    def target(self) -> Repository:
        return Repository(self.repository, self.ca_file, self.certificate_file, self.key_file)


class NodeSettings(_Table):
    listen: Listening
    spool: Spooling = Spooling()
    service: Scoring = Scoring()
    destination: tuple[Peer, ...] = ()
    sender: tuple[Peer, ...] = ()
    rule: tuple[Rule, ...] = Field(min_length=1)
    audit: Auditing | None = None

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
        return self.model_copy(
            update={
                "spool": _files_below(folder, self.spool, "folder"),
                "service": _files_below(folder, self.service, "key_file"),
                "audit": self.audit
                and _files_below(folder, self.audit, "ca_file", "certificate_file", "key_file"),
            }
        )


def _files_below(folder: Path, table: _AnyTable, *names: str) -> _AnyTable:
    """The table with its relative paths beginning at `folder`."""
    return table.model_copy(
        update={name: folder / path for name in names if (path := getattr(table, name)) is not None}
    )
