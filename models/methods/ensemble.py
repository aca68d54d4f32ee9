"""Ensemble: several methods trained one after the other, their scores and maps fused in one graph.

Source: score fusion after standardisation, Aggarwal and Sathe, Theoretical Foundations and Algorithms for
Outlier Ensembles, 2015, https://doi.org/10.1145/2830544.2830549. With each member's score s_i and map m_i,
their median, robust spread and mean over the training normals, and weights w_i that sum to 1,

    score = Σ w_i asinh((s_i - median_i) / spread_i),   map = exp Σ w_i log(m_i / mean_i + 0.001).

asinh keeps one member's far tail from drowning the others. `score = "top"` takes the mean of the fused map's
highest part instead; `maps = "mean"` the arithmetic mean. The reconstruction is the first that a member has.
Members that remember training images score them too low here; only the members' balance depends on it.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.losses import top_mean_per_image
from models.method import AnomalyMethod, InputShape, Observation, Prediction, Stage

LEAST = 1e-3
TINY = 1e-12
# Scales the median absolute deviation to the standard deviation of a Gaussian.
MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class Member:
    """A registered method, its options and its weight beside the others."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    weight: float = 1.0


class Ensemble(AnomalyMethod):
    """Builds its members from `known`, the registry's other methods."""

    known: Mapping[str, type[AnomalyMethod]] = {}

    @dataclass(frozen=True)
    class Options:
        members: tuple[Member, ...] = (Member("atlas"), Member("aeu"))
        maps: Literal["geometric", "mean"] = "geometric"
        score: Literal["members", "top"] = "members"
        top_fraction: float = 0.01

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if not options.members:
            raise ValueError("an ensemble needs at least one member; set members")
        self.options = options
        self.members = nn.ModuleList(self._build(member, shape) for member in options.members)
        weights = torch.tensor([member.weight for member in options.members])
        if not (weights > 0).all():
            raise ValueError(f"weights of an ensemble are above 0; they are {weights.tolist()}")
        self._seen: list[tuple[Tensor, Tensor]] = []
        self.weights: Tensor
        self.medians: Tensor
        self.spreads: Tensor
        self.means: Tensor
        self.register_buffer("weights", weights / weights.sum())
        for name in ("medians", "spreads", "means"):
            self.register_buffer(name, torch.ones(len(weights)))

    def stages(self) -> Sequence[Stage]:
        methods: list[Any] = list(self.members)
        stages: list[Stage] = [
            dataclasses.replace(stage, name=f"{number}-{member.name}-{stage.name}")
            for number, (member, method) in enumerate(zip(self.options.members, methods, strict=True), 1)
            for stage in method.stages()
        ]
        return [*stages, Observation("balance", self.observe, self.finalize)]

    def observe(self, images: Tensor) -> None:
        scores, maps, _reconstruction = self._ask(images)
        self._seen.append((scores, maps.flatten(2).mean(dim=2)))

    def finalize(self) -> None:
        scores, means = (torch.cat(parts, dim=1) for parts in zip(*self._seen, strict=True))  # (members, N)
        self._seen.clear()
        self.medians = scores.median(dim=1).values
        deviations = (scores - self.medians[:, None]).abs()
        self.spreads = (MAD_TO_SD * deviations.median(dim=1).values).clamp(min=TINY)
        self.means = means.mean(dim=1).clamp(min=TINY)

    def forward(self, images: Tensor) -> Prediction:
        scores, maps, reconstruction = self._ask(images)
        shares = maps / self.means[:, None, None, None, None]
        weights = self.weights[:, None, None, None, None]
        if self.options.maps == "geometric":
            anomaly_map = (weights * (shares + LEAST).log()).sum(dim=0).exp()
        else:
            anomaly_map = (weights * shares).sum(dim=0)
        if self.options.score == "top":
            score = top_mean_per_image(anomaly_map, self.options.top_fraction)
        else:
            standard = (scores - self.medians[:, None]) / self.spreads[:, None]
            score = (self.weights[:, None] * standard.asinh()).sum(dim=0)
        return Prediction(score, anomaly_map, reconstruction)

    def _ask(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Every member's scores `(members, B)` and maps `(members, B, 1, H, W)`, none below 0."""
        predictions = [member(images) for member in self.members]
        drawn = [found.reconstruction for found in predictions if found.reconstruction is not None]
        scores = torch.stack([found.score for found in predictions])
        maps = torch.stack([found.anomaly_map for found in predictions]).clamp(min=0)
        return scores, maps, drawn[0] if drawn else None

    @classmethod
    def _build(cls, member: Member, shape: InputShape) -> AnomalyMethod:
        if member.name not in cls.known:
            raise ValueError(
                f"unknown member {member.name!r} of an ensemble; choose from {', '.join(sorted(cls.known))}"
            )
        method = cls.known[member.name]
        names = [option.name for option in dataclasses.fields(method.Options)]
        if unknown := sorted(set(member.options) - set(names)):
            raise ValueError(
                f"{member.name} has no option {', '.join(unknown)}; its options are {', '.join(names)}"
            )
        return method(shape, method.Options(**member.options))


def ensemble_of(methods: Mapping[str, type[AnomalyMethod]]) -> type[AnomalyMethod]:
    """An `Ensemble` whose members are chosen from `methods`."""
    return type("Ensemble", (Ensemble,), {"known": dict(methods), "__module__": __name__})
