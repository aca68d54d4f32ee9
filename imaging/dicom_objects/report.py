"""Score, decisions and findings as a structured report that machines read too.

Source: PS3.16 TID 1500 (Measurement Report), 1501 (groups), 1410 (planar regions), 4019 (algorithm).
"""

from collections.abc import Sequence

import numpy as np
from highdicom.sr import (
    CodedConcept,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    GraphicTypeValues,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    SourceImageForRegion,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage

from imaging.dicom_objects import concepts
from imaging.dicom_objects.facts import Decision, Finding, ResultFacts
from imaging.dicom_objects.identity import uid_of
from imaging.dicom_objects.provenance import MANUFACTURER, algorithm_of_report, device_of, identity_of, settle
from imaging.dicom_objects.stack import evidence_of, plain_headers, reference_to
from imaging.dicom_source import DicomSource
from imaging.foreign_errors import quiet

_Group = MeasurementsAndQualitativeEvaluations | PlanarROIMeasurementsAndQualitativeEvaluations
_NUMBER = codes.UCUM.NoUnits
_SQUARE_MM, _CUBIC_MM = codes.UCUM.SquareMillimeter, codes.UCUM.CubicMillimeter
_PERCENT = codes.UCUM.Percent
_FLAGS = {True: concepts.FLAGGED, False: concepts.NOT_FLAGGED, None: concepts.UNDECIDED}


def report(source: DicomSource, findings: Sequence[Finding], facts: ResultFacts) -> Dataset:
    """One group for the score, one for each operating point, one for each finding on its middle slice."""
    groups: list[_Group] = [
        _score_group(facts),
        *(_decision_group(decision, facts) for decision in facts.decisions),
        *(
            _finding_group(finding, number, source=source, facts=facts)
            for number, finding in enumerate(findings, start=1)
        ),
    ]
    with quiet():
        content = MeasurementReport(
            observation_context=_observed_by(facts),
            procedure_reported=concepts.PROCEDURE,
            title=codes.DCM.ImagingMeasurementReport,
            imaging_measurements=groups,
        )
        dataset = Comprehensive3DSR(
            evidence=plain_headers(source),
            content=content,
            is_complete=True,
            coding_schemes=concepts.SCHEMES,
            **identity_of(facts, "report"),
            **device_of(facts),
        )
    dataset.CurrentRequestedProcedureEvidenceSequence = [evidence_of(source)]
    settle(dataset, facts)
    return dataset


def _observed_by(facts: ResultFacts) -> ObservationContext:
    device = DeviceObserverIdentifyingAttributes(
        uid=uid_of("bundle", facts.bundle_digest),
        name=facts.model,
        manufacturer_name=MANUFACTURER,
        model_name=f"{facts.model} {facts.model_version}",
        serial_number=facts.bundle_digest,
    )
    return ObservationContext(observer_device_context=ObserverContext(codes.DCM.Device, device))


def _score_group(facts: ResultFacts) -> MeasurementsAndQualitativeEvaluations:
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(facts, "score"),
        algorithm_id=algorithm_of_report(facts),
        measurements=[
            _measurement(concepts.SCORE, facts.score),
            _measurement(concepts.PERCENTILE, facts.percentile, _PERCENT),
            _measurement(concepts.P_VALUE, facts.p_value),
            _measurement(concepts.MAP_THRESHOLD, facts.map_threshold),
        ],
    )


def _decision_group(decision: Decision, facts: ResultFacts) -> MeasurementsAndQualitativeEvaluations:
    measurements = [_measurement(concepts.FALSE_ALARM_RATE, 100 * decision.false_alarm_rate, _PERCENT)]
    if decision.threshold is not None:
        measurements.append(_measurement(concepts.THRESHOLD, decision.threshold))
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(facts, f"operating point {decision.operating_point}"),
        algorithm_id=algorithm_of_report(facts),
        measurements=measurements,
        qualitative_evaluations=[QualitativeEvaluation(concepts.DECISION, _FLAGS[decision.flagged])],
    )


def _finding_group(
    finding: Finding, number: int, *, source: DicomSource, facts: ResultFacts
) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(facts, f"finding {number}"),
        referenced_region=_box(finding, source),
        finding_type=concepts.REGION,
        algorithm_id=algorithm_of_report(facts),
        measurements=[
            _measurement(concepts.MAP_VALUE, finding.peak, derivation=codes.SCT.Maximum),
            _measurement(concepts.MAP_VALUE, finding.mean, derivation=codes.SCT.Mean),
            _measurement(concepts.SIZE, finding.size_voxels),
            *_size_mm(finding, is_volume=len(source.planes) > 1),
        ],
    )


def _size_mm(finding: Finding, *, is_volume: bool) -> list[Measurement]:
    if finding.size_mm is None:
        return []
    name, unit = (codes.SCT.Volume, _CUBIC_MM) if is_volume else (codes.SCT.Area, _SQUARE_MM)
    return [_measurement(name, finding.size_mm, unit)]


def _box(finding: Finding, source: DicomSource) -> ImageRegion:
    """The region's outline on the slice through its middle.

    Counted from the corner of the first pixel, whose centre is at a half (PS3.3 C.10.5.1.2): so a box of
    pixels ends one beyond the index of its last.
    """
    (left, top, first), (right, bottom, last) = finding.box_voxels
    plane = source.planes[min(max(round(finding.centroid_voxels[2]), first), last)]
    corners = [(left, top), (right + 1, top), (right + 1, bottom + 1), (left, bottom + 1), (left, top)]
    image = SourceImageForRegion(CTImageStorage, plane.sop_instance_uid)
    region = ImageRegion(GraphicTypeValues.POLYLINE, np.array(corners, float), image)
    # highdicom looks the class up, and knows neither retired nor private ones.
    region.ContentSequence[0].ReferencedSOPSequence = [reference_to(plane)]
    return region


def _tracking(facts: ResultFacts, what: str) -> TrackingIdentifier:
    return TrackingIdentifier(uid=uid_of(facts.job_id, what), identifier=what)


def _measurement(
    name: CodedConcept, value: float, unit: CodedConcept = _NUMBER, *, derivation: CodedConcept | None = None
) -> Measurement:
    return Measurement(name=name, value=_short(value), unit=unit, derivation=derivation)


def _short(value: float) -> float:
    """To seven digits, as float32 has them: a decimal string holds 16 characters (PS3.5 6.2)."""
    return float(f"{value:.7g}")
