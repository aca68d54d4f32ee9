"""The forms in which a result can be had, and which one a client means by its Accept header."""

from dataclasses import dataclass

from service.dicom_forms import Kind
from service.errors import NotAcceptableError
from service.results import RESULT


@dataclass(frozen=True)
class Form:
    """`name` is the object's in the store, and the path's below the job's `result`."""

    name: str
    media_type: str


JSON = Form(RESULT, "application/json")
PNG = Form("overlay.png", "image/png")
NIFTI = Form("anomaly_map.nii.gz", "application/gzip")
IMAGE = Form("image.nii.gz", "application/gzip")
SEEN = Form("seen.nii.gz", "application/gzip")
RECONSTRUCTION = Form("reconstruction.nii.gz", "application/gzip")
FHIR = Form("fhir.json", "application/fhir+json")
DEIDENTIFICATION = Form("deidentification.json", "application/json")
ARCHIVE = Form("result.zip", "application/zip")
# The picture first: it is what any station shows, and what a client gets that asks for DICOM alone.
DICOM: dict[Kind, Form] = {
    kind: Form(f"{kind}.dcm", "application/dicom") for kind in ("sc", "sr", "seg", "pm")
}

# What `Accept` can choose.
FORMS = (JSON, PNG, NIFTI, ARCHIVE, FHIR, *DICOM.values())


def negotiate(accept: str | None) -> Form:
    """The first form that the Accept header prefers; JSON where it does not care (RFC 9110 12.5.1).

    Raises:
        NotAcceptableError: It accepts none of them.
    """
    wanted = [_range_of(part) for part in (accept or "*/*").split(",")]
    for media_range, quality in sorted(wanted, key=lambda pair: -pair[1]):
        for form in FORMS:
            if quality > 0 and media_range in ("*/*", f"{form.media_type.split('/')[0]}/*", form.media_type):
                return form
    offered = ", ".join(dict.fromkeys(form.media_type for form in FORMS))
    raise NotAcceptableError(f"a result is none of the types in the Accept header; it can be {offered}")


def _range_of(part: str) -> tuple[str, float]:
    media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return media_range, float(value)
            except ValueError:
                return media_range, 0.0
    return media_range, 1.0
