"""A scored image: its own brightness is the anomaly map, so that the landmark is the map's peak."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from imaging.dicom_objects.facts import Decision, ResultFacts
from imaging.dicom_objects.result_set import Picture, ResultSet, object_bytes, result_objects
from imaging.dicom_source import require_dicom
from imaging.image import Image
from imaging.overlay import grey_picture, paint_overlay
from imaging.read import read_image
from inference.findings import find_regions
from tests.imaging.dicom_objects.sources import PEAK, SourceFiles

FACTS = ResultFacts(
    job_id="job-1",
    created_at=datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
    model="padim-brain",
    model_version="1.2.0",
    bundle_digest="ab" * 32,
    intended_use="Research use only — nicht für die Diagnose.",
    score=1.5,
    percentile=99.25,
    p_value=0.0123456789,
    decisions=(
        Decision("1%", false_alarm_rate=0.01, threshold=None, flagged=None),
        Decision("5%", false_alarm_rate=0.05, threshold=1.25, flagged=True),
    ),
    map_threshold=0.5,
    full_colour=1.0,
)


def map_of(image: Image) -> np.ndarray:
    return image.slices[:, 0] / np.float32(PEAK)  # (D, H, W)


def results_of(files: SourceFiles, facts: ResultFacts = FACTS) -> ResultSet:
    image = read_image(files.parts)
    anomaly_map = map_of(image)
    worst = int(anomaly_map.max(axis=(1, 2)).argmax())
    painted = paint_overlay(grey_picture(image, worst), anomaly_map[worst], limit=facts.full_colour)
    return result_objects(
        require_dicom(image.source.dicom),
        anomaly_map,
        picture=Picture(painted, worst),
        findings=find_regions(anomaly_map, threshold=facts.map_threshold, affine=image.affine),
        facts=facts,
    )


def written(files: SourceFiles, kind: str, facts: ResultFacts = FACTS) -> bytes:
    return object_bytes(results_of(files, facts).objects[kind])


def items_under(dataset: Dataset) -> list[Any]:
    """Every content item of a report, depth first."""
    found = []
    for content in dataset.get("ContentSequence", ()):
        found += [content, *items_under(content)]
    return found
