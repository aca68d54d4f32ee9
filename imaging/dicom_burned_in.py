"""Whether text may be burned into the pixels, where it names the patient and no header tells.

Source: PS3.3 C.7.6.1.1 (Burned In Annotation), PS3.15 E.3.1 (Clean Pixel Data Option). Ultrasound machines
and whatever makes Secondary Captures write it there as a rule, and most of them do not say so.
"""

from pydicom.dataset import Dataset
from pydicom.uid import (
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from imaging.dicom_elements import text

_CAPTURES = frozenset(
    (
        MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
        MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
        MultiFrameSingleBitSecondaryCaptureImageStorage,
        MultiFrameTrueColorSecondaryCaptureImageStorage,
        SecondaryCaptureImageStorage,
    )
)


def burned_in_warnings(header: Dataset) -> tuple[str, ...]:
    """One sentence where the pixels may hold text, none where the header denies it or nothing hints at it."""
    said = text(header, "BurnedInAnnotation")
    if said == "YES":
        return ("text is burned into the image, by its Burned In Annotation; it may name the patient",)
    if said == "NO":
        return ()
    if text(header, "Modality") == "US":
        return ("ultrasound images often have text burned in, which may name the patient",)
    if text(header, "SOPClassUID") in _CAPTURES:
        return ("secondary captures often have text burned in, which may name the patient",)
    return ()
