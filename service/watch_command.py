"""`atypia watch`: have what is put into a folder scored by a running service."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.client import FORMS, Client
from service.client_options import DEFAULT_ADDRESS, AddressOption, KeyFileOption, KeyOption, read_key
from service.integration_commands import run_integration

_DEFAULT_FORMS = "json,overlay,map,sc,sr,seg,pm"


def watch(
    watched: Annotated[Path, typer.Argument(metavar="IN", help="Folder that images are put into.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the results, one folder an image.")],
    address: AddressOption = DEFAULT_ADDRESS,
    key_file: KeyFileOption = None,
    key: KeyOption = None,
    model: Annotated[
        str | None, typer.Option(help="NAME or NAME@VERSION; by default chosen for each.")
    ] = None,
    scope: Annotated[
        Literal["enforce", "warn"], typer.Option(help="What to do with an image that the model is not for.")
    ] = "enforce",
    priority: Annotated[
        Literal["high", "normal", "low"], typer.Option(help="Which waiting jobs are taken first.")
    ] = "normal",
    store_at: Annotated[
        str | None, typer.Option(help="DICOMweb server of the service that gets the results as well.")
    ] = None,
    forms: Annotated[str, typer.Option(help=f"Forms of the results, of {','.join(FORMS)}.")] = _DEFAULT_FORMS,
    quiet_s: Annotated[
        float, typer.Option("--quiet", min=0, help="Seconds without a change after which an image is whole.")
    ] = 10,
    poll_s: Annotated[float, typer.Option("--poll", min=0.1, help="Seconds between two looks.")] = 2,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Images that are worked on side by side.")] = 4,
    move_to: Annotated[Path | None, typer.Option(help="Folder that images are moved to afterwards.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End when all that lies there is done.")] = False,
) -> None:
    """Have what is put into the folder IN scored, and the results put into OUT; see docs/watch-folder.md."""
    with Client(address, read_key(key_file, key), patience_s=0) as client:
        run_integration(
            "integrations.watch_folder.command",
            client,
            extra="cpu",
            watched=watched,
            out=out,
            options={"model": model, "scope": scope, "priority": priority, "results": store_at},
            forms=tuple(forms.split(",")),
            quiet_s=quiet_s,
            poll_s=poll_s,
            at_once=at_once,
            move_to=move_to,
            once=once,
        )
