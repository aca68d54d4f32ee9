"""One-class SVM: a surface around most normals, as smooth as its kernel is wide.

Source: Schölkopf et al., Estimating the Support of a High-Dimensional Distribution, 2001,
https://doi.org/10.1162/089976601750264965. On images pooled to `size` x `size`, with multipliers a and rho of
the dual, x_i the normals and k_i = exp(-gamma |x - x_i|²),

    score = rho - sum a_i k_i,   above 0 for at most a share nu of the normals.

The literature has no map. Ours is the score's gradient times the residual to the weighted mean normal: with
x̄ = sum a_i k_i x_i / sum a_i k_i the gradient is 2 gamma (sum a_i k_i) (x - x̄), so that

    map = 2 gamma (sum a_i k_i) (x - x̄)².

Learns by remembering: it holds small pictures of the training images that bear the surface. Say so in its
card. `gamma` 0 means 1 / (numbers in a picture x their variance), scikit-learn's "scale". Of more than
`most` normals as many, evenly spaced, are learned from: the dual has a row for each pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.blocks.one_class_dual import solve_dual
from models.method import AnomalyMethod, InputShape, Observation, Prediction, Stage


class OneClassSvm(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        nu: float = 0.1
        gamma: float = 0.0
        size: int = 16
        most: int = 4000

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if shape.height % options.size or shape.width % options.size:
            raise ValueError(
                f"oc_svm needs sides that are multiples of size {options.size}; "
                f"they are {shape.height} x {shape.width}"
            )
        if not 0 < options.nu <= 1:
            raise ValueError(f"nu is a share above 0 and at most 1; it is {options.nu}")
        self.options = options
        self.shape = shape
        length = shape.channels * options.size**2
        self._seen: list[Tensor] = []
        self.mean: Tensor
        self.supports: Tensor
        self.multipliers: Tensor
        self.gamma: Tensor
        self.rho: Tensor
        self.register_buffer("mean", torch.zeros(length))
        self.register_buffer("supports", torch.zeros(1, length))  # (n, C size²), less the mean
        self.register_buffer("multipliers", torch.ones(1))
        self.register_buffer("gamma", torch.ones(()))
        self.register_buffer("rho", torch.zeros(()))

    def stages(self) -> Sequence[Stage]:
        return [Observation("surface", self.observe, self.finalize)]

    def observe(self, images: Tensor) -> None:
        self._seen.append(self._pool(images).flatten(1))

    def finalize(self) -> None:
        seen = torch.cat(self._seen).double()
        self._seen.clear()
        if len(seen) > self.options.most:
            seen = seen[torch.linspace(0, len(seen) - 1, self.options.most).long().to(seen.device)]
        # Over all numbers, not around each one's own mean.
        variance = float(seen.var(correction=0))
        gamma = self.options.gamma or (1 / (seen.shape[1] * variance) if variance > 0 else 1.0)
        mean = seen.mean(dim=0)
        centred = seen - mean
        # Around the mean, where the squares that cancel are small.
        squares = (centred**2).sum(dim=1)
        apart = (squares[:, None] + squares - 2 * centred @ centred.T).clamp(min=0)
        multipliers, rho = solve_dual(torch.exp(-gamma * apart), self.options.nu)
        bears = multipliers > 0
        self.mean = mean.to(self.mean)
        self.supports = centred[bears].to(self.supports)
        self.multipliers = multipliers[bears].to(self.multipliers)
        self.gamma = torch.full_like(self.gamma, gamma)
        self.rho = rho.to(self.rho)

    def forward(self, images: Tensor) -> Prediction:
        pooled = self._pool(images)
        query = pooled.flatten(1) - self.mean
        squares = (query**2).sum(dim=1, keepdim=True) + (self.supports**2).sum(dim=1)
        apart = (squares - 2 * query @ self.supports.T).clamp(min=0)  # (B, n)
        logs = self.multipliers.log() - self.gamma * apart
        near = logs.exp().sum(dim=1)
        # By softmax, so that the mean stands even where every kernel is too small for a number.
        mean = torch.softmax(logs, dim=1) @ self.supports
        residual = (2 * self.gamma * near[:, None] * (query - mean) ** 2).view_as(pooled)
        size = (self.shape.height, self.shape.width)
        return Prediction(
            self.rho - near,
            functional.interpolate(residual.mean(dim=1, keepdim=True), size=size, mode="bilinear"),
            functional.interpolate((mean + self.mean).view_as(pooled), size=size, mode="bilinear"),
        )

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        # How many normals bear the surface is known only after training: take the checkpoint's.
        for name in ("supports", "multipliers"):
            if prefix + name in state_dict:
                saved = state_dict[prefix + name]
                setattr(self, name, torch.empty_like(saved, device=self.supports.device))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _pool(self, images: Tensor) -> Tensor:
        size = self.options.size
        return functional.avg_pool2d(images, (self.shape.height // size, self.shape.width // size))
