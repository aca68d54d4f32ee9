"""`atypia submit`: send images to a running service, here or elsewhere."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from service.client import FORMS, AsyncClient
from service.client_options import DEFAULT_ADDRESS, AddressOption, KeyFileOption, KeyOption, read_key
from service.deidentified_copies import Copier
from service.deidentify_command import default_key_file
from service.pseudonym_key import pseudonym_key
from service.submitted import Outcome, Submission, contrasts_of, images_of, submitted

_DEFAULT_FORMS = "json,overlay,map"


def submit(
    paths: Annotated[
        list[Path], typer.Argument(help="Image files or folders, found as `atypia score` does.")
    ],
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
    wait: Annotated[bool, typer.Option(help="Wait for the results, or only send.")] = True,
    timeout_s: Annotated[
        float, typer.Option("--timeout", min=1, help="Longest wait for one, seconds.")
    ] = 3600,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON an image, as each ends.")] = False,
    forms: Annotated[
        str | None, typer.Option(help=f"What to write to --out, of {','.join(FORMS)}; {_DEFAULT_FORMS}.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results' files.")] = None,
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Send copies that name nobody; results refer to pseudonyms.")
    ] = False,
    pseudonym_key_file: Annotated[
        Path | None, typer.Option("--pseudonym-key", help="As --key-file of `atypia deidentify`.")
    ] = None,
) -> None:
    """Send images to a running service, here or elsewhere, and wait for what becomes of them.

    Exit codes: 0 all are well; 1 some could not be scored; 2 a mistake, such as an unknown model or key;
    3 nobody answers, or the service is full: try again later, what was sent already is not scored twice.
    """
    submission = Submission(
        options={"model": model, "scope": scope, "priority": priority},
        timeout_s=timeout_s if wait else 0,
        forms=_forms_of(forms, out, wait=wait),
        folder=out or Path(),
        copier=_copier(pseudonym_key_file) if deidentify else None,
    )

    async def run() -> bool:
        async with AsyncClient(address, read_key(key_file, key)) as client:
            contrasts = await contrasts_of(client, model)
            images = images_of(paths, contrasts)
            is_all_well = True
            with _progress() as progress:
                bar = progress.add_task("scoring" if wait else "sending", total=len(images))
                async for outcome in submitted(client, images, contrasts, submission):
                    progress.advance(bar)
                    typer.echo(json.dumps(outcome.to_json()) if as_json else _sentence(outcome))
                    is_all_well = is_all_well and outcome.error is None
            return is_all_well

    raise typer.Exit(0 if asyncio.run(run()) else 1)


def _forms_of(forms: str | None, out: Path | None, *, wait: bool) -> Sequence[str]:
    if out is None and forms is None:
        return ()
    if out is None or not wait:
        raise typer.BadParameter("--forms needs --out FOLDER, and both need --wait")
    names = (forms or _DEFAULT_FORMS).split(",")
    if unknown := set(names) - FORMS.keys():
        raise typer.BadParameter(f"unknown form {', '.join(sorted(unknown))}; choose from {', '.join(FORMS)}")
    out.mkdir(parents=True, exist_ok=True)
    return names


def _copier(key_file: Path | None) -> Copier:
    return Copier(pseudonym_key(key_file or default_key_file()))


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _sentence(outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"{outcome.path}: {outcome.error.detail}"
    job = outcome.job.job_id if outcome.job else ""
    if outcome.result is None:
        return f"{outcome.path}: sent as job {job}"
    result = outcome.result
    flagged = [point["operating_point"] for point in result["decisions"] if point["flagged"]]
    return (
        f"{outcome.path}: score {result['score']:.4g}, percentile {result['percentile']:.1f}, "
        f"p-value {result['p_value']:.3g}, "
        f"{'flagged at ' + ', '.join(flagged) if flagged else 'not flagged'}, job {job}"
    )
