"""The result of a job as JSON."""

from typing import Self

from pydantic import BaseModel

from imaging.image import Image, SourceGrid
from inference.bundle import Bundle, Variant
from inference.findings import Finding
from inference.scoring import OUT_OF_SCOPE, ImageResult
from service.jobs import JobSummary, dicom_links_of, links_of, reconstruction_links_of

RESULT = "result.json"


class DecisionView(BaseModel):
    """`flagged` is null where the point has no threshold: too few calibration patients for its rate."""

    operating_point: str
    false_alarm_rate: float
    threshold: float | None
    flagged: bool | None


class SliceView(BaseModel):
    """`index` counts from 0 along the image's own slice axis; the UID is there for DICOM.

    Slices beside the model's slab are not listed, and none is where the model cuts the volume in another
    direction.
    """

    index: int
    score: float
    sop_instance_uid: str | None


class FindingView(BaseModel):
    """Boxes are `[first, last]` corners, inclusive, as `[column, row, slice]` and as LPS millimetres."""

    box_voxels: tuple[tuple[int, int, int], tuple[int, int, int]]
    box_mm: tuple[tuple[float, float, float], tuple[float, float, float]] | None
    centroid_voxels: tuple[float, float, float]
    centroid_mm: tuple[float, float, float] | None
    size_voxels: int
    size_mm: float | None
    peak: float
    mean: float

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls.model_validate(finding, from_attributes=True)


class GridView(BaseModel):
    """How the source lays its voxels out, see `imaging.image.SourceGrid`; the NIfTI forms are on it."""

    shape: tuple[int, int, int]
    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    @classmethod
    def of(cls, grid: SourceGrid) -> Self:
        return cls(shape=grid.shape, axes=grid.axes, flips=grid.flips)


class ResultView(BaseModel):
    """A scored image. `score` is raw: higher is more anomalous, and it is no probability."""

    job_id: str
    model: str
    bundle_digest: str
    variant: Variant = "whole"  # which of the bundle's graphs was run
    score: float
    percentile: float
    p_value: float
    decisions: list[DecisionView]
    pred_label: bool | None
    grid: GridView | None = None  # None for what an earlier version has scored
    slices: list[SliceView]
    findings: list[FindingView]
    warnings: list[str]
    timings_ms: dict[str, float]
    links: dict[str, str]
    intended_use: str

    @classmethod
    def of(cls, job_id: str, bundle: Bundle, image: Image, result: ImageResult) -> Self:
        """What is known before the stages have been timed."""
        return cls(
            job_id=job_id,
            model=bundle.reference,
            bundle_digest=bundle.digest,
            score=result.score,
            percentile=result.percentile,
            p_value=result.p_value,
            decisions=decisions_of(bundle, result),
            pred_label=result.pred_label,
            grid=GridView.of(image.grid),
            slices=_slices_of(image, result),
            findings=[FindingView.of(finding) for finding in result.findings],
            warnings=list(result.warnings),
            timings_ms={},
            links=links_of(job_id)
            | (reconstruction_links_of(job_id) if result.reconstruction else {})
            | (dicom_links_of(job_id) if image.source.dicom else {}),
            intended_use=bundle.manifest.intended_use,
        )


def summary_of(view: ResultView) -> JobSummary:
    return JobSummary(
        score=view.score,
        percentile=view.percentile,
        p_value=view.p_value,
        pred_label=view.pred_label,
        in_scope=not any(warning.startswith(OUT_OF_SCOPE) for warning in view.warnings),
        findings=len(view.findings),
        warnings=len(view.warnings),
        slices=len(view.slices),
    )


def decisions_of(bundle: Bundle, result: ImageResult) -> list[DecisionView]:
    return [
        DecisionView(
            operating_point=point.name,
            false_alarm_rate=point.false_alarm_rate,
            threshold=point.threshold,
            flagged=result.decisions[point.name],
        )
        for point in bundle.manifest.operating_points
    ]


def _slices_of(image: Image, result: ImageResult) -> list[SliceView]:
    instances = image.source.instances
    return [
        SliceView(
            index=index,
            score=score,
            sop_instance_uid=instances[index].sop_instance_uid if instances else None,
        )
        for index, score in sorted(result.scores_by_slice.items())
    ]
