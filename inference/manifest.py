"""A bundle's manifest: everything about a trained method that is not in its graph.

Field names follow the `metadata.json` of MONAI bundles where it has one (`version`, `task`, `description`,
`authors`, `copyright`, `data_source`, `eval_metrics`, `intended_use`, `references`, `network_data_format`).
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from inference.steps import Chain, slices_at_once
from inference.volume_score import VolumeScore

# A contrast's name is the name of a form field, a file and a folder too.
CONTRAST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+]*")
INTENDED_USE = "Research use only. Not a medical device; not for diagnosis or patient care."


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorFormat(_Part):
    """One input or output of the graph; its batch axis is free."""

    num_channels: int = Field(ge=1)
    spatial_shape: tuple[int, int]  # (height, width)
    dtype: Literal["float32"] = "float32"
    value_range: tuple[float, float] | None = None


class NetworkDataFormat(_Part):
    """`controls` are further inputs, int64 scalars, each with its default: the graph runs without them."""

    inputs: dict[str, TensorFormat]
    controls: dict[str, int] = {}
    outputs: dict[str, TensorFormat]


class Range(_Part):
    low: float
    high: float


class Scope(_Part):
    """What images the bundle is for; an empty field is no condition.

    `thumbnail` is the mean of the prepared training images on a coarse grid, and `min_similarity` the
    lowest correlation with it that still counts as the same kind of picture.
    """

    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    spacing_mm: Range | None = None  # in the plane
    thumbnail: tuple[tuple[float, ...], ...] | None = None
    min_similarity: float | None = Field(default=None, ge=-1, le=1)


class Calibration(_Part):
    """Scores of held-out normals, one a patient, ascending; and the map's threshold from their pixels."""

    scores: tuple[float, ...] = Field(min_length=1)
    map_threshold: float
    map_false_alarm_rate: float = Field(gt=0, lt=1)  # share of normal pixels above map_threshold

    @model_validator(mode="after")
    def _ascending(self) -> "Calibration":
        if list(self.scores) != sorted(self.scores):
            raise ValueError("calibration.scores must be ascending")
        return self


class OperatingPoint(_Part):
    """A named limit: a score above `threshold` is flagged. None: too few normals for such a rate."""

    name: str
    false_alarm_rate: float = Field(gt=0, lt=1)
    threshold: float | None


class Metric(_Part):
    """A measured figure with its 95 % bootstrap interval by patient."""

    value: float
    low: float | None = None
    high: float | None = None


class Member(_Part):
    """A bundle that another one holds, `digest` being that of its manifest, and its weight there."""

    name: str
    version: str
    digest: str
    method: str
    weight: float = Field(gt=0)


class SmallerGraph(_Part):
    """The same graph in fewer bits, and what that costs, as measured where it was made.

    Differences are on held-out normals, as shares of the largest score and the largest value of a map; the
    AUROC is of the test split, its change beside the whole graph's a paired one.
    """

    file: str
    megabytes: float = Field(gt=0)
    whole_megabytes: float = Field(gt=0)
    graph_ms_per_image: float = Field(gt=0)  # one image at a time, on the processor
    whole_graph_ms_per_image: float = Field(gt=0)
    largest_score_difference: float = Field(ge=0)
    largest_map_difference: float = Field(ge=0)
    image_auroc: Metric | None = None
    image_auroc_change: Metric | None = None


class Example(_Part):
    """A picture of a test image with its heatmap, a file of the bundle."""

    file: str = Field(pattern=r"^example-\d+\.jpg$")
    gt_label: int = Field(ge=0, le=1)
    score: float
    percentile: float = Field(ge=0, le=100)  # among held-out normals
    caption: str


class TrainingData(_Part):
    """`images` and `patients` count the normals; few methods learn from labelled anomalous images too."""

    data_source: str
    licence: str
    attribution: str
    images: int = Field(ge=0)
    patients: int = Field(ge=0)
    labelled_anomalous: int = Field(default=0, ge=0)


def checked_contrasts(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, if each is one and they differ in more than case."""
    if wrong := [name for name in names if not CONTRAST_NAME.fullmatch(name)]:
        raise ValueError(f"the contrast {wrong[0]!r} needs a name of letters and digits")
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError(f"the contrasts {', '.join(names)} are not all different")
    return names


Contrasts = Annotated[tuple[str, ...], AfterValidator(checked_contrasts)]
"""Names of an image's channels, in order, where each is a picture of its own: FLAIR, T1."""


class Manifest(_Part):
    schema_version: Literal["1"] = "1"
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    method: str
    task: str = "Unsupervised anomaly detection"
    description: str
    authors: str
    copyright: str
    licence: str
    references: tuple[str, ...] = ()
    intended_use: str = INTENDED_USE
    network_data_format: NetworkDataFormat
    contrasts: Contrasts = ()  # several: an image comes as one file, or series, for each
    preprocessing: Chain
    members: tuple[Member, ...] = ()  # the bundles that were fused into this one
    volume_score: VolumeScore = "max"  # how slice scores make a volume's
    scope: Scope = Scope()
    calibration: Calibration
    operating_points: tuple[OperatingPoint, ...]
    default_operating_point: str
    eval_metrics: dict[str, Metric] = {}
    examples: tuple[Example, ...] = ()
    training_data: TrainingData
    selection: str = ""  # how the checkpoint was chosen, a sentence
    smaller_graphs: dict[Literal["int8", "fp16"], SmallerGraph] = {}
    graph_optimization_level: Literal["disable", "basic", "extended", "all"] = "all"
    created_at: str
    software: dict[str, str] = {}
    files: dict[str, str]  # name -> sha256

    @model_validator(mode="after")
    def _default_is_listed(self) -> "Manifest":
        names = [point.name for point in self.operating_points]
        if self.default_operating_point not in names:
            raise ValueError(f"default_operating_point {self.default_operating_point!r} is not among {names}")
        return self

    @model_validator(mode="after")
    def _contrasts_are_the_channels(self) -> "Manifest":
        if self.has_contrasts and len(self.contrasts) != self.image_channels:
            raise ValueError(
                f"{len(self.contrasts)} contrasts are named, but an image has {self.image_channels} channels"
            )
        return self

    @property
    def has_contrasts(self) -> bool:
        """Whether an image is several co-registered pictures."""
        return len(self.contrasts) > 1

    @property
    def input(self) -> TensorFormat:
        return self.network_data_format.inputs["image"]

    @property
    def image_channels(self) -> int:
        """Channels of an image itself: the network's, but for those that are neighbouring slices."""
        return self.input.num_channels // slices_at_once(self.preprocessing)
