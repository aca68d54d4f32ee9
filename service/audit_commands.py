"""`atypia audit`: is the record of who did what still whole?"""

import asyncio

import typer

from imaging.dicom_audit.objects import audit_log
from service.audit import AuditLog
from service.audit_trail import AuditTrail, operator, this_process
from service.connection import connect
from service.serve import queue_server
from service.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The audit log.")


@app.callback()
def group() -> None:
    """The audit log."""


@app.command()
def verify() -> None:
    """Follow the chain of hashes from the first line; exit code 1 where it is broken."""
    settings = Settings()
    if settings.audit_syslog is not None:
        with queue_server(settings) as url:
            asyncio.run(_tell_used(settings, url))
    count, broken = AuditLog(settings.audit_dir).verify()
    if broken is not None:
        typer.echo(f"broken at {broken}, after {count} whole lines: a line was changed, taken out or put in")
        raise typer.Exit(1)
    typer.echo(f"whole: {count} lines")


async def _tell_used(settings: Settings, redis_url: str) -> None:
    """The standard wants to know who looks into an audit log (PS3.15 A.5.3.2)."""
    redis = connect(redis_url)
    log = audit_log(settings.audit_dir.absolute().as_uri())
    try:
        await AuditTrail(settings, redis, role="command").note(
            "log used", [operator(), this_process()], [log]
        )
    finally:
        await redis.aclose()
