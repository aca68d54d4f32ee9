"""Each request that means something, in the audit log, when it has been answered."""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.access.principal import Principal
from service.audit import AuditLog
from service.keys import is_job_id

# Asked for all the time by machines or by the page, and tells nobody anything of a patient.
_NOT_WORTH_A_LINE = frozenset(("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/", "/sample"))
_ASSETS = "/assets/"


class AuditedRequests:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, log: AuditLog) -> None:
        self._app = app
        self._log = log
        self._pending: list[dict[str, Any]] = []
        self._writing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_not_worth_a_line(scope["path"]):
            await self._app(scope, receive, send)
            return
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            if "route" in scope:  # what leads nowhere is only counted
                await self._write(_fields(scope, status))

    async def _write(self, line: dict[str, Any]) -> None:
        """Whoever comes first writes for all who wait: the disk is asked once for them together."""
        self._pending.append(line)
        async with self._writing:
            if self._pending:
                lines, self._pending = self._pending, []
                await asyncio.to_thread(self._log.write_all, lines)


def _is_not_worth_a_line(path: str) -> bool:
    return path in _NOT_WORTH_A_LINE or path.startswith(_ASSETS)


def _fields(scope: Scope, status: int) -> dict[str, Any]:
    state = scope.get("state", {})
    principal: Principal | None = state.get("principal")
    return {
        "event": "request",
        "who": principal.owner or "anonymous" if principal else "nobody",
        "method": scope["method"],
        "route": getattr(scope["route"], "path", "none"),
        "job_id": _job_id(scope),
        "status": status,
        "request_id": state.get("request_id"),
    }


def _job_id(scope: Scope) -> str | None:
    """The job that is meant; a path may call anything one, a patient's name included, which is not kept."""
    job_id: str | None = scope.get("path_params", {}).get("job_id") or scope.get("state", {}).get("job_id")
    return job_id if job_id is not None and is_job_id(job_id) else None
