"""Whether an image is of the kind that a bundle was made for."""

from collections.abc import Sequence

import numpy as np

from inference.manifest import Scope
from inference.preprocess import resample

THUMBNAIL_SIZE = 16


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """The prepared pixels `(C, h, w)` as one coarse plane `(16, 16)`."""
    return resample(pixels.mean(axis=0), height=THUMBNAIL_SIZE, width=THUMBNAIL_SIZE)


def similarity(pixels: np.ndarray, reference: Sequence[Sequence[float]] | np.ndarray) -> float:
    """Pearson correlation, -1 to 1, of the image's thumbnail with the reference's; 0 for a flat image."""
    ours, theirs = thumbnail(pixels).ravel(), np.asarray(reference, np.float32).ravel()
    ours, theirs = ours - ours.mean(), theirs - theirs.mean()
    norm = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
    return float(ours @ theirs) / norm if norm > 0 else 0.0


def departures_of_header(
    scope: Scope,
    *,
    modality: str | None,
    body_part: str | None,
    spacing: tuple[float, float, float] | None = None,
) -> list[str]:
    """Sentences on how the file's own words depart from the scope; what it does not say is no departure."""
    found = []
    if scope.modalities and modality and modality.upper() not in scope.modalities:
        found.append(f"modality is {modality}, the model is for {', '.join(scope.modalities)}")
    if scope.body_parts and body_part and body_part.upper() not in scope.body_parts:
        found.append(f"body part is {body_part}, the model is for {', '.join(scope.body_parts)}")
    if (
        scope.spacing_mm
        and spacing
        and not all(scope.spacing_mm.low <= value <= scope.spacing_mm.high for value in spacing[:2])
    ):
        found.append(
            f"pixel spacing is {spacing[0]:.3g} x {spacing[1]:.3g} mm, "
            f"the model is for {scope.spacing_mm.low:g} to {scope.spacing_mm.high:g} mm"
        )
    return found


def departures_of_pixels(scope: Scope, slices: Sequence[np.ndarray]) -> list[str]:
    """Sentences on how the prepared slices, each `(C, h, w)`, depart from it; a volume by its median."""
    if scope.thumbnail is None or scope.min_similarity is None:
        return []
    value = float(np.median([similarity(pixels, scope.thumbnail) for pixels in slices]))
    if value >= scope.min_similarity:
        return []
    return [
        f"the picture does not look like the training images "
        f"(similarity {value:.2f}, at least {scope.min_similarity:.2f} expected)"
    ]
