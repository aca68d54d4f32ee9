"""The slices of an image as highdicom takes a source, and its references put right afterwards.

highdicom takes single-frame instances or one multi-frame instance, only whole ones, and only of classes that
it knows. An image of ours may be frames picked out of several, of a retired or private class. So it is handed
one multi-frame header whose frame k is slice k, and each reference to that frame is then pointed at the
instance and frame which slice k came from.
"""

import numpy as np
from highdicom import (
    CoordinateSystemNames,
    PixelMeasuresSequence,
    PlaneOrientationSequence,
    PlanePositionSequence,
)
from pydicom.dataset import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, EnhancedCTImageStorage

from imaging.dicom_source import DicomSource, Plane

_PATIENT = CoordinateSystemNames.PATIENT


def placed_stack(source: DicomSource) -> Dataset:
    """One header of all slices with their places; the source must have them."""
    stack = _own(source.header)
    stack.SOPClassUID, stack.SOPInstanceUID = EnhancedCTImageStorage, source.planes[0].sop_instance_uid
    stack.NumberOfFrames = len(source.planes)
    first = source.planes[0]
    shared = Dataset()
    shared.PlaneOrientationSequence = PlaneOrientationSequence(_PATIENT, first.orientation or ())
    thickness = _thickness(source)
    shared.PixelMeasuresSequence = PixelMeasuresSequence(
        first.spacing or (),
        slice_thickness=thickness,
        # highdicom works it out where there are several slices, and says 1 mm where there is one.
        spacing_between_slices=thickness if len(source.planes) == 1 else None,
    )
    stack.SharedFunctionalGroupsSequence = [shared]
    stack.PerFrameFunctionalGroupsSequence = [_place(plane) for plane in source.planes]
    return stack


def unplaced_plane(source: DicomSource) -> Dataset:
    """The header of a single slice without a place: results refer to it pixel by pixel."""
    return plain_headers(source)[0]


def plain_headers(source: DicomSource) -> list[Dataset]:
    """A header of each instance, as if it were a radiograph: one frame, and none of reference."""
    headers = []
    for uid in dict.fromkeys(plane.sop_instance_uid for plane in source.planes):
        header = _own(source.header)
        header.SOPClassUID, header.SOPInstanceUID = ComputedRadiographyImageStorage, uid
        header.pop("FrameOfReferenceUID", None)
        headers.append(header)
    return headers


def point_to_slices(dataset: Dataset, source: DicomSource) -> None:
    """Point the references of an object at the instances and frames of its slices, in place."""
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        item = frame.DerivationImageSequence[0].SourceImageSequence[0]
        index = int(item.get("ReferencedFrameNumber", 1)) - 1
        item.pop("ReferencedFrameNumber", None)
        item.update(reference_to(source.planes[index]))
    dataset.SourceImageSequence = instance_references(source)
    series = _series_of(source)
    series.ReferencedInstanceSequence = instance_references(source)
    dataset.ReferencedSeriesSequence = [series]


def reference_to(plane: Plane) -> Dataset:
    """An image reference, to the frame where the instance has several."""
    item = Dataset()
    item.ReferencedSOPClassUID = plane.sop_class_uid
    item.ReferencedSOPInstanceUID = plane.sop_instance_uid
    if plane.frame_count > 1:
        item.ReferencedFrameNumber = plane.frame + 1
    return item


def instance_references(source: DicomSource) -> list[Dataset]:
    """Each instance once, in the order of its first slice."""
    references = []
    for uid, sop_class in {plane.sop_instance_uid: plane.sop_class_uid for plane in source.planes}.items():
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        references.append(item)
    return references


def evidence_of(source: DicomSource) -> Dataset:
    """The instances by study and series, as a report lists what it is about."""
    series = _series_of(source)
    series.ReferencedSOPSequence = instance_references(source)
    study = Dataset()
    study.StudyInstanceUID = source.header.StudyInstanceUID
    study.ReferencedSeriesSequence = [series]
    return study


def _series_of(source: DicomSource) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = source.header.SeriesInstanceUID
    return series


def _own(header: Dataset) -> Dataset:
    """The same elements, with room for others."""
    # copy.copy would share the room, and copy.deepcopy takes a second for a thousand instances.
    own = Dataset()
    own.update(header)
    return own


def _place(plane: Plane) -> Dataset:
    item = Dataset()
    item.PlanePositionSequence = PlanePositionSequence(_PATIENT, plane.position or ())
    return item


def _thickness(source: DicomSource) -> float:
    """As the source says, else the way to the next slice, else 1 mm, as in the image's affine."""
    first = source.planes[0]
    if first.thickness and first.thickness > 0:
        return first.thickness
    if len(source.planes) == 1:
        return 1.0
    axes = np.array(first.orientation).reshape(2, 3)
    positions = np.array([plane.position for plane in source.planes])
    return float(np.median(np.abs(np.diff(positions @ np.cross(*axes)))))
