"""/retrievals: series that are being fetched by reference, until each is a job."""

from fastapi import APIRouter, Response

from service.access.principal import Principal
from service.api.access import MaySee
from service.api.score_routes import PROBLEMS
from service.api.services import Services, ServicesDep
from service.dicomweb.retrievals import Retrieval, RetrievalView
from service.errors import ForbiddenError, RetrievalNotFoundError

router = APIRouter(prefix="/retrievals", tags=["dicomweb"], responses=PROBLEMS)


@router.get("/{retrieval_id}")
async def get_retrieval(retrieval_id: str, principal: MaySee, services: ServicesDep) -> RetrievalView:
    """One retrieval: `waiting`, then `submitted` with the job's id, or `failed` with the error."""
    return RetrievalView.of(await _retrieval_for(principal, retrieval_id, services))


@router.delete("/{retrieval_id}", status_code=204, response_class=Response)
async def delete_retrieval(retrieval_id: str, principal: MaySee, services: ServicesDep) -> None:
    """Fetch it no longer. A job that it has become is another matter: `DELETE /jobs/{job_id}`."""
    retrieval = await _retrieval_for(principal, retrieval_id, services)
    if not principal.changes(retrieval.owner):
        raise ForbiddenError("this key may look at the retrieval, but it may not remove it")
    await services.retrievals.forget(retrieval_id)


async def _retrieval_for(principal: Principal, retrieval_id: str, services: Services) -> Retrieval:
    retrieval = await services.retrievals.get(retrieval_id)
    if not principal.sees(retrieval.owner):
        raise RetrievalNotFoundError(f"there is no retrieval {retrieval_id:.32}")
    return retrieval
