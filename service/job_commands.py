"""`atypia jobs`: look at jobs, cancel them, and send dead letters again."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from service.errors import ServiceError
from service.jobs import Job, JobState, JobView
from service.queue_access import QueueAccess, with_queue

app = typer.Typer(no_args_is_help=True, help="Jobs of a running service.")

JobArgument = Annotated[str, typer.Argument(help="The job's id.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For a program to read.")]


@app.command(name="list")
def show_list(
    state: Annotated[JobState | None, typer.Option(help="Only those in this state.")] = None,
    count: Annotated[int, typer.Option(min=1, max=10000, help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the newest jobs, newest first."""

    async def use(access: QueueAccess) -> list[Job]:
        jobs = await access.queue.recent(10000 if state else count)
        return [job for job in jobs if state in (None, job.state)][:count]

    _print(with_queue(use), as_json=as_json)


@app.command()
def show(job_id: JobArgument) -> None:
    """Show one job as JSON."""
    typer.echo(json.dumps(_fields(with_queue(lambda access: access.queue.get(job_id))), indent=1))


@app.command()
def dead(as_json: JsonOption = False) -> None:
    """List the jobs that stopped their worker too often."""
    _print(with_queue(lambda access: access.queue.dead_letters()), as_json=as_json)


@app.command()
def cancel(job_id: JobArgument) -> None:
    """Cancel a queued or running job."""
    typer.echo(f"{job_id} is {with_queue(lambda access: access.queue.cancel(job_id))}")


@app.command()
def retry(
    job_ids: Annotated[list[str] | None, typer.Argument(help="Failed or cancelled jobs.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
) -> None:
    """Queue failed or cancelled jobs again. Exit code 1 if any of them could not be."""
    if bool(job_ids) == every:
        raise typer.BadParameter("name the jobs, or say --all for the dead letters")

    async def use(access: QueueAccess) -> list[str]:
        wanted = job_ids or [job.job_id for job in await access.queue.dead_letters()]
        return [await _retried(access, job_id) for job_id in wanted]

    refused = [line for line in with_queue(use) if line]
    for line in refused:
        typer.echo(line, err=True)
    raise typer.Exit(1 if refused else 0)


async def _retried(access: QueueAccess, job_id: str) -> str:
    """Nothing, or why it was not."""
    try:
        await access.queue.retry(job_id)
    except ServiceError as error:
        return f"{job_id}: {error}"
    return ""


def _print(jobs: Sequence[Job], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([_fields(job) for job in jobs], indent=1))
        return
    table = Table("job", "state", "done", "made", "model", "why")
    for job in jobs:
        why = job.error.detail if job.error else ""
        made = f"{job.created_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(job.job_id, job.state, f"{job.progress:.0%}", made, job.request.model, why)
    Console().print(table)


def _fields(job: Job) -> dict[str, Any]:
    return JobView.of(job, seconds_left=None).model_dump(mode="json")
