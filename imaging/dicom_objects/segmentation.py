"""The region above the map's threshold as a binary Segmentation of one segment.

Source: PS3.3 A.51. A projection has no frame of reference; its segmentation has the source's very pixels and
says which image they are of, in place of a position (A.51.5, Derivation Image).
"""

import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from imaging.dicom_objects.concepts import REGION, SCHEMES
from imaging.dicom_objects.facts import ResultFacts
from imaging.dicom_objects.identity import uid_of
from imaging.dicom_objects.orientation import adopt_orientation
from imaging.dicom_objects.provenance import algorithm_of_image, device_of, identity_of, settle
from imaging.dicom_objects.stack import placed_stack, point_to_slices, unplaced_plane
from imaging.dicom_source import DicomSource
from imaging.errors import NoFrameOfReferenceError
from imaging.foreign_errors import quiet

_ORANGE = CIELabColor(66.0, 30.0, 65.0)


def segmentation(source: DicomSource, anomaly_map: np.ndarray, facts: ResultFacts) -> Dataset:
    """Mark where the map `(D, H, W)` is above its threshold.

    Slices without such a pixel are left out; where no slice has one, all are there and empty.

    Raises:
        NoFrameOfReferenceError: there are several slices without a place in a frame of reference.
    """
    if not source.has_places and len(source.planes) > 1:
        raise NoFrameOfReferenceError(
            "a Segmentation of several slices needs every slice's place in a frame of reference,"
            " which the source lacks"
        )
    stack = placed_stack(source) if source.has_places else unplaced_plane(source)
    with quiet():
        dataset = Segmentation(
            source_images=[stack],
            pixel_array=anomaly_map > facts.map_threshold,
            segmentation_type=SegmentationTypeValues.BINARY,
            segment_descriptions=[_segment(facts)],
            content_label="ANOMALY",
            content_description="Region above the threshold of the anomaly map",
            coding_schemes=SCHEMES,
            **identity_of(facts, "segmentation"),
            **device_of(facts),
        )
    if not source.has_places:
        adopt_orientation(dataset, source, source.planes[0])
    dataset.ContentQualification = "RESEARCH"
    point_to_slices(dataset, source)
    settle(dataset, facts)
    return dataset


def _segment(facts: ResultFacts) -> SegmentDescription:
    return SegmentDescription(
        segment_number=1,
        segment_label="Above the map's threshold",
        segmented_property_category=codes.SCT.SpatialAndRelationalConcept,  # which claims no lesion
        segmented_property_type=REGION,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm_of_image(facts),
        display_color=_ORANGE,
        tracking_uid=uid_of(facts.job_id, "segment"),
        tracking_id=f"{facts.job_id} region",
    )
