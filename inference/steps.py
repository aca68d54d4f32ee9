"""The named preprocessing steps of a manifest: their parameters, nothing else.

`inference.preprocess` holds what each one does. A step is added with one class here and one function there.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NeighbouringSlices(_Step):
    """Show each slice of a volume with those before and after it, as channels; the first step or none.

    Channels go slice by slice, in the order of the volume; beyond its ends the last slice is repeated. The
    anomaly map is that of the slice itself, which has `before` others before it.
    """

    name: Literal["neighbouring_slices"] = "neighbouring_slices"
    before: int = Field(default=1, ge=0, le=32)
    after: int = Field(default=1, ge=0, le=32)


class Voi(_Step):
    """Map to [0, 1] as the file's own VOI window or LUT says (PS3.3 C.11.2); min to max where it has none."""

    name: Literal["voi"] = "voi"


class FixedWindow(_Step):
    """Map to [0, 1] by one window for all images, in the unit of the rescaled values (HU for CT)."""

    name: Literal["window"] = "window"
    center: float
    width: float = Field(ge=1)


class CropBorder(_Step):
    """Cut `fraction` of the height off at top and bottom, and of the width off at both sides."""

    name: Literal["crop_border"] = "crop_border"
    fraction: float = Field(gt=0, lt=0.5)


class CropToHead(_Step):
    """Cut down to the box around the head (the largest bright region) and `margin` of its sides on each."""

    name: Literal["crop_to_head"] = "crop_to_head"
    margin: float = Field(default=0.04, ge=0, le=1)


class Resize(_Step):
    """Resample to a fixed size with an antialiased triangle filter; the aspect ratio is not kept."""

    name: Literal["resize"] = "resize"
    height: int = Field(ge=8, le=4096)
    width: int = Field(ge=8, le=4096)


class PercentileStretch(_Step):
    """Map the `low` and `high` percentiles of the slice to 0 and 1 and clip there."""

    name: Literal["percentile_stretch"] = "percentile_stretch"
    low: float = Field(default=1.0, ge=0, lt=100)
    high: float = Field(default=99.0, gt=0, le=100)


class ContrastNormalise(_Step):
    """Take the slice's mean off, divide by its mean absolute deviation, map `low` to 0 and `high` to 1, clip.

    One mean over all channels. The global contrast normalisation of Deep SVDD's authors, who measure `low`
    and `high` on the training normals and do not clip.
    """

    name: Literal["contrast_normalise"] = "contrast_normalise"
    low: float = -3.0
    high: float = 3.0

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low is {self.low:g}, not below high, {self.high:g}")
        return self


class Clahe(_Step):
    """Contrast limited adaptive histogram equalisation on `tiles` x `tiles` tiles; input in [0, 1]."""

    name: Literal["clahe"] = "clahe"
    tiles: int = Field(default=8, ge=1, le=64)
    clip_limit: float = Field(default=0.01, gt=0, le=1)


class RobustZInMask(_Step):
    """Robust z (median and MAD inside the eroded head mask), clipped to ±limit and mapped to [0, 1].

    Outside the mask the value is 0, and the anomaly map too.
    """

    name: Literal["robust_z_in_mask"] = "robust_z_in_mask"
    erode: int = Field(default=5, ge=0)
    limit: float = Field(default=4.0, gt=0)


Step = Annotated[
    NeighbouringSlices
    | Voi
    | FixedWindow
    | CropBorder
    | CropToHead
    | Resize
    | PercentileStretch
    | ContrastNormalise
    | Clahe
    | RobustZInMask,
    Field(discriminator="name"),
]


def _neighbours_come_first(chain: tuple[Step, ...]) -> tuple[Step, ...]:
    if any(isinstance(step, NeighbouringSlices) for step in chain[1:]):
        raise ValueError("neighbouring_slices must be the first step: the others know one slice alone")
    return chain


Chain = Annotated[tuple[Step, ...], AfterValidator(_neighbours_come_first)]
"""The steps of a manifest, in order."""


def slices_at_once(chain: tuple[Step, ...]) -> int:
    """How many slices of a volume the network sees together."""
    return 1 + sum(step.before + step.after for step in chain[:1] if isinstance(step, NeighbouringSlices))
