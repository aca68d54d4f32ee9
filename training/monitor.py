"""What a person sees of a run: progress bars with losses and time left, and TensorBoard."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

# Averaged over about so many steps: single losses of a GAN jump too much to be read.
SMOOTHING = 20
SCALARS_EVERY = 10


class Monitor:
    """Bars on standard error, curves in the run's folder; a silent one for the ranks beyond the first."""

    def __init__(self, folder: Path, *, is_silent: bool) -> None:
        self._writer = None if is_silent else SummaryWriter(str(folder / "tensorboard"))
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=Console(stderr=True),
            disable=is_silent,
        )
        self._smooth: dict[str, float] = {}
        self._stage = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if self._writer is not None:
            self._writer.close()

    def begin(self, stage: str, *, total: int, done: int) -> None:
        self._smooth.clear()
        self._stage = stage
        self._task = self._progress.add_task(stage, total=total, completed=done, losses="")

    def step(self, number: int, logs: Mapping[str, Tensor]) -> None:
        """Note the scalars of one step."""
        for name, value in logs.items():
            scalar = float(value.detach())
            share = 1 / SMOOTHING if name in self._smooth else 1.0
            self._smooth[name] = (1 - share) * self._smooth.get(name, 0.0) + share * scalar
            if self._writer is not None and number % SCALARS_EVERY == 0:
                self._writer.add_scalar(f"{self._stage}/{name}", scalar, number)
        self._progress.update(self._task, completed=number + 1, losses=self._losses())

    def note(self, figures: Mapping[str, float]) -> None:
        """Say what a stage has found in the end."""
        if self._writer is None or not figures:
            return
        for name, value in figures.items():
            self._writer.add_scalar(f"{self._stage}/{name}", value)
        said = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self._progress.console.print(f"{self._stage}: {said}")

    def look(self, number: int, *, pictures: Mapping[str, Tensor], held_out_score: float | None) -> None:
        """Note what the method makes by now, and how it scores the held-out normals."""
        if self._writer is None:
            return
        if not self._progress.console.is_terminal:
            # Bars cannot be redrawn in a log: say where we are now and then.
            self._progress.console.print(f"{self._stage}: step {number + 1}  {self._losses()}")
        for name, images in pictures.items():
            self._writer.add_images(f"{self._stage}/{name}", images.clamp(0, 1), number)
        if held_out_score is not None:
            self._writer.add_scalar(f"{self._stage}/held_out_normals_score", held_out_score, number)

    def _losses(self) -> str:
        return "  ".join(f"{name} {value:.4g}" for name, value in self._smooth.items())
