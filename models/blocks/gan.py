"""A generator of normal images and its critic, trained against each other, and the gate behind them.

Source: WGAN-GP: Gulrajani et al., 2017, https://arxiv.org/abs/1704.00028; DCGAN: Radford et al., 2015,
https://arxiv.org/abs/1511.06434; GAN: Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661. With the
generator G, the critic or discriminator D and z ~ N(0, I),

    wgan_gp    D: mean D(G(z)) - mean D(x) + penalty mean (|∇D(x̃)| - 1)²    x̃ between x and G(z)
               G: -mean D(G(z)), after every `critic_turns` turns of D
    dcgan, gan D: -log s(D(x)) - log(1 - s(D(G(z)))),  G: -log s(D(G(z))), in turns; s is the sigmoid.

The average of the generator's weights over its steps: Karras et al., 2018, https://arxiv.org/abs/1710.10196.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.blocks.dcgan import DcganDiscriminator, DcganGenerator
from models.blocks.dense_gan import DenseDiscriminator, DenseGenerator
from models.blocks.wasserstein import criticise
from models.blocks.wgan import Critic, Generator, level_widths
from models.method import Batch, InputShape, Update

Kind = Literal["wgan_gp", "dcgan", "gan"]
Trunk = Critic | DcganDiscriminator | DenseDiscriminator
SAMPLES = 16
# Latent points that a walk joins, and pictures from each to the next.
STATIONS, STRIDES = 4, 4


def latent_pictures(draw: Callable[[Tensor], Tensor], points: Tensor) -> Mapping[str, Tensor]:
    """What `draw` makes of latent points `(N, latent)`: of all, and of a walk from one to the next."""
    stops = points[:STATIONS]
    shares = torch.linspace(0, 1, STRIDES + 1, device=stops.device)[:-1, None]
    walk = torch.cat([torch.lerp(stops[n], stops[n + 1], shares) for n in range(STATIONS - 1)])
    return {"samples": draw(points), "walk": draw(walk)}


class Networks(NamedTuple):
    """Makers of the three networks of a kind; the trunk takes its number of outputs."""

    generator: Callable[[], nn.Module]
    trunk: Callable[[int], Trunk]


def networks(kind: Kind, shape: InputShape, *, latent: int, width: int) -> Networks:
    """The networks of a kind; a trunk has `features` too.

    Raises:
        ValueError: They do not come in that shape.
    """
    if kind == "gan":
        return Networks(
            lambda: DenseGenerator(shape, latent, width=width),
            lambda outputs: DenseDiscriminator(shape, outputs, width=width),
        )
    if kind == "dcgan":
        return Networks(
            lambda: DcganGenerator(shape, latent, width=width),
            lambda outputs: DcganDiscriminator(shape, outputs, width=width),
        )
    widths = level_widths(shape, width)
    return Networks(lambda: Generator(shape, latent, widths), lambda outputs: Critic(shape, outputs, widths))


@dataclass(frozen=True)
class GanOptions:
    """`average` is the share of the past that the averaged generator keeps at each step, 0 for no average."""

    kind: Kind
    width: int
    latent: int
    learning_rate: float
    critic_turns: int
    penalty: float
    average: float


class Gan(nn.Module):
    """Images in [-1, 1]; the latent is N(0, I)."""

    def __init__(self, shape: InputShape, options: GanOptions) -> None:
        super().__init__()
        self.options = options
        made = networks(options.kind, shape, latent=options.latent, width=options.width)
        self.generator = made.generator()
        self.critic = made.trunk(1)
        self.averaged = (
            AveragedModel(self.generator, multi_avg_fn=get_ema_multi_avg_fn(options.average))
            if options.average
            else None
        )
        self.register_buffer("_fixed", torch.randn(SAMPLES, options.latent))
        self._fixed: Tensor

    @property
    def best(self) -> nn.Module:
        """The generator to use after training: the averaged one where there is one."""
        return self.generator if self.averaged is None else self.averaged

    def draw(self, count: int) -> Tensor:
        """Latent points `(count, latent)`."""
        return torch.randn(count, self.options.latent, device=self._fixed.device)

    def generate(self, count: int) -> Tensor:
        """Generated images `(count, C, H, W)` in [0, 1]."""
        return (self.best(self.draw(count)) + 1) / 2

    def pictures(self) -> Mapping[str, Tensor]:
        """Generated images `(B, C, H, W)` in [0, 1]: fixed samples, and a walk from one to the next."""
        with torch.no_grad():
            return latent_pictures(lambda points: (self.best(points) + 1) / 2, self._fixed)

    def optimizers(self) -> Mapping[str, Optimizer]:
        betas = (0.0, 0.9) if self.options.kind == "wgan_gp" else (0.5, 0.999)
        rate = self.options.learning_rate
        return {
            # Fused: one pass over all the weights instead of one for each of its equations.
            "critic": Adam(self.critic.parameters(), lr=rate, betas=betas, fused=True),
            "generator": Adam(self.generator.parameters(), lr=rate, betas=betas, fused=True),
        }

    def step(self, batch: Batch, number: int) -> Iterator[Update]:
        real = batch.images * 2 - 1
        with torch.no_grad():
            fake = self.generator(self.draw(len(real)))
        is_wgan = self.options.kind == "wgan_gp"
        if is_wgan:
            yield criticise(self.critic, real, fake, penalty=self.options.penalty)
        else:
            yield self._discriminate(real, fake)
        if (number + 1) % (self.options.critic_turns if is_wgan else 1) == 0:
            yield self._generate(len(real), is_wgan=is_wgan)
            self.critic.requires_grad_(True)
            if self.averaged is not None:
                self.averaged.update_parameters(self.generator)

    def _discriminate(self, real: Tensor, fake: Tensor) -> Update:
        loss = functional.softplus(-self.critic(real)).mean() + functional.softplus(self.critic(fake)).mean()
        return Update("critic", loss, {"discriminator": loss})

    def _generate(self, count: int, *, is_wgan: bool) -> Update:
        self.critic.requires_grad_(False)  # its gradients would be worked out for nothing
        seen = self.critic(self.generator(self.draw(count)))
        loss = -seen.mean() if is_wgan else functional.softplus(-seen).mean()
        return Update("generator", loss, {"generator": loss})
