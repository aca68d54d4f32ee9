"""What a machine reads in the structured report."""

import io
from typing import Any

import pydicom
import pytest

from tests.imaging.dicom_objects.results import items_under, written
from tests.imaging.dicom_objects.sources import axial_ct, chest_projection


@pytest.fixture(scope="module")
def content() -> list[Any]:
    return items_under(pydicom.dcmread(io.BytesIO(written(axial_ct(), "report"))))


def numbers(content: list[Any], meaning: str) -> list[tuple[float, str]]:
    return [
        (float(item.MeasuredValueSequence[0].NumericValue), unit_of(item))
        for item in content
        if item.ValueType == "NUM" and item.ConceptNameCodeSequence[0].CodeMeaning == meaning
    ]


def unit_of(item: Any) -> str:
    return str(item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue)


def texts(content: list[Any], meaning: str) -> set[str]:
    return {
        str(item.get("TextValue") or item.get("UID"))
        for item in content
        if item.ConceptNameCodeSequence[0].CodeMeaning == meaning
    }


def test_it_follows_the_template_of_measurement_reports():
    made = pydicom.dcmread(io.BytesIO(written(axial_ct(), "report")))
    assert made.ContentTemplateSequence[0].TemplateIdentifier == "1500"


def test_it_holds_score_percentile_and_p_value(content: list[Any]):
    assert numbers(content, "Anomaly score") == [(1.5, "1")]
    assert numbers(content, "Percentile among held-out normals") == [(99.25, "%")]
    assert numbers(content, "Conformal p-value") == [(0.01234568, "1")]


def test_it_holds_every_operating_point_with_its_decision(content: list[Any]):
    assert numbers(content, "False-alarm rate among normals") == [(1.0, "%"), (5.0, "%")]
    assert numbers(content, "Threshold of the anomaly score") == [(1.25, "1")]
    decisions = [
        item.ConceptCodeSequence[0].CodeMeaning
        for item in content
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Decision"
    ]
    assert decisions == ["No threshold: too few calibration patients", "Above the threshold"]


def test_it_names_the_algorithm_its_version_and_its_bundle(content: list[Any]):
    assert texts(content, "Algorithm Name") == {"padim-brain"}
    assert texts(content, "Algorithm Version") == {"1.2.0"}
    assert texts(content, "Algorithm Parameters") == {
        f"bundle digest: {'ab' * 32}",
        "job: job-1",
        "intended use: Research use only — nicht für die Diagnose.",
    }


def test_a_finding_has_its_peak_mean_and_size(content: list[Any]):
    assert numbers(content, "Anomaly map value") == [(1.0, "1"), (0.9, "1")]
    assert numbers(content, "Number of voxels") == [(2.0, "1")]
    assert numbers(content, "Volume") == [(pytest.approx(2 * 1.5 * 0.75 * 5), "mm3")]


def test_a_projections_finding_has_an_area():
    content = items_under(pydicom.dcmread(io.BytesIO(written(chest_projection(), "report"))))
    assert numbers(content, "Area") == [(pytest.approx(1.5 * 0.75), "mm2")]


def test_it_lists_every_instance_of_the_source_as_its_evidence():
    made = pydicom.dcmread(io.BytesIO(written(axial_ct(), "report")))
    (series,) = made.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert {item.ReferencedSOPInstanceUID for item in series.ReferencedSOPSequence} == {
        f"1.2.3.{number}" for number in (1, 2, 3, 4)
    }
