"""Which series of a study is meant where only the study is named: the one image that the model is for.

Nothing is guessed, such as the one with the most slices: a study's scout, its thin and its thick slices all
fit a model for CT, and a score of the wrong one looks like any other.
"""

from collections.abc import Callable

from service.dicomweb.archive import Archive, FoundSeries
from service.errors import SeriesNotFoundError, SeriesUndecidedError

_ROOT = "1.2.840.10008.5.1.4.1.1."
# By the first number below the root: secondary captures, waveforms, presentation states, parametric maps, raw
# data and segmentations, reports, documents. Our own results are among them (PS3.4 B.5).
_NO_IMAGES = frozenset(("7", "9", "11", "30", "66", "88", "104"))
# Dose, structures, plans and the like; 481.1 is RT Image.
_NO_IMAGE_PREFIX = f"{_ROOT}481."
_RT_IMAGE = f"{_ROOT}481.1"


async def choose_series(
    archive: Archive, study_uid: str, series_uid: str | None, *, fits: Callable[[FoundSeries], bool]
) -> FoundSeries:
    """The series that is named, or else the only one that is an image and fits.

    Raises:
        SeriesNotFoundError: The server has no such study or series.
        SeriesUndecidedError: No series fits, or several do.
        ArchiveError: The server does not say.
    """
    series = await archive.series_of(study_uid)
    if series_uid is not None:
        for one in series:
            if one.series_uid == series_uid:
                return one
        raise SeriesNotFoundError("the DICOMweb server has no such series in the study")
    fitting = [
        one for one in series if fits(one) and is_image(await archive.sop_class_of(study_uid, one.series_uid))
    ]
    if len(fitting) == 1:
        return fitting[0]
    what = (
        f"{len(fitting)} of {len(series)} series are images"
        if fitting
        else f"none of {len(series)} series is an image"
    )
    raise SeriesUndecidedError(
        f"{what} that the model is for; name one as series_uid", series=[one.to_json() for one in series]
    )


def is_image(sop_class_uid: str | None) -> bool:
    """Whether instances of this class are pictures that a scanner took; one that is not known may be."""
    if sop_class_uid is None or sop_class_uid == _RT_IMAGE:
        return True
    if sop_class_uid.startswith(_NO_IMAGE_PREFIX):
        return False
    return sop_class_uid.removeprefix(_ROOT).split(".", 1)[0] not in _NO_IMAGES
