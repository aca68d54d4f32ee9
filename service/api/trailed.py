"""What requests tell the audit record repository: results read or removed, and callers refused."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imaging.dicom_audit.events import EventKind
from imaging.dicom_audit.objects import alerting_uri
from imaging.dicom_audit.refusals import RefusalLimit
from service.access.principal import Principal
from service.api.services import Services
from service.audit_trail import this_process, user
from service.jobs import Job

_JOB = "/jobs/{job_id}"
_RESULTS = (
    *("result", "result.json", "result/overlay.png", "result/anomaly_map.nii.gz"),
    *("result/image.nii.gz", "result/seen.nii.gz", "result/reconstruction.nii.gz"),
    *("result/fhir.json", "result/{kind}.dcm", "result.zip"),
)
# By method, route and status: a job that is cancelled is not removed, one that is waited for may end later.
ACCESSES: Mapping[tuple[str, str, int], EventKind] = {
    ("POST", "/score", 200): "result read",
    ("DELETE", _JOB, 204): "result removed",
    **{("GET", f"{_JOB}/{name}", 200): "result read" for name in _RESULTS},
}
REFUSALS: Mapping[int, EventKind] = {401: "unauthenticated", 403: "forbidden"}


class TrailedRequests:
    """ASGI middleware; it is there only where a repository is configured."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._refused = RefusalLimit()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
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
            if "route" in scope:
                await self._tell(scope, status)

    async def _tell(self, scope: Scope, status: int) -> None:
        services: Services = scope["app"].state.services
        state, route = scope.get("state", {}), getattr(scope["route"], "path", "")
        address = scope["client"][0] if scope.get("client") else ""
        principal: Principal | None = state.get("principal")
        caller = user(principal.owner, address) if principal else user("nobody", address)
        job: Job | None = state.get("job")
        access, refusal = ACCESSES.get((scope["method"], route, status)), REFUSALS.get(status)
        if access is not None and job is not None:
            await services.trail.note_job(access, job.request, [caller, this_process()])
        elif refusal is not None and self._refused.is_first(f"{status} {address}"):
            # The route, not the path: that may hold anything, a patient's name included.
            alert = alerting_uri(route, f"{scope['method']} was refused with {status}")
            objects = [] if refusal == "unauthenticated" else [alert]
            await services.trail.note(refusal, [caller, this_process()], objects, outcome=4)
