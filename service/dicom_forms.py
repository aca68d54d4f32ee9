"""A result as DICOM objects, each made when it is asked for, in a sandbox."""

from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal

from imaging.dicom_source import require_dicom
from imaging.overlay import paint_overlay
from service.kept import KEPT, Kept
from service.results import RESULT, ResultView

Kind = Literal["pm", "sc", "sr", "seg"]


def make_dicom(
    folder: Path, kind: Kind, job_id: str, created_at: datetime, seal_key: str, file: BinaryIO
) -> None:
    """Write one object of the result in `folder`; the same job gives the same bytes.

    Raises:
        NoDicomSourceError: The image did not come as DICOM.
        NoFrameOfReferenceError: Such an object needs places that the image has not.
        GoneError: The key does not open what is kept of the source.
    """
    # highdicom takes a third of a second to import, which most services never need.
    from imaging.dicom_objects.facts import Decision, ResultFacts  # noqa: PLC0415
    from imaging.dicom_objects.parametric_map import parametric_map  # noqa: PLC0415
    from imaging.dicom_objects.report import report  # noqa: PLC0415
    from imaging.dicom_objects.result_set import object_bytes  # noqa: PLC0415
    from imaging.dicom_objects.secondary_capture import secondary_capture  # noqa: PLC0415
    from imaging.dicom_objects.segmentation import segmentation  # noqa: PLC0415

    kept = Kept.read(folder / KEPT)
    source, drawing = require_dicom(kept.source(seal_key)), kept.drawing
    result = ResultView.model_validate_json((folder / RESULT).read_bytes())
    name, _, version = result.model.partition("@")
    facts = ResultFacts(
        job_id=job_id,
        created_at=created_at,
        model=name,
        model_version=version,
        bundle_digest=result.bundle_digest,
        intended_use=result.intended_use,
        score=result.score,
        percentile=result.percentile,
        p_value=result.p_value,
        decisions=tuple(Decision(**decision.model_dump()) for decision in result.decisions),
        map_threshold=drawing.map_threshold,
        full_colour=drawing.limit,
    )
    if kind == "sr":
        dataset = report(source, result.findings, facts)
    elif kind == "sc":
        plane = kept.planes.plane(drawing.slice_index)
        picture = paint_overlay(drawing.picture, plane, limit=drawing.limit)
        dataset = secondary_capture(source, picture, facts, slice_index=drawing.slice_index)
    else:
        make = parametric_map if kind == "pm" else segmentation
        dataset = make(source, kept.planes.whole(), facts)
    file.write(object_bytes(dataset))
