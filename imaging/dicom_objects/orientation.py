"""Where the rows and columns of a picture run to in the patient (PS3.3 C.7.6.1.1.1)."""

from pydicom.dataset import Dataset

from imaging.dicom_source import DicomSource, Plane

_DIRECTIONS = (("L", "R"), ("P", "A"), ("H", "F"))  # of the LPS axes
_ALONG_AN_AXIS = 0.087  # of a cosine: five degrees off it


def adopt_orientation(dataset: Dataset, source: DicomSource, plane: Plane) -> None:
    """Say it of an image without a place: by the slice's place, or by what its header says, or as unknown."""
    if plane.orientation is None:
        dataset.PatientOrientation = source.header.get("PatientOrientation", "")
    else:
        dataset.PatientOrientation = [_direction(plane.orientation[:3]), _direction(plane.orientation[3:])]


def _direction(cosines: tuple[float, ...]) -> str:
    """Letters of the axes it leans towards, the strongest first."""
    ranked = sorted(range(3), key=lambda axis: -abs(cosines[axis]))
    return "".join(
        _DIRECTIONS[axis][cosines[axis] < 0] for axis in ranked if abs(cosines[axis]) > _ALONG_AN_AXIS
    )
