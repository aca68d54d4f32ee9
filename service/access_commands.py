"""`atypia keys`: who may use the service."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from imaging.dicom_audit.events import EventKind
from imaging.dicom_audit.objects import alerting_uri
from service.access.api_keys import ApiKeys
from service.access.principal import SCOPES
from service.audit import AuditLog
from service.audit_trail import AuditTrail, operator, this_process
from service.connection import connect
from service.keys import Keys
from service.serve import queue_server
from service.settings import Settings

app = typer.Typer(no_args_is_help=True, help="API keys: from the first one on, everybody needs one.")

_Result = TypeVar("_Result")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Whose it is, for you to know; not a patient's.")],
    scope: Annotated[
        list[str], typer.Option(help=f"What it may do: {', '.join(SCOPES)}; may be given several times.")
    ],
) -> None:
    """Make a key and print it, this once."""
    if unknown := sorted(set(scope) - set(SCOPES)):
        raise typer.BadParameter(f"no scope {unknown[0]!r}; choose from {', '.join(SCOPES)}")
    settings, scopes = Settings(), [known for known in SCOPES if known in scope]

    async def make(keys: ApiKeys, trail: AuditTrail) -> str:
        key = await keys.add(name, scopes)
        await _tell(trail, "key added", key.split("_")[1])
        return key

    key = _with_keys(settings, make)
    AuditLog(settings.audit_dir).write("key added", key_id=key.split("_")[1], scopes=scopes)
    typer.echo(key)


@app.command(name="list")
def show() -> None:
    """List the keys, without what is secret in them."""
    table = Table("id", "name", "scopes", "made", "state")
    for key in _with_keys(Settings(), lambda keys, _trail: keys.list()):
        made, state = f"{key.created_at:%Y-%m-%d %H:%M}", "revoked" if key.is_revoked else "valid"
        table.add_row(key.key_id, key.name, " ".join(key.scopes), made, state)
    Console().print(table)


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="As `atypia keys list` shows it.")]) -> None:
    """Make a key useless from now on."""
    settings = Settings()

    async def end(keys: ApiKeys, trail: AuditTrail) -> None:
        await keys.revoke(key_id)
        await _tell(trail, "key revoked", key_id)

    _with_keys(settings, end)
    AuditLog(settings.audit_dir).write("key revoked", key_id=key_id)
    typer.echo(f"{key_id} is revoked")


async def _tell(trail: AuditTrail, kind: EventKind, key_id: str) -> None:
    alert = alerting_uri(f"api-keys/{key_id}", kind)
    await trail.note(kind, [operator(), this_process()], [alert])


def _with_keys(settings: Settings, use: Callable[[ApiKeys, AuditTrail], Awaitable[_Result]]) -> _Result:
    async def run(url: str) -> _Result:
        redis = connect(url)
        trail = AuditTrail(settings, redis, role="command")
        try:
            return await use(ApiKeys(redis, Keys(settings.key_prefix)), trail)
        finally:
            await redis.aclose()

    with queue_server(settings) as url:
        return asyncio.run(run(url))
