"""The hostile files of all kinds, made anew each time: nothing binary is kept."""

from tests.hostile.archive_files import archive_files
from tests.hostile.dicom_files import dicom_files
from tests.hostile.hostile_file import HostileFile
from tests.hostile.nifti_files import nifti_files
from tests.hostile.picture_files import picture_files
from tests.hostile.pixel_files import pixel_files


def corpus() -> dict[str, HostileFile]:
    return {f"{kind}: {name}": file for kind, files in KINDS.items() for name, file in files().items()}


KINDS = {
    "DICOM": dicom_files,
    "pixels": pixel_files,
    "NIfTI": nifti_files,
    "picture": picture_files,
    "ZIP": archive_files,
}
