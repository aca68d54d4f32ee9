"""`atypia status`: who works, what waits, what has failed."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from service.queue_access import QueueAccess, with_queue

_MINUTE = timedelta(seconds=60)
_MOST_A_MINUTE = 10_000


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Tell how the service is. Exit code 1 while no worker is alive."""
    found = with_queue(_status)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        _print(found)
    raise typer.Exit(0 if found["workers"] else 1)


async def _status(access: QueueAccess) -> dict[str, Any]:
    queue = await access.queue.status()
    workers = [asdict(worker) for worker in await access.registry.alive()]
    wanted = ("worker_id", "pid", "host", "device", "models", "jobs")
    since = datetime.now(UTC) - _MINUTE
    recent = await access.queue.recent(_MOST_A_MINUTE)
    ended = [job for job in recent if job.finished_at and job.finished_at > since]
    return {
        "workers": [{name: worker[name] for name in wanted} for worker in workers],
        "queue_depth": queue.depth,
        "queue_depths": queue.depths,
        "running": queue.running,
        "queued_bytes": queue.queued_bytes,
        "dead_letters": queue.dead,
        "ended_last_minute": {
            state: sum(job.state == state for job in ended) for state in ("done", "failed", "cancelled")
        },
        "ended_ever": {
            name.removeprefix("jobs:"): int(count)
            for name, count in sorted(queue.counters.items())
            if name.startswith("jobs:")
        },
    }


def _print(found: dict[str, Any]) -> None:
    table = Table("worker", "host", "device", "models", "jobs")
    for worker in found["workers"]:
        jobs = " ".join(worker["jobs"]) or "none"
        table.add_row(str(worker["pid"]), worker["host"], worker["device"], " ".join(worker["models"]), jobs)
    console = Console()
    console.print(table if found["workers"] else "no worker is alive")
    console.print(
        f"{found['queue_depth']} unfinished, {found['running']} of them with a worker; "
        f"{found['dead_letters']} dead letters; last minute: "
        + ", ".join(f"{count} {state}" for state, count in found["ended_last_minute"].items())
    )
