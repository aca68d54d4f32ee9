"""The heatmap over one slice as a Secondary Capture in colour, with legend and notice burned in.

Source: PS3.3 A.8.1. Any station shows it. It has no place in the patient: its pixels are a picture's,
enlarged and with a strip of text; the reference to its slice says where it belongs.
"""

import numpy as np
from highdicom import CoordinateSystemNames, PhotometricInterpretationValues
from highdicom.sc import SCImage
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from imaging.dicom_objects.facts import ResultFacts
from imaging.dicom_objects.orientation import adopt_orientation
from imaging.dicom_objects.provenance import adopt_laterality, device_of, identity_of, settle
from imaging.dicom_objects.stack import reference_to, unplaced_plane
from imaging.dicom_source import DicomSource
from imaging.foreign_errors import quiet

_OF_THE_PICTURE_TOO = (
    *("BurnedInAnnotation", "RecognizableVisualFeatures"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)


def secondary_capture(
    source: DicomSource, picture: np.ndarray, facts: ResultFacts, *, slice_index: int
) -> Dataset:
    """Wrap a picture of slice `slice_index`: RGB, `(rows, columns, 3)` of 8 bits, with its legend."""
    plane, header = source.planes[slice_index], unplaced_plane(source)
    with quiet():
        dataset = SCImage.from_ref_dataset(
            ref_dataset=header,
            pixel_array=np.ascontiguousarray(picture),
            photometric_interpretation=PhotometricInterpretationValues.RGB,
            bits_allocated=8,
            coordinate_system=CoordinateSystemNames.PATIENT,
            patient_orientation=("L", "P"),  # put right below, for it may be unknown
            transfer_syntax_uid=ExplicitVRLittleEndian,
            **identity_of(facts, "picture"),
            **device_of(facts),
        )
        dataset.copy_patient_and_study_information(header)
    adopt_orientation(dataset, source, plane)
    for keyword in _OF_THE_PICTURE_TOO:
        if keyword in source.header:
            dataset[keyword] = source.header[keyword]
    dataset.ContentQualification = "RESEARCH"
    dataset.DerivationDescription = "Heatmap of the anomaly map over its image; higher is more anomalous"
    dataset.SourceImageSequence = [reference_to(plane)]
    adopt_laterality(dataset, source)
    settle(dataset, facts)
    dataset.DateOfSecondaryCapture, dataset.TimeOfSecondaryCapture = dataset.ContentDate, dataset.ContentTime
    return dataset
