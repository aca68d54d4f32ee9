"""Which scopes a route demands, and which jobs exist for whoever asks."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer

from service.access.principal import Principal, Scope
from service.api.services import ServicesDep
from service.errors import ForbiddenError, JobNotFoundError
from service.jobs import Job

# For the documentation alone: the gate reads both headers itself.
_SCHEMES = [
    Depends(HTTPBearer(auto_error=False, description="An API key, or a token of the OIDC provider.")),
    Depends(APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key.")),
]


class Demand:
    """A route's dependency: the principal, who has any of the scopes."""

    def __init__(self, *any_of: Scope) -> None:
        self.any_of = any_of

    async def __call__(self, request: Request, services: ServicesDep) -> Principal:
        principal = await services.gate.principal_of(request.headers)
        # For the audit log, which also wants to know who was refused.
        request.state.principal = principal
        if not principal.can(*self.any_of):
            raise ForbiddenError(
                f"this key may not do that; it needs the scope {' or '.join(self.any_of)}, "
                f"it has {', '.join(sorted(principal.scopes)) or 'none'}"
            )
        return principal


MaySubmit = Annotated[Principal, Depends(Demand("score"))]
MaySee = Annotated[Principal, Depends(Demand("score", "read"))]
MayRead = Annotated[Principal, Depends(Demand("read"))]
DOCUMENTED = _SCHEMES


async def _job_of(request: Request, job_id: str, principal: MaySee, services: ServicesDep) -> Job:
    """The job of the path.

    Raises:
        JobNotFoundError: There is none, or it is somebody else's: nobody learns which.
    """
    job = await services.queue.get(job_id)
    if not principal.sees(job.request.owner):
        raise JobNotFoundError(f"there is no job {job_id}")
    # For the audit trail: of a job that was removed nothing can be told afterwards.
    request.state.job = job
    return job


SeenJob = Annotated[Job, Depends(_job_of)]


def check_changes(principal: Principal, job: Job) -> None:
    """Refuse to change somebody else's job.

    Raises:
        ForbiddenError: The principal may only look.
    """
    if not principal.changes(job.request.owner):
        raise ForbiddenError("this key may look at the job, but it may not change it")
