"""`atypia audit`: is the record of who did what still whole?"""

import typer

from service.audit import AuditLog
from service.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The audit log.")


@app.callback()
def group() -> None:
    """The audit log."""


@app.command()
def verify() -> None:
    """Follow the chain of hashes from the first line; exit code 1 where it is broken."""
    count, broken = AuditLog(Settings().audit_dir).verify()
    if broken is not None:
        typer.echo(f"broken at {broken}, after {count} whole lines: a line was changed, taken out or put in")
        raise typer.Exit(1)
    typer.echo(f"whole: {count} lines")
