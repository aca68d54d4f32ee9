"""Steps a second of f-AnoGAN's two stages: this project's loop beside a plain one with the same networks.

The plain loop is written as public code for f-AnoGAN and WGAN-GP is: a data loader, images channels first,
the generator's graph kept through the critic's turn, real and fake images one after the other, gradients of
networks that do not step, doubling and mean pooling beside the convolutions that ours are folded into (the
networks compute the same, of the same weights). Both train on the same random images, in turns, in one
process; the ratio is taken in each round. A step of the GAN is a critic's, with a generator's after every
fifth. The memory is the process's, or the graphics card's, at its highest while ours trains for the first
time.

    python -m benchmarks.training --side 64 --batch-size 16
"""

import platform
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import torch
import typer
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader, TensorDataset

from models.blocks.resampling import DoubledConv, PooledConv
from models.method import InputShape
from models.methods.f_anogan import FAnoGan
from training.loop import Loop, Pace, Shown

IMAGES = 512
# Steps that are not timed: memory and kernels settle.
WARM_UP = 5


@dataclass
class Stopwatch:
    """A monitor that only looks at the clock: when each step of a stage has ended."""

    ends: dict[str, list[float]] = field(default_factory=dict)

    def begin(self, stage: str, *, total: int, done: int) -> None:  # noqa: ARG002  # the monitor's
        self._stage = stage
        self.ends[stage] = []

    def step(self, number: int, logs: Mapping[str, Tensor]) -> None:  # noqa: ARG002
        self.ends[self._stage].append(_now())

    def note(self, figures: Mapping[str, float]) -> None:
        """Nothing is said while time is taken."""

    def look(self, number: int, *, pictures: Mapping[str, Tensor], held_out_score: float | None) -> None:
        """Nothing is looked at while time is taken."""


def ours(method: FAnoGan, images: Tensor, batch_size: int) -> dict[str, float]:
    """Steps a second of both stages in the training loop."""
    watch = Stopwatch()
    nobody = images[:0]
    with TemporaryDirectory() as folder:
        loop = Loop(
            Fabric(accelerator="auto", devices=1),
            method,
            Shown(normals=images, anomalous=nobody, held_out=nobody),
            folder=Path(folder),
            pace=Pace(batch_size, seed=0, checkpoint_every=10**9),
        )
        loop.run(watch, resume=False)  # type: ignore[arg-type]  # all that the loop asks of a monitor
    return {stage: _rate(watch.ends[stage]) for stage in ("gan", "encoder")}


