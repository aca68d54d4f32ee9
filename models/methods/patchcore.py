"""PatchCore: how far each patch's features lie from the nearest of a few remembered normal patches.

Source: Roth et al., Towards Total Recall in Industrial Anomaly Detection, 2022,
https://arxiv.org/abs/2106.08265. Features of two layers, averaged over 3x3 neighbours and joined on the
finer grid, are the patches f_p; a greedy coreset of the normals' patches is the memory M. With m_p the
nearest of M, p* the patch with the largest distance, m* its nearest, and N the `neighbours` of M nearest to
m*, m* among them (equations 6 and 7),

    d_p = |f_p - m_p|,   map = d upsampled and blurred,
    score = (1 - exp |f_p* - m*| / sum over m in N of exp |f_p* - m|) d_p*.

Learns by remembering: it holds features of patches of training images. Say so in its card.

Differs from the paper: no network of ImageNet's but a small ResNet-18, trained first on the same normals by
CutPaste (https://arxiv.org/abs/2104.04015), so figures are those of domain-trained features, whose few
channels are not pooled to 1024; of more than `candidates` patches as many, drawn with a fixed seed, enter the
choice; the random projection is Gaussian; the blur's sigma of 4 pixels of 224 goes with the size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.blocks.coreset import greedy_coreset
from models.blocks.cut_paste import CutPasteTask, Place, Task
from models.blocks.features import LocalFeatures, ResNet
from models.blocks.filters import gaussian_blur
from models.method import AnomalyMethod, InputShape, Observation, Prediction, Stage

# The paper's, of 224 pixels.
BLUR = 4 / 224


class PatchCore(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`coreset` is the share of the patches that is remembered."""

        layers: tuple[int, ...] = (2, 3)
        coreset: float = 0.1
        candidates: int = 30_000
        projection: int = 128
        neighbours: int = 9
        seed: int = 0
        width: int = 16
        task: Task = "3way"
        paste: Place = "anywhere"
        learning_rate: float = 0.03
        feature_steps: int = 500

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.shape = shape
        network = ResNet(shape, width=options.width)
        self.task = CutPasteTask(network, task=options.task, place=options.paste, rate=options.learning_rate)
        grid = network.grids[min(options.layers, default=1) - 1]
        self.features = LocalFeatures(network, options.layers, grid, is_local=True)
        self._seen = torch.empty(0)
        self._lots = torch.empty(0)
        self._rng = torch.Generator()
        self.memory: Tensor
        self.near: Tensor
        self.register_buffer("memory", torch.zeros(1, self.features.channels))  # (M, features)
        # The places in the memory of each row's nearest, the row itself among them.
        self.register_buffer("near", torch.zeros(1, options.neighbours, dtype=torch.long))  # (M, neighbours)

    def stages(self) -> Sequence[Stage]:
        return [
            self.task.stage(self.options.feature_steps),
            Observation("remember", self.observe, self.finalize),
        ]

    def observe(self, images: Tensor) -> None:
        patches = self._patches(self.features(images)).flatten(0, 1)
        if len(self._seen) == 0:
            self._rng.manual_seed(self.options.seed)
            self._seen, self._lots = patches[:0], torch.empty(0)
        # Whoever keeps the lowest lots of all so far has drawn fairly, and never holds them all.
        self._lots = torch.cat([self._lots, torch.rand(len(patches), generator=self._rng)])
        kept = self._lots.argsort()[: self.options.candidates]
        self._lots = self._lots[kept]
        self._seen = torch.cat([self._seen, patches])[kept.to(patches.device)]

    def finalize(self) -> None:
        """Turn what was seen into the memory.

        Raises:
            ValueError: The memory would be smaller than a neighbourhood in it.
        """
        seen = self._seen  # (N, features)
        self._seen = seen[:0]
        count = round(self.options.coreset * len(seen))
        if count < self.options.neighbours:
            raise ValueError(
                f"patchcore needs {self.options.neighbours} neighbours in its memory; a coreset of "
                f"{self.options.coreset} of {len(seen)} patches holds {count}"
            )
        taken = greedy_coreset(seen, count, projection=self.options.projection, rng=self._rng)
        self.memory = seen[taken]
        apart = torch.cdist(self.memory, self.memory)
        self.near = torch.topk(apart, self.options.neighbours, dim=1, largest=False).indices

    def forward(self, images: Tensor) -> Prediction:
        patches = self._patches(self.features(images))  # (B, places, features)
        # |a - b|² without |a|²: the same for all of the memory, so it cannot change its order.
        order = (self.memory**2).sum(dim=1) - 2 * patches @ self.memory.T  # (B, places, M)
        nearest = order.argmin(dim=2)
        distance = ((patches - self.memory[nearest]) ** 2).sum(dim=2).sqrt()  # (B, places)
        largest, place = distance.max(dim=1, keepdim=True)
        patch = patches.gather(1, place[:, :, None].expand(-1, -1, patches.shape[2]))  # (B, 1, features)
        around = self.memory[self.near[nearest.gather(1, place)[:, 0]]]  # (B, neighbours, features)
        apart = ((patch - around) ** 2).sum(dim=2).sqrt()
        # The share of m* in the sum, so that no power is too large for a number.
        weight = 1 - torch.exp(largest[:, 0] - torch.logsumexp(apart, dim=1))
        size = (self.shape.height, self.shape.width)
        coarse = distance.unflatten(1, self.features.grid)[:, None]
        upsampled = functional.interpolate(coarse, size=size, mode="bilinear")
        anomaly_map = gaussian_blur(upsampled, BLUR * min(size))
        return Prediction(weight * largest[:, 0], anomaly_map, None)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        # The memory's length is known only after training: take the checkpoint's.
        for name in ("memory", "near"):
            if prefix + name in state_dict:
                saved = state_dict[prefix + name]
                setattr(self, name, torch.empty_like(saved, device=self.memory.device))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    @staticmethod
    def _patches(features: Tensor) -> Tensor:
        return features.flatten(2).transpose(1, 2)
