"""What each route of the application demands, written down a second time."""

from collections.abc import Iterable
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import Route

from service.api.access import Demand
from service.api.app import create_app
from service.settings import Settings

SUBMIT, SEE, READ = {"score"}, {"score", "read"}, {"read"}
DEMANDS = {
    "POST /score": SUBMIT,
    "POST /dicomweb/studies": SUBMIT,
    "POST /dicomweb/studies/{study}": SUBMIT,
    "GET /retrievals/{retrieval_id}": SEE,
    "DELETE /retrievals/{retrieval_id}": SEE,
    "GET /jobs": SEE,
    "GET /jobs/events": SEE,
    "GET /jobs/{job_id}": SEE,
    "GET /jobs/{job_id}/events": SEE,
    "DELETE /jobs/{job_id}": SEE,  # and `check_changes`: a reader is told so, not that there is no such job
    "POST /jobs/{job_id}/retry": SEE,
    "GET /jobs/{job_id}/result": SEE,
    "GET /jobs/{job_id}/result.json": SEE,
    "GET /jobs/{job_id}/result/overlay.png": SEE,
    "GET /jobs/{job_id}/result/anomaly_map.nii.gz": SEE,
    "GET /jobs/{job_id}/result/image.nii.gz": SEE,
    "GET /jobs/{job_id}/result/seen.nii.gz": SEE,
    "GET /jobs/{job_id}/result/reconstruction.nii.gz": SEE,
    "GET /jobs/{job_id}/result.zip": SEE,
    "GET /jobs/{job_id}/result/fhir.json": SEE,
    "GET /jobs/{job_id}/result/deidentification.json": SEE,
    "GET /jobs/{job_id}/result/{kind}.dcm": SEE,
    "GET /models": SEE,
    "GET /models/{name}": SEE,
    "GET /models/{name}/card": SEE,
    "GET /models/{name}/{file}": SEE,
    "GET /models/{name}/calibration": SEE,
    "GET /status": SEE,
    "GET /metrics": READ,
}
# They tell nothing of anybody.
OPEN = {
    *("GET /", "GET /assets/{name}", "GET /sample", "GET /healthz", "GET /readyz"),
    *("GET /docs", "GET /docs/oauth2-redirect", "GET /openapi.json", "MOUNT /static-offline-docs"),
}


def routes_in(routes: Iterable[Any]) -> dict[str, Any]:
    """Every route by methods and path, whatever its kind."""
    found: dict[str, Any] = {}
    for route in routes:
        if hasattr(route, "original_router"):  # a router that is kept whole
            found.update(routes_in(route.original_router.routes))
            continue
        methods = sorted(route.methods - {"HEAD"}) if isinstance(route, APIRoute | Route) else ["MOUNT"]
        found[f"{'|'.join(methods)} {route.path}"] = route
    return found


def calls_of(dependant: Any) -> list[Any]:
    """All that a route depends on, by way of others too."""
    return [call for part in dependant.dependencies for call in (part.call, *calls_of(part))]


def demand_of(route: Any) -> set[str] | None:
    calls = calls_of(route.dependant) if isinstance(route, APIRoute) else []
    demands = [set(call.any_of) for call in calls if isinstance(call, Demand)]
    return demands[0] if demands else None


def test_every_route_demands_its_scope_and_a_new_one_is_asked_for_it_here(settings: Settings, redis_url: str):
    routes = routes_in(create_app(settings, redis_url).routes)
    assert {name: demand_of(route) for name, route in routes.items()} == {**DEMANDS, **dict.fromkeys(OPEN)}
