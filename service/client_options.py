"""What every command that speaks to a running service asks for: where it is, and the key."""

from pathlib import Path
from typing import Annotated

import typer

AddressOption = Annotated[
    str,
    typer.Option(
        envvar="ATYPIA_CLIENT_ADDRESS", help="Where the service is, such as https://atypia.example."
    ),
]
KeyFileOption = Annotated[
    Path | None, typer.Option(envvar="ATYPIA_CLIENT_KEY_FILE", help="File that holds the API key.")
]
# Everybody on a machine can read command lines: the variable is the way, the option only how typer reads it.
KeyOption = Annotated[str | None, typer.Option(envvar="ATYPIA_CLIENT_KEY", hidden=True)]

DEFAULT_ADDRESS = "http://127.0.0.1:8000"


def read_key(key_file: Path | None, key: str | None) -> str | None:
    """The key; what the file holds counts more than the variable.

    Raises:
        FileNotFoundError: There is no such file.
    """
    return key_file.read_text().strip() if key_file else key
