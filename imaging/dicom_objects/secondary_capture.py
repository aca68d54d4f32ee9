"""The heatmap over one slice as a Secondary Capture in colour, with legend and notice burned in.

Source: PS3.3 A.8.1. Any station shows it. It has no place in the patient: its pixels are a picture's,
enlarged and with a strip of text; the reference to its slice says where it belongs.
"""

import numpy as np
from highdicom import CoordinateSystemNames, PhotometricInterpretationValues
from highdicom.sc import SCImage
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from imaging.dicom_objects.facts import ResultFacts
from imaging.dicom_objects.orientation import adopt_orientation
from imaging.dicom_objects.provenance import device_of, identity_of, settle
from imaging.dicom_objects.stack import reference_to, unplaced_plane
from imaging.dicom_source import DicomSource
from imaging.foreign_errors import quiet
from imaging.overlay import STRIP_GREY, TEXT_GREY

_LINE_ROWS = 17
_MARGIN = 8
_OF_THE_PICTURE_TOO = (
    *("BurnedInAnnotation", "RecognizableVisualFeatures"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)


def secondary_capture(
    source: DicomSource, picture: PillowImage.Image, facts: ResultFacts, *, slice_index: int
) -> Dataset:
    """Wrap the picture of slice `slice_index` that `paint_overlay` makes, under a caption of the result."""
    plane, header = source.planes[slice_index], unplaced_plane(source)
    with quiet():
        dataset = SCImage.from_ref_dataset(
            ref_dataset=header,
            pixel_array=np.asarray(_captioned(picture, _caption(facts, slice_index, len(source.planes)))),
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
    _adopt_laterality(dataset, source)
    settle(dataset, facts)
    dataset.DateOfSecondaryCapture, dataset.TimeOfSecondaryCapture = dataset.ContentDate, dataset.ContentTime
    return dataset


def _caption(facts: ResultFacts, slice_index: int, slice_count: int) -> list[str]:
    """What the picture must say by itself: stations show it apart from the report."""
    model = f"{facts.model} {facts.model_version}"
    score = f"score {facts.score:.4g}   percentile {facts.percentile:.1f}   p-value {facts.p_value:.3g}"
    return [model if slice_count == 1 else f"{model}   slice {slice_index + 1} of {slice_count}", score]


def _captioned(picture: PillowImage.Image, lines: list[str]) -> PillowImage.Image:
    """The picture below a strip with the lines, which hides none of it."""
    rows = 2 * _MARGIN + _LINE_ROWS * len(lines)
    canvas = PillowImage.new("RGB", (picture.width, picture.height + rows), STRIP_GREY)
    canvas.paste(picture, (0, rows))
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(13)
    for number, line in enumerate(lines):
        middle = _MARGIN + _LINE_ROWS * number + _LINE_ROWS // 2
        draw.text((12, middle), line, fill=TEXT_GREY, font=font, anchor="lm")
    return canvas


def _adopt_laterality(dataset: Dataset, source: DicomSource) -> None:
    """Say which side is shown, as the source does, in place.

    The body part stays away. Beside it the side must be there for paired parts and must not for others, by a
    list that no source keeps to (PS3.3 C.7.3.1, PS3.16 annex L); without it, an empty side says "unknown".
    """
    if "ImageLaterality" in source.header:
        dataset.ImageLaterality = source.header.ImageLaterality
    else:
        dataset.Laterality = source.header.get("Laterality", "")
