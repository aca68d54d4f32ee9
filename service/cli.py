"""The `atypia` command."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from imaging.errors import ImagingError
from inference.catalog import Catalog
from inference.errors import InferenceError
from service import access_commands, audit_commands, job_commands
from service.client import BusyError, ClientError, UnreachableError
from service.cores import inference_threads, usable_cores
from service.deidentify_command import deidentify
from service.errors import ServiceError
from service.integration_commands import run_integration
from service.offline import OfflineScorer, Row
from service.sample import sample_commands
from service.serve import check_listening, queue_server, run_api, stopped_by_signals, worker_processes
from service.settings import Settings
from service.status_command import status
from service.submit_command import submit
from service.tables import format_of, to_csv
from service.watch_command import watch
from service.worker.main import run_worker

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Unsupervised anomaly detection for medical images. Research use only.",
)

app.add_typer(access_commands.app, name="keys")
app.add_typer(audit_commands.app, name="audit")
app.add_typer(job_commands.app, name="jobs")
app.command()(deidentify)
app.command()(status)
app.command()(submit)
app.command()(watch)

HostOption = Annotated[str | None, typer.Option(help="Address to listen on; ATYPIA_HOST otherwise.")]
PortOption = Annotated[
    int | None, typer.Option(min=0, max=65535, help="0 takes a free one; ATYPIA_PORT otherwise.")
]


def main() -> None:
    """Run the command; what is wrong is said in one line, exit code 2, or 3 of what only time can mend."""
    try:
        app()
    except (ServiceError, ClientError, InferenceError, ImagingError, ValueError, FileNotFoundError) as error:
        typer.echo(f"atypia: {_sentence(error)}", err=True)
        sys.exit(3 if isinstance(error, (UnreachableError, BusyError)) else 2)


@app.command()
def serve(
    host: HostOption = None,
    port: PortOption = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
) -> None:
    """Start the queue, the workers and the API; Ctrl-C stops all of them."""
    settings = _settings(host, port)
    with stopped_by_signals(), queue_server(settings) as url:
        asyncio.run(check_listening(settings, url))
        with worker_processes(settings, workers):
            run_api(settings, url, on_ready=_greet)


@app.command()
def api(host: HostOption = None, port: PortOption = None) -> None:
    """Start the API alone."""
    settings = _settings(host, port)
    with stopped_by_signals(), queue_server(settings) as url:
        asyncio.run(check_listening(settings, url))
        run_api(settings, url, on_ready=_greet)


@app.command()
def worker(
    follow: Annotated[
        bool, typer.Option(help="Stop when the process that started this one is gone.")
    ] = False,
    beside: Annotated[
        int, typer.Option(min=0, help="Other workers on this machine, which share its cores.")
    ] = 0,
) -> None:
    """Start one worker alone."""
    settings = _settings(None, None)
    threads = settings.threads or inference_threads(usable_cores(), workers=1 + beside)
    settings = settings.model_copy(update={"threads": threads})
    with stopped_by_signals(), queue_server(settings) as url:
        uvloop.run(run_worker(settings, url, is_child=follow))


@app.command()
def dicom_node(
    settings_file: Annotated[Path, typer.Argument(metavar="SETTINGS.toml", help="See docs/dicom-node.md.")],
) -> None:
    """Start a DICOM node: it scores the series that it is sent and sends the results to a PACS."""
    run_integration("integrations.dicom_node.command", settings_file, extra="dicom-node")


@app.command()
def ups_worker(
    settings_file: Annotated[Path, typer.Argument(metavar="SETTINGS.toml", help="See docs/dicomweb.md.")],
) -> None:
    """Work off a UPS-RS worklist: claim workitems, have their series scored by reference, and end them."""
    run_integration("integrations.ups_worker.command", settings_file, extra="cpu")


@app.command()
def models() -> None:
    """List the installed models."""
    table = Table("model", "method", "for", "patients", "description")
    for bundle in Catalog.of_folders(_settings(None, None).bundles):
        manifest = bundle.manifest
        scope = " ".join((*manifest.scope.modalities, *manifest.scope.body_parts)) or "any image"
        patients = str(manifest.training_data.patients)
        table.add_row(bundle.reference, manifest.method, scope, patients, manifest.description)
    Console().print(table)


@app.command()
def score(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Image files or folders; a folder an image for a model of several contrasts."),
    ],
    model: Annotated[
        str | None, typer.Option(help="NAME or NAME@VERSION; by default chosen for each image.")
    ] = None,
    scope: Annotated[
        Literal["enforce", "warn"], typer.Option(help="What to do with an image that the model is not for.")
    ] = "enforce",
    output: Annotated[
        Path | None, typer.Option(help="FILE.csv, .json or .parquet; CSV on stdout otherwise.")
    ] = None,
    maps: Annotated[Path | None, typer.Option(help="Folder for the anomaly maps, as NIfTI.")] = None,
) -> None:
    """Score files without a server, one row an image. Exit code 1 if any could not be scored."""
    write = format_of(output) if output else to_csv
    settings = _settings(None, None)
    scorer = OfflineScorer(Catalog.of_folders(settings.bundles), settings, model=model, scope=scope)
    images = scorer.find(paths)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        rows: list[Row] = list(
            progress.track(scorer.score(images, maps=maps), len(images), description="scoring")
        )
    content = write(rows)
    if output:
        output.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)
    raise typer.Exit(1 if any("error" in row for row in rows) else 0)


def _settings(host: str | None, port: int | None) -> Settings:
    """The settings of the environment, with what the command line says instead; logging begins here."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = Settings.model_validate({**Settings().model_dump(), **given})
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # It writes down every address that it asks, with the UIDs of studies.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return settings


def _greet(address: str) -> None:
    typer.echo(
        f"\nAtypia is ready at {address} (research use only): open it in a browser, or score a sample "
        "and fetch its heatmap:\n"
    )
    for command in sample_commands(address):
        typer.echo(f"  {command}\n")


def _sentence(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"setting ATYPIA_{'_'.join(str(part) for part in first['loc']).upper()}: {first['msg']}"


if __name__ == "__main__":
    main()
