"""What a raw score means beside the scores of held-out normals: percentile, conformal p-value, decision.

Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005 (conformal p-value).
"""

import math
from bisect import bisect_left
from collections.abc import Sequence

from inference.manifest import OperatingPoint


def percentile(score: float, calibration_scores: Sequence[float]) -> float:
    """Share of held-out normals below the score, 0 to 100; `calibration_scores` ascending."""
    return 100.0 * bisect_left(calibration_scores, score) / len(calibration_scores)


def p_value(score: float, calibration_scores: Sequence[float]) -> float:
    """`(1 + #{calibration scores >= score}) / (n + 1)`: small means rare among normals."""
    count = len(calibration_scores)
    return (1 + count - bisect_left(calibration_scores, score)) / (count + 1)


def operating_point(
    name: str, *, false_alarm_rate: float, calibration_scores: Sequence[float]
) -> OperatingPoint:
    """The threshold that a score exceeds exactly when its p-value is at most the false-alarm rate.

    Fewer than `ceil(1 / false_alarm_rate) - 1` normals cannot give such a threshold: it is None then.
    """
    count = len(calibration_scores)
    # The largest number of normals at or above a flagged score; the rate may be a rounded decimal.
    allowed = math.floor(false_alarm_rate * (count + 1) + 1e-9) - 1
    threshold = None if allowed < 0 else calibration_scores[count - 1 - allowed]
    return OperatingPoint(name=name, false_alarm_rate=false_alarm_rate, threshold=threshold)


def decide(score: float, points: Sequence[OperatingPoint]) -> dict[str, bool | None]:
    """Whether the score is flagged at each operating point; None where the point has no threshold."""
    return {point.name: None if point.threshold is None else score > point.threshold for point in points}
