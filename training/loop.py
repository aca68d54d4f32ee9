"""The one training loop: every method's stages, on any device, from a checkpoint or from the start."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import Optimizer

from models.method import AnomalyMethod, Batch, Descent, Observation, Stage, Update
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, take_checkpoint
from training.monitor import Monitor
from training.sampler import Sampler
from training.selection import Selection, forget

# Enough held-out normals for a curve; all of them are for the calibration.
LOOK_AT = 64
OBSERVE_AT_ONCE = 64


@dataclass(frozen=True)
class Pace:
    """`checkpoint_every` is counted in steps; `is_selected` keeps the best of those of the last stage."""

    batch_size: int
    seed: int
    checkpoint_every: int
    is_selected: bool = False


@dataclass(frozen=True)
class Shown:
    """Prepared images `(N, C, H, W)`.

    `anomalous`, labelled so, join the batches and are never observed; `held_out` are normals that are looked
    at now and then, and never trained on. Both may be empty.
    """

    normals: Tensor
    anomalous: Tensor
    held_out: Tensor


class Loop:
    """Trains one method on images that stay on the device."""

    def __init__(
        self, fabric: Fabric, method: AnomalyMethod, shown: Shown, *, folder: Path, pace: Pace
    ) -> None:
        self._fabric = fabric
        # Convolutions run faster channels-last, on a CPU as on a GPU.
        layout = torch.channels_last
        self._method = method.to(fabric.device)
        self._method.to(memory_format=layout)  # type: ignore[call-overload]  # torch's stubs lack it
        images = torch.cat([shown.normals, shown.anomalous])
        self._batched = images.to(fabric.device).contiguous(memory_format=layout)
        self._images = self._batched[: len(shown.normals)]
        self._labels = torch.zeros(len(self._batched), device=fabric.device)
        self._labels[len(self._images) :] = -1
        held_out = shown.held_out if pace.is_selected else shown.held_out[:LOOK_AT]
        held_out = held_out.to(fabric.device).contiguous(memory_format=layout)
        self._selection = Selection(held_out, folder) if pace.is_selected else None
        self._held_out = held_out[:LOOK_AT]
        self._folder = folder
        self._pace = pace
        # Every process draws its own batches, and its own noise.
        self._seed = pace.seed + 1_000_003 * fabric.global_rank
        self._sampler = Sampler(len(self._batched), pace.batch_size, seed=self._seed)
        torch.manual_seed(self._seed)

    def run(self, monitor: Monitor, *, resume: bool) -> None:
        """Train to the end of the last stage, from the folder's checkpoint if asked and there is one."""
        checkpoint = load_checkpoint(self._folder) if resume else None
        if checkpoint is not None:
            self._restore(checkpoint)
        else:
            if self._fabric.global_rank == 0:
                forget(self._folder)
            self._save(0, 0, {})  # a method without stages is trained by now
        stages = self._method.stages()
        for index, stage in enumerate(stages):
            if checkpoint is None or index >= checkpoint.stage:
                self._run_stage(index, stage, monitor, checkpoint)
                checkpoint = None
        self._method.eval()

    def _run_stage(self, index: int, stage: Stage, monitor: Monitor, checkpoint: Checkpoint | None) -> None:
        if isinstance(stage, Observation):
            self._observe(stage, monitor)
        else:
            self._descend(index, stage, monitor, checkpoint)
        self._save(index + 1, 0, {})

    def _restore(self, checkpoint: Checkpoint) -> None:
        self._method.load_state_dict(dict(checkpoint.method))
        if self._fabric.world_size == 1:
            self._sampler.restore(dict(checkpoint.sampler))
            checkpoint.restore_rng()
            return
        # The checkpoint is the first process's: the others would draw the same batches as it.
        torch.manual_seed(self._seed + checkpoint.number)
        self._sampler = Sampler(
            len(self._batched), self._pace.batch_size, seed=self._seed + checkpoint.number
        )

    def _observe(self, stage: Observation, monitor: Monitor) -> None:
        self._method.eval()
        monitor.begin(stage.name, total=len(self._images), done=0)
        with torch.no_grad():
            done = 0
            for part in self._images.split(OBSERVE_AT_ONCE):
                stage.observe(part)
                done += len(part)
                monitor.step(done - 1, {})
        monitor.note(stage.finalize() or {})

    def _descend(self, index: int, stage: Descent, monitor: Monitor, checkpoint: Checkpoint | None) -> None:
        optimizers = stage.optimizers()
        wrapped = {name: self._fabric.setup_optimizers(optimizer) for name, optimizer in optimizers.items()}
        groups = [group for optimizer in optimizers.values() for group in optimizer.param_groups]
        rates = [group["lr"] for group in groups]
        start = 0 if checkpoint is None else checkpoint.number
        if checkpoint is not None and start > 0:
            for name, state in checkpoint.optimizers.items():
                optimizers[name].load_state_dict(state)
            groups = [group for optimizer in optimizers.values() for group in optimizer.param_groups]
            if self._fabric.world_size == 1:
                checkpoint.restore_rng()  # `optimizers` may have drawn numbers that it drew before
        selection = self._selection if index == len(self._method.stages()) - 1 else None
        monitor.begin(stage.name, total=stage.steps, done=start)
        for number in range(start, stage.steps):
            self._method.train()
            for group, rate in zip(groups, rates, strict=True):
                group["lr"] = rate * stage.schedule(number / stage.steps)
            monitor.step(number, self._step(stage, number, wrapped))
            is_checkpoint = (number + 1) % self._pace.checkpoint_every == 0
            if selection is not None and (is_checkpoint or number + 1 == stage.steps):
                self._consider(selection, number + 1, stage.steps)
            if is_checkpoint:
                self._look(monitor, index, number)
                self._save(index, number + 1, optimizers)
        if selection is not None:
            self._fabric.barrier()  # the first process has written what all of them read
            selection.restore(self._method)

    def _step(self, stage: Descent, number: int, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        indices = self._sampler.next().to(self._fabric.device)
        updates = stage.step(Batch(self._batched[indices], self._labels[indices], indices), number)
        logs: dict[str, Tensor] = {}
        while (update := self._next(updates)) is not None:
            optimizer = optimizers[update.optimizer]
            optimizer.zero_grad()
            self._fabric.backward(update.loss)
            self._average_gradients(optimizer)
            optimizer.step()
            logs.update(update.logs)
        return logs

    def _next(self, updates: Iterator[Update]) -> Update | None:
        """Resume the stage's step, its forward passes in the run's precision."""
        with self._fabric.autocast():
            return next(updates, None)

    def _average_gradients(self, optimizer: Any) -> None:
        # Not DDP: it wants one forward of one module a step, and these have several, in turns.
        if self._fabric.world_size == 1:
            return
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad = self._fabric.all_reduce(parameter.grad, reduce_op="mean")

    def _look(self, monitor: Monitor, index: int, number: int) -> None:
        if self._fabric.global_rank != 0:
            return
        self._method.eval()
        # Before the statistics that its score needs a method has none.
        has_score = all(isinstance(stage, Descent) for stage in self._method.stages()[index:])
        with torch.no_grad():
            is_seen = has_score and len(self._held_out) > 0
            score = float(self._method(self._held_out).score.mean()) if is_seen else None
            monitor.look(number, pictures=self._method.pictures(), held_out_score=score)

    def _consider(self, selection: Selection, step: int, steps: int) -> None:
        if self._fabric.global_rank == 0:
            selection.consider(self._method.eval(), step=step, steps=steps)

    def _save(self, stage: int, number: int, optimizers: Mapping[str, Optimizer]) -> None:
        if self._fabric.global_rank == 0:
            state = take_checkpoint(stage, number, self._method, optimizers, self._sampler.state())
            save_checkpoint(self._folder, state)
