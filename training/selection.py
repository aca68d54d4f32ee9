"""Choosing a checkpoint by held-out normals, without labels: chosen on the test set, figures would flatter.

Source: Fung et al., Model Selection of Anomaly Detectors in the Absence of Labeled Validation Data, 2023,
https://arxiv.org/abs/2310.10461, who make synthetic anomalies from a few held-out normals. A method that
reconstructs is asked for the mean squared error on held-out normals. Any other is asked how often a held-out
normal scores no lower than its own copy with a foreign patch in it.
Differs from the paper: one kind of synthetic anomaly, in a fixed place; the reconstruction error is ours.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from models.method import AnomalyMethod, Descent, Stage
from training.errors import ConfigError

RECORD = "selection.json"
WEIGHTS = "selected.pt"
LAST = "The end of its schedule; no checkpoint was chosen."
# Of the held-out patients, so many select; the others calibrate.
SHARE = 1 / 3
# A foreign patch has this share of the height and the width.
PATCH = 0.25
AT_ONCE = 64
# Enough normals to tell checkpoints apart; they are asked every few hundred steps.
MOST = 256


class Selected(BaseModel):
    """The step, counted from 1, whose weights were kept; `value` is the lowest of `measure`."""

    model_config = ConfigDict(frozen=True)

    step: int
    steps: int
    measure: str
    value: float

    @property
    def sentence(self) -> str:
        return (
            f"Selected step {self.step} of {self.steps} by {self.measure} ({self.value:.4g}), who are other "
            f"patients than those of the calibration."
        )


class Selection:
    """The best weights so far of one run, in its folder; `normals` `(N, C, H, W)` train nothing."""

    def __init__(self, normals: Tensor, folder: Path) -> None:
        self._normals = normals[:: -(-len(normals) // MOST)]
        self._folder = folder

    def consider(self, method: AnomalyMethod, *, step: int, steps: int) -> None:
        """Keep the weights if they are better than those kept; called in evaluation mode."""
        measure, value = label_free_measure(method, self._normals)
        best = selected(self._folder)
        if best is None or value < best.value:
            torch.save(method.state_dict(), self._folder / WEIGHTS)
            record = Selected(step=step, steps=steps, measure=measure, value=value)
            (self._folder / RECORD).write_text(record.model_dump_json(indent=1) + "\n")

    def restore(self, method: AnomalyMethod) -> None:
        state: dict[str, Any] = torch.load(self._folder / WEIGHTS, map_location="cpu", weights_only=True)
        method.load_state_dict(state)


def forget(folder: Path) -> None:
    """Remove what an earlier run selected."""
    for name in (RECORD, WEIGHTS):
        (folder / name).unlink(missing_ok=True)


def selected(folder: Path) -> Selected | None:
    """What a run's folder says was selected; None where the last step's weights are used."""
    path = folder / RECORD
    return Selected.model_validate_json(path.read_text()) if path.is_file() else None


def sentence(folder: Path) -> str:
    """How the weights of the run in `folder` were chosen, for its card and its reports."""
    found = selected(folder)
    return LAST if found is None else found.sentence


@torch.no_grad()
def label_free_measure(method: AnomalyMethod, normals: Tensor) -> tuple[str, float]:
    """A measure's name and its value on normals `(N, C, H, W)`; lower is better."""
    predictions = [(part, method(part)) for part in normals.split(AT_ONCE)]
    if predictions[0][1].reconstruction is not None:
        squares = [((part - found.reconstruction) ** 2).flatten(1).mean(dim=1) for part, found in predictions]
        return "the reconstruction error of held-out normals", float(torch.cat(squares).mean())
    scores = torch.cat([found.score for _part, found in predictions])
    foreign = torch.cat([method(part).score for part in with_foreign_patch(normals).split(AT_ONCE)])
    missed = (foreign < scores).double() + 0.5 * (foreign == scores).double()
    return "the share of held-out normals above their copies with a foreign patch", float(missed.mean())


def with_foreign_patch(images: Tensor) -> Tensor:
    """Copies with a quarter of each side replaced by the same place of the next image, turned upside down.

    The place goes around the centre from image to image, so that no number has to be drawn.
    """
    height, width = (max(1, round(PATCH * side)) for side in images.shape[-2:])
    donors = images.roll(1, dims=0).flip(-2, -1)
    changed = images.clone()
    for index in range(len(images)):
        top = (images.shape[-2] - height) * (1 + index % 3) // 4
        left = (images.shape[-1] - width) * (1 + index // 3 % 3) // 4
        place = (index, slice(None), slice(top, top + height), slice(left, left + width))
        changed[place] = donors[place]
    return changed


def check_selectable(name: str, stages: Sequence[Stage]) -> None:
    """Refuse a method that cannot be asked while it descends.

    Raises:
        ConfigError: Its last stage is no descent, though an earlier one is.
    """
    if any(isinstance(stage, Descent) for stage in stages) and not isinstance(stages[-1], Descent):
        raise ConfigError(
            f"{name} gathers statistics after its gradient steps, and has no score to select by before; "
            f"set fit.select to last"
        )
