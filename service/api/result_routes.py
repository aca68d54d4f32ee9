"""/jobs/{job_id}/result in all its forms."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from service.api.access import SeenJob
from service.api.delivery import result_response, slice_response
from service.api.forms import (
    ARCHIVE,
    DEIDENTIFICATION,
    DICOM,
    FHIR,
    IMAGE,
    JSON,
    NIFTI,
    PNG,
    RECONSTRUCTION,
    SEEN,
    Form,
    negotiate,
)
from service.api.score_routes import ANY_FORM, PROBLEMS
from service.api.services import ServicesDep
from service.dicom_forms import Kind
from service.results import ResultView

router = APIRouter(prefix="/jobs/{job_id}", tags=["results"], responses=PROBLEMS)


def _only(form: Form) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {form.media_type: {}}}}


@router.get("/result", responses={200: ANY_FORM})
async def get_result(
    job: SeenJob,
    services: ServicesDep,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """The result in the form that `Accept` names: JSON, PNG, anomaly map (gzip), zip of all, DICOM."""
    return await result_response(job, negotiate(accept), services)


@router.get("/result.json", responses={200: {"model": ResultView}})
async def get_json(job: SeenJob, services: ServicesDep) -> Response:
    """Score, percentile, p-value, decisions, findings."""
    return await result_response(job, JSON, services)


@router.get("/result/overlay.png", responses=_only(PNG), response_class=Response)
async def get_overlay(
    job: SeenJob,
    services: ServicesDep,
    slice_index: Annotated[int | None, Query(alias="slice", ge=0, le=99999)] = None,
) -> Response:
    """The heatmap over the slice with the highest score, or over the slice asked for (counted from 0)."""
    if slice_index is None or job.error is not None:
        return await result_response(job, PNG, services)
    return await slice_response(job, slice_index, services)


@router.get("/result/anomaly_map.nii.gz", responses=_only(NIFTI), response_class=Response)
async def get_anomaly_map(job: SeenJob, services: ServicesDep) -> Response:
    """The raw map as NIfTI on the upload's own grid."""
    return await result_response(job, NIFTI, services)


@router.get("/result/image.nii.gz", responses=_only(IMAGE), response_class=Response)
async def get_image(job: SeenJob, services: ServicesDep) -> Response:
    """The image itself on the grid of its anomaly map, rescaled (HU for CT), while the upload is kept."""
    return await result_response(job, IMAGE, services)


@router.get("/result/seen.nii.gz", responses=_only(SEEN), response_class=Response)
async def get_seen(job: SeenJob, services: ServicesDep) -> Response:
    """What the network saw, after preprocessing, on the map's grid. 406 where there is no reconstruction."""
    return await result_response(job, SEEN, services)


@router.get("/result/reconstruction.nii.gz", responses=_only(RECONSTRUCTION), response_class=Response)
async def get_reconstruction(job: SeenJob, services: ServicesDep) -> Response:
    """What the network made of it, on the same grid. 406 where the model makes no reconstruction."""
    return await result_response(job, RECONSTRUCTION, services)


@router.get("/result/fhir.json", responses=_only(FHIR), response_class=Response)
async def get_fhir(job: SeenJob, services: ServicesDep) -> Response:
    """The result as a FHIR R4B DiagnosticReport, with its Observations and the model in it."""
    return await result_response(job, FHIR, services)


@router.get("/result/deidentification.json", responses=_only(DEIDENTIFICATION), response_class=Response)
async def get_deidentification(job: SeenJob, services: ServicesDep) -> Response:
    """What was changed in the upload before it was kept: elements and counts, no values."""
    return await result_response(job, DEIDENTIFICATION, services)


@router.get("/result/{kind}.dcm", responses=_only(DICOM["sc"]), response_class=Response)
async def get_dicom(job: SeenJob, kind: Kind, services: ServicesDep) -> Response:
    """As DICOM in the image's own study: `sc` picture with heatmap, `sr` report, `seg` region above the map's
    threshold, `pm` the map itself. 406 where the image did not come as DICOM, or has no places for one."""
    return await result_response(job, DICOM[kind], services)


@router.get("/result.zip", responses=_only(ARCHIVE), response_class=Response)
async def get_archive(job: SeenJob, services: ServicesDep) -> Response:
    """All forms in one file."""
    return await result_response(job, ARCHIVE, services)
