"""Calibration, operating points and scope: what held-out normals get from the exported graph."""

from collections.abc import Sequence

import numpy as np

from inference.calibration import operating_point
from inference.manifest import Calibration, OperatingPoint, Scope
from inference.preprocess import prepare_image
from inference.scope import similarity, thumbnail
from inference.session import Session
from inference.volume_score import volume_score
from training.config import Config, ScopeSection
from training.data.data_set import Sample
from training.prepare import Prepared

FALSE_ALARM_RATES = {"1%": 0.01, "5%": 0.05, "10%": 0.10}
# A picture may be so much less like the mean normal than the least alike of all normals.
SIMILARITY_MARGIN = 0.25
AT_ONCE = 16


def calibrate(config: Config, session: Session, samples: Sequence[Sample]) -> Calibration:
    """Score the held-out normals, one score a patient, by the rule for volumes.

    A patient with several volumes gets the highest of theirs; single slices of a patient count as a volume.
    """
    by_volume: dict[tuple[str, int], list[float]] = {}
    pixels: list[np.ndarray] = []
    for number, sample in enumerate(samples):
        volume = (sample.patient, number if sample.image.is_volume else -1)
        parts = list(prepare_image(sample.image, config.preprocessing))
        for start in range(0, len(parts), AT_ONCE):
            chunk = parts[start : start + AT_ONCE]
            output = session.run(np.stack([part.pixels for part in chunk]))
            by_volume.setdefault(volume, []).extend(float(score) for score in output.score)
            for part, plane in zip(chunk, output.anomaly_map, strict=True):
                pixels.append(plane.ravel() if part.mask is None else plane[part.mask])
    by_patient: dict[str, float] = {}
    for (patient, _number), scores in by_volume.items():
        score = volume_score(np.array(scores), config.volume_score)
        by_patient[patient] = max(score, by_patient.get(patient, score))
    rate = config.calibration.map_false_alarm_rate
    return Calibration(
        scores=tuple(sorted(by_patient.values())),
        map_threshold=float(np.quantile(np.concatenate(pixels), 1 - rate)),
        map_false_alarm_rate=rate,
    )


def operating_points(calibration: Calibration) -> tuple[OperatingPoint, ...]:
    return tuple(
        operating_point(name, false_alarm_rate=rate, calibration_scores=calibration.scores)
        for name, rate in FALSE_ALARM_RATES.items()
    )


def measure_scope(section: ScopeSection, train: Prepared, calibration: Prepared) -> Scope:
    """The scope of the config, and what the normals look like on a coarse grid."""
    thumbnails = np.stack([thumbnail(pixels) for pixels in train.images])
    # What is stored is what is compared with later.
    rounded = thumbnails.mean(axis=0).round(4)
    lowest = min(similarity(pixels, rounded) for pixels in (*train.images, *calibration.images))
    return Scope(
        modalities=section.modalities,
        body_parts=section.body_parts,
        spacing_mm=section.spacing_mm,
        thumbnail=tuple(tuple(float(value) for value in row) for row in rounded),
        min_similarity=round(max(-1.0, lowest - SIMILARITY_MARGIN), 3),
    )
