"""`atypia status`: who works, what waits, what has failed."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from service.queue_access import with_queue
from service.service_status import ServiceStatus, gather_status


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Tell how the service is. Exit code 1 while no worker is alive."""
    found = with_queue(lambda access: gather_status(access.queue, access.registry))
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        _print(found)
    raise typer.Exit(0 if found.workers else 1)


def _print(found: ServiceStatus) -> None:
    table = Table("worker", "host", "device", "models", "jobs")
    for worker in found.workers:
        jobs = " ".join(worker.jobs) or "none"
        table.add_row(str(worker.pid), worker.host, worker.device, " ".join(worker.models), jobs)
    console = Console()
    console.print(table if found.workers else "no worker is alive")
    console.print(
        f"{found.queue_depth} unfinished, {found.running} of them with a worker; "
        f"{found.dead_letters} dead letters; last minute: "
        + ", ".join(f"{count} {state}" for state, count in found.ended_last_minute.items())
    )
