"""The DICOMweb servers that the operator has named: the only ones that are ever asked.

A sender says a name, never a URL: the service must not become a way into the network that it stands in.
"""

import ssl
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from imaging.dicom_audit.codes import Code
from imaging.dicom_audit.message import ActiveParticipant
from service.dicom_forms import Kind
from service.errors import ServersFileError, UnknownServerError

NAME = r"^[A-Za-z0-9_-]{1,40}$"
KINDS: tuple[Kind, ...] = ("sc", "sr", "seg", "pm")


class Server(BaseModel):
    """One `[[server]]` of the file; `url` is the root below which `studies` lies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(pattern=NAME)]
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@]+$")]
    bearer_token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    timeout_s: float = Field(default=60, gt=0)
    longest_s: float = Field(default=3600, gt=0)
    tries: int = Field(default=300, ge=1)
    keys: tuple[str, ...] = ()
    results: str | None = None
    forms: tuple[Kind, ...] = KINDS

    @model_validator(mode="after")
    def _name_one_credential(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file go together")
        if self.username is not None and self.bearer_token_file is not None:
            raise ValueError("give a bearer_token_file or a username, not both")
        return self

    def is_for(self, owner: str) -> bool:
        """Whether this key, or who needs none, may name the server."""
        return not self.keys or owner in self.keys

    def client(self) -> httpx.AsyncClient:
        """Its files are read now, so that a token that was renewed is the one that is used.

        Raises:
            OSError: One of them cannot be read.
        """
        headers, auth = {"User-Agent": "Atypia", "Accept-Encoding": "identity"}, None
        if self.bearer_token_file is not None:
            headers["Authorization"] = f"Bearer {self.bearer_token_file.read_text().strip()}"
        if self.username is not None and self.password_file is not None:
            auth = httpx.BasicAuth(self.username, self.password_file.read_text().strip())
        # No redirect is followed, and no proxy or password of the environment is used.
        return httpx.AsyncClient(
            base_url=self.url.rstrip("/"),
            headers=headers,
            auth=auth,
            timeout=self.timeout_s,
            trust_env=False,
            verify=ssl.create_default_context(cafile=self.ca_file),
        )

    def participant(self, role: Code) -> ActiveParticipant:
        """How the audit trail calls it."""
        host = urlsplit(self.url).hostname or ""
        return ActiveParticipant(self.url, is_requestor=False, role=role, address=host)

    def below(self, folder: Path) -> Self:
        """With its relative paths beginning at `folder`."""
        names = ("bearer_token_file", "password_file", "ca_file")
        return self.model_copy(
            update={name: folder / path for name in names if (path := getattr(self, name)) is not None}
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    server: tuple[Server, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        names = [server.name for server in self.server]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two servers are named {twice}")
        for server in self.server:
            if server.results is not None and server.results not in names:
                raise ValueError(f"results of {server.name} name no server: {server.results}")
        return self


class Servers:
    """By name; none where there is no file."""

    def __init__(self, servers: Mapping[str, Server]) -> None:
        self._servers = servers

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """From the file, whose relative paths begin where it lies.

        Raises:
            ServersFileError: It cannot be read, or says something that means nothing.
        """
        if path is None:
            return cls({})
        try:
            found = _File.model_validate(tomllib.loads(path.read_text()))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ServersFileError(f"{path}: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ServersFileError(f"{path}, {where}: {first['msg']}") from error
        folder = path.absolute().parent
        return cls({server.name: server.below(folder) for server in found.server})

    @property
    def are_there(self) -> bool:
        return bool(self._servers)

    def named(self, name: str, owner: str) -> Server:
        """The server that this owner may name so.

        Raises:
            UnknownServerError: There is none; one that is for others does not exist.
        """
        server = self._servers.get(name)
        if server is None or not server.is_for(owner):
            known = [one.name for one in self._servers.values() if one.is_for(owner)]
            raise UnknownServerError(
                f"no DICOMweb server {name!r:.50} is there for you; there is {', '.join(known) or 'none'}"
            )
        return server