def plain(method: FAnoGan, images: Tensor, batch_size: int) -> dict[str, float]:
    """Steps a second of both stages, written the usual way."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    _unfold(method)
    method = method.to(device).train()
    loader = DataLoader(TensorDataset(images), batch_size=batch_size, shuffle=True, drop_last=True)
    gan = _train(loader, method.options.gan_steps, device, _plain_gan(method))
    encoder = _train(loader, method.options.encoder_steps, device, _plain_encoder(method))
    return {"gan": gan, "encoder": encoder}


def _unfold(module: nn.Module) -> None:
    """Put a plain convolution and its change of scale in the place of every folded one, with its weights."""
    for name, child in module.named_children():
        if isinstance(child, PooledConv | DoubledConv):
            plain = nn.Conv2d(
                child.in_channels, child.out_channels, 3, padding=1, bias=child.bias is not None
            )
            plain.load_state_dict(child.state_dict())
            is_pooled = isinstance(child, PooledConv)
            parts = (plain, nn.AvgPool2d(2)) if is_pooled else (nn.Upsample(scale_factor=2.0), plain)
            setattr(module, name, nn.Sequential(*parts))
        else:
            _unfold(child)


def _train(loader: DataLoader[tuple[Tensor, ...]], steps: int, device: torch.device,
           step: Callable[[Tensor, int], None]) -> float:  # fmt: skip
    ends: list[float] = []
    while len(ends) < steps:
        for (batch,) in loader:
            step(batch.to(device) * 2 - 1, len(ends))
            ends.append(_now())
            if len(ends) == steps:
                break
    return _rate(ends)


def _plain_gan(method: FAnoGan) -> Callable[[Tensor, int], None]:
    options, generator, critic = method.options, method.gan.generator, method.gan.critic
    critic_optimizer = Adam(critic.parameters(), lr=options.learning_rate, betas=(0.0, 0.9))
    generator_optimizer = Adam(generator.parameters(), lr=options.learning_rate, betas=(0.0, 0.9))

    def step(real: Tensor, number: int) -> None:
        critic_optimizer.zero_grad()
        fake = generator(torch.randn(len(real), options.latent, device=real.device))
        on_real, on_fake = critic(real), critic(fake.detach())
        penalty = _plain_penalty(critic, real.data, fake.data)
        loss = -on_real.mean() + on_fake.mean() + options.penalty * penalty
        loss.backward()
        critic_optimizer.step()
        loss.item()
        if (number + 1) % options.critic_turns == 0:
            generator_optimizer.zero_grad()
            fake = generator(torch.randn(len(real), options.latent, device=real.device))
            loss = -critic(fake).mean()
            loss.backward()
            generator_optimizer.step()

    return step


def _plain_penalty(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = (share * real + (1 - share) * fake).requires_grad_(True)
    seen = critic(between)
    (slope,) = torch.autograd.grad(
        seen, between, grad_outputs=torch.ones_like(seen), create_graph=True, retain_graph=True
    )
    lengths: Tensor = slope.reshape(len(slope), -1).norm(2, dim=1)
    return ((lengths - 1) ** 2).mean()


def _plain_encoder(method: FAnoGan) -> Callable[[Tensor, int], None]:
    generator, critic, encoder = method.gan.generator.eval(), method.gan.critic.eval(), method.encoder
    optimizer = Adam(encoder.parameters(), lr=method.options.encoder_learning_rate, betas=(0.5, 0.999))
    distance = nn.MSELoss()

    def step(real: Tensor, _number: int) -> None:
        optimizer.zero_grad()
        fake = generator(torch.tanh(encoder(real)))
        features = distance(critic.features(fake), critic.features(real))
        loss = distance(fake, real) + method.options.kappa * features
        loss.backward()
        optimizer.step()
        loss.item()

    return step


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _rate(ends: list[float]) -> float:
    return (len(ends) - WARM_UP) / (ends[-1] - ends[WARM_UP - 1])


def run(
    *,
    side: Annotated[int, typer.Option(help="Of the images.")] = 64,
    batch_size: Annotated[int, typer.Option()] = 16,
    width: Annotated[int, typer.Option(help="Of the networks.")] = 32,
    steps: Annotated[int, typer.Option(help="Timed steps of each stage in a round.")] = 20,
    rounds: Annotated[int, typer.Option()] = 5,
) -> None:
    """Print steps a second of both loops and their ratio: median, lowest and highest of the rounds."""
    options = FAnoGan.Options(width=width, least_diversity=0.0, most_distance=np.inf)
    options = replace(options, gan_steps=steps + WARM_UP, encoder_steps=steps + WARM_UP)
    shape = InputShape(1, side, side)
    images = torch.rand(IMAGES, 1, side, side, generator=torch.Generator().manual_seed(0))
    found: dict[str, list[tuple[float, float]]] = {"gan": [], "encoder": []}
    peak_mb = 0.0
    for _round in range(rounds):
        mine = ours(FAnoGan(shape, options), images, batch_size)
        peak_mb = peak_mb or _peak_mb()
        theirs = plain(FAnoGan(shape, options), images, batch_size)
        for stage, rates in found.items():
            rates.append((mine[stage], theirs[stage]))
    setting = f"{side} x {side}, batches of {batch_size}, width {width}"
    typer.echo(f"{_machine()}; {setting}; {peak_mb:.0f} MB at the most\n")
    typer.echo("| stage | steps/s, ours | steps/s, plain | ratio |\n|---|---|---|---|")
    for stage, rates in found.items():
        mine_all, theirs_all = np.array(rates).T
        columns = (_spread(values) for values in (mine_all, theirs_all, mine_all / theirs_all))
        typer.echo(f"| {stage} | " + " | ".join(columns) + " |")


def _spread(values: np.ndarray) -> str:
    return f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})"


def _peak_mb() -> float:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    # Linux counts in units of 1024 bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _machine() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{torch.get_num_threads()} threads on {platform.machine()}"


if __name__ == "__main__":
    typer.run(run)
