"""All result objects of one job, and in words why one is missing."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage
from pydicom.dataset import Dataset

from imaging.dicom_objects.facts import Finding, ResultFacts
from imaging.dicom_objects.parametric_map import parametric_map
from imaging.dicom_objects.report import report
from imaging.dicom_objects.secondary_capture import secondary_capture
from imaging.dicom_objects.segmentation import segmentation
from imaging.dicom_source import DicomSource
from imaging.errors import NoFrameOfReferenceError


@dataclass(frozen=True)
class Picture:
    """A slice as `paint_overlay` draws it."""

    pixels: PillowImage.Image
    slice_index: int


@dataclass(frozen=True)
class ResultSet:
    """Objects by kind; `left_out` has a sentence for each kind that the source rules out."""

    objects: dict[str, Dataset]
    left_out: dict[str, str]


def result_objects(
    source: DicomSource,
    anomaly_map: np.ndarray,
    *,
    picture: Picture,
    findings: Sequence[Finding],
    facts: ResultFacts,
) -> ResultSet:
    """Make every object that the source allows; the map is `(D, H, W)`, on its slices."""
    expected = (len(source.planes), source.header.Rows, source.header.Columns)
    if anomaly_map.shape != expected:
        raise ValueError(f"the map is {anomaly_map.shape}, the source {expected}; they must agree")
    makers: dict[str, Callable[[], Dataset]] = {
        "map": lambda: parametric_map(source, anomaly_map, facts),
        "picture": lambda: secondary_capture(source, picture.pixels, facts, slice_index=picture.slice_index),
        "segmentation": lambda: segmentation(source, anomaly_map, facts),
        "report": lambda: report(source, findings, facts),
    }
    objects, left_out = {}, {}
    for kind, make in makers.items():
        try:
            objects[kind] = make()
        except NoFrameOfReferenceError as error:
            left_out[kind] = str(error)
    return ResultSet(objects, left_out)


def object_bytes(dataset: Dataset) -> bytes:
    """A DICOM file of the object."""
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()
