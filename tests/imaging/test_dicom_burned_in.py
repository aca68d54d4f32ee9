import numpy as np
import pytest
from pydicom.uid import SecondaryCaptureImageStorage

from imaging.read import read_image
from tests.imaging.dicom_builder import dicom_bytes

PIXELS = np.arange(16, dtype=np.uint16).reshape(4, 4)


@pytest.mark.parametrize(
    ("elements", "word"),
    [
        ({"BurnedInAnnotation": "YES"}, "text is burned into the image"),
        ({"Modality": "US"}, "ultrasound images often"),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "secondary captures often"),
    ],
)
def test_pixels_that_may_name_the_patient_are_warned_of(elements: dict[str, str], word: str):
    warnings = read_image([dicom_bytes(PIXELS, **elements)]).warnings
    assert any(word in warning for warning in warnings)


@pytest.mark.parametrize("elements", [{"Modality": "DX"}, {"Modality": "US", "BurnedInAnnotation": "NO"}])
def test_others_are_not(elements: dict[str, str]):
    warnings = read_image([dicom_bytes(PIXELS, **elements)]).warnings
    assert not any("burned" in warning for warning in warnings)
