"""The anomaly map as a Parametric Map of 32-bit floats, on the slices of its source.

Source: PS3.3 A.75. The frame of reference is mandatory there, so that an image without one has no such map.
"""

import numpy as np
from highdicom import VOILUTFunctionValues, VOILUTTransformation
from highdicom.pm import ParametricMap, RealWorldValueMapping
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from imaging.dicom_objects.facts import ResultFacts
from imaging.dicom_objects.provenance import device_of, identity_of, settle
from imaging.dicom_objects.stack import placed_stack, point_to_slices
from imaging.dicom_source import DicomSource
from imaging.errors import NoFrameOfReferenceError
from imaging.foreign_errors import quiet


def parametric_map(source: DicomSource, anomaly_map: np.ndarray, facts: ResultFacts) -> Dataset:
    """Lay the map `(D, H, W)` on the source's slices.

    Raises:
        NoFrameOfReferenceError: the slices have no place in a frame of reference.
    """
    if not source.has_places:
        raise NoFrameOfReferenceError(
            "a Parametric Map needs every slice's place in a frame of reference, which the source lacks"
        )
    values = np.ascontiguousarray(anomaly_map, np.float32)  # (D, H, W)
    with quiet():
        dataset = ParametricMap(
            source_images=[placed_stack(source)],
            pixel_array=values,
            real_world_value_mappings=[_mapping(values)],
            voi_lut_transformations=[_window(facts.full_colour)],
            content_label="ANOMALY_MAP",
            content_description="Anomaly map: higher is more anomalous",
            contains_recognizable_visual_features=source.header.get("RecognizableVisualFeatures") == "YES",
            **identity_of(facts, "map"),
            **device_of(facts),
        )
    _put_into_slice_order(dataset, values)
    dataset.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [_anatomy(source)]
    point_to_slices(dataset, source)
    settle(dataset, facts)
    return dataset


def _put_into_slice_order(dataset: Dataset, values: np.ndarray) -> None:
    """highdicom begins at the other end; dcmqi takes frames as they come, and would turn the map over."""
    groups = sorted(
        dataset.PerFrameFunctionalGroupsSequence,
        key=lambda group: int(
            group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber,
        ),
    )
    for number, group in enumerate(groups, start=1):
        group.FrameContentSequence[0].DimensionIndexValues = [number]
    dataset.PerFrameFunctionalGroupsSequence = groups
    dataset.FloatPixelData = values.tobytes()


def _mapping(values: np.ndarray) -> RealWorldValueMapping:
    return RealWorldValueMapping(
        lut_label="ANOMALY",
        lut_explanation="Anomaly map value, not a probability",
        unit=codes.UCUM.NoUnits,
        value_range=(float(values.min()), float(values.max())),
        slope=1.0,
        intercept=0.0,
        quantity_definition=codes.DCM.ClassActivation,
    )


def _anatomy(source: DicomSource) -> Dataset:
    """No more than that it is a body's: dcmqi, and 3D Slicer with it, ends where nothing is said (1.5.7)."""
    item = Dataset()
    side = source.header.get("ImageLaterality") or source.header.get("Laterality")
    item.FrameLaterality = side if side in ("L", "R", "B") else "U"
    item.AnatomicRegionSequence = [CodedConcept("123037004", "SCT", "Body structure")]
    return item


def _window(full_colour: float) -> VOILUTTransformation:
    """From nothing to full colour; the map's values may be far below 1, where LINEAR has no width."""
    return VOILUTTransformation(
        window_center=full_colour / 2,
        window_width=full_colour,
        voi_lut_function=VOILUTFunctionValues.LINEAR_EXACT,
    )
