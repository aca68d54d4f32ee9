"""How the scores of a volume's slices make the volume's.

A rule is fixed before the calibration, stands in the manifest, and is the same there and in the service.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

_FIXED = ConfigDict(frozen=True, extra="forbid")


class TopMean(BaseModel):
    """The mean of the highest slices; of all where there are fewer."""

    model_config = _FIXED

    rule: Literal["top_mean"] = "top_mean"
    slices: int = Field(ge=1, le=10_000)


class Quantile(BaseModel):
    """The score that `share` of the slices do not exceed, between two slices their weighted mean."""

    model_config = _FIXED

    rule: Literal["quantile"] = "quantile"
    share: float = Field(ge=0.5, le=1)


VolumeScore = Literal["max", "mean"] | Annotated[TopMean | Quantile, Field(discriminator="rule")]
"""The rule: the highest slice, the mean of all, of the highest few, or a high quantile."""


def volume_score(scores: np.ndarray, rule: VolumeScore) -> float:
    """The volume's score from its slices' `(D,)`; a single slice's is its own under every rule."""
    if rule == "max":
        return float(scores.max())
    if rule == "mean":
        return float(scores.mean())
    if isinstance(rule, TopMean):
        return float(np.sort(scores)[-rule.slices :].mean())
    return float(np.quantile(scores, rule.share))


def in_words(rule: VolumeScore) -> str:
    """The rule as it stands in a bundle's card."""
    if rule == "max":
        return "that of its highest slice"
    if rule == "mean":
        return "the mean of its slices'"
    if isinstance(rule, TopMean):
        return f"the mean of its {rule.slices} highest slices'"
    return f"the {rule.share:g} quantile of its slices'"
