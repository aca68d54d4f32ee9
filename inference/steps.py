"""The named preprocessing steps of a manifest: their parameters, nothing else.

`inference.preprocess` holds what each one does to a slice, `inference.view` what those that come first do to
a whole volume. A step is added with one class here and one function there.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reorient(_Step):
    """Cut the volume into slices of another plane, by the patient's axes, whatever plane it was scanned in.

    The nearest of the volume's own axes are taken: nothing is interpolated, an oblique one stays oblique.
    Axial slices run from the feet up and show left on the right and front on top; coronal ones run from
    front to back, sagittal ones from right to left, both with the head up.
    """

    name: Literal["reorient"] = "reorient"
    plane: Literal["axial", "coronal", "sagittal"] = "axial"


class Resample(_Step):
    """Bring the voxels to a size in millimetres, along the volume's own axes.

    `between_mm` None leaves the distance of slices as it is; a picture of a single slice has none.
    """

    name: Literal["resample"] = "resample"
    in_plane_mm: float = Field(ge=0.05, le=50)
    between_mm: float | None = Field(default=None, ge=0.05, le=50)
    interpolation: Literal["nearest", "linear", "cubic"] = "linear"
    antialias: bool = True  # nearest has none


class Mask(_Step):
    """Look at one region alone: outside it is the volume's lowest value, and the anomaly map is 0.

    Slices that hold nothing of the region are not scored. `inference.region` says how each is found; `brain`
    is a rule of thumb for MR, no skull-stripping.
    """

    name: Literal["mask"] = "mask"
    region: Literal["head", "body", "brain"]


class Slab(_Step):
    """Score some of the slices only.

    `start` and `stop` are shares of the extent of the mask, or of the volume where the chain has none; with
    the unit mm they count from its first slice, or back from its last if negative; with lps_mm they are the
    patient's own coordinate along the slices, which says something of registered volumes only.
    """

    name: Literal["slab"] = "slab"
    unit: Literal["fraction", "mm", "lps_mm"] = "fraction"
    start: float | None = None
    stop: float | None = None
    stride: int = Field(default=1, ge=1, le=100)

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        ends = [end for end in (self.start, self.stop) if end is not None]
        if self.unit == "fraction" and not all(0 <= end <= 1 for end in ends):
            raise ValueError(f"a fraction of the extent lies from 0 to 1, not {self.start} to {self.stop}")
        have_one_origin = self.unit != "mm" or len({end < 0 for end in ends}) == 1
        if len(ends) == 2 and have_one_origin and ends[0] >= ends[1]:
            raise ValueError(f"start is {ends[0]:g}, not below stop, {ends[1]:g}")
        return self


class NeighbouringSlices(_Step):
    """Show each slice of a volume with those before and after it, as channels; before all steps of slices.

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
    """Robust z (median and MAD inside the eroded mask), clipped to ±limit and mapped to [0, 1].

    The mask is that of the step `mask`, or of the slice's head where the chain has none. Outside it the value
    is 0, and the anomaly map too.
    """

    name: Literal["robust_z_in_mask"] = "robust_z_in_mask"
    erode: int = Field(default=5, ge=0)
    limit: float = Field(default=4.0, gt=0)


VolumeStep = Reorient | Resample | Mask | Slab
"""The steps of a whole volume, in the only order in which they may come."""

Step = Annotated[
    VolumeStep
    | NeighbouringSlices
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

# Those that come first, each once at most.
_FIRST = (Reorient, Resample, Mask, Slab, NeighbouringSlices)


def _volumes_come_first(chain: tuple[Step, ...]) -> tuple[Step, ...]:
    ranks = [_FIRST.index(type(step)) if isinstance(step, _FIRST) else len(_FIRST) for step in chain]
    for before, after, step in zip(ranks, ranks[1:], chain[1:], strict=False):
        if after < len(_FIRST) and after <= before:
            raise ValueError(
                f"{step.name} must come before all steps of single slices, once: first come reorient, "
                f"resample, mask, slab and neighbouring_slices, in this order"
            )
    return chain


Chain = Annotated[tuple[Step, ...], AfterValidator(_volumes_come_first)]
"""The steps of a manifest, in order."""


def volume_steps(chain: Sequence[Step]) -> tuple[VolumeStep, ...]:
    """The steps that a volume goes through before its slices do."""
    return tuple(step for step in chain if isinstance(step, VolumeStep))


def slice_steps(chain: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(step for step in chain if not isinstance(step, VolumeStep | NeighbouringSlices))


def neighbours(chain: Sequence[Step]) -> tuple[int, int]:
    """How many slices before and after each the network sees with it."""
    asked = [step for step in chain if isinstance(step, NeighbouringSlices)]
    return (asked[0].before, asked[0].after) if asked else (0, 0)


def slices_at_once(chain: Sequence[Step]) -> int:
    """How many slices of a volume the network sees together."""
    return 1 + sum(neighbours(chain))
