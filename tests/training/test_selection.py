from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from models.method import AnomalyMethod, Descent, InputShape, Observation, Prediction
from tests.training.tiny import tables, write_data
from training.checkpoint import load_checkpoint
from training.config import Config, parse_config
from training.errors import ConfigError
from training.export import export
from training.fit import fit, read_splits
from training.loop import Loop
from training.selection import (
    LAST,
    Selection,
    check_selectable,
    label_free_measure,
    selected,
    sentence,
    with_foreign_patch,
)


class Level(AnomalyMethod):
    """Reconstructs everything as `level`, if it reconstructs; scores the highest pixel's distance from it."""

    @dataclass(frozen=True)
    class Options:
        reconstructs: bool = True

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.level = nn.Parameter(torch.zeros(()))

    def stages(self):
        return []

    def forward(self, images: torch.Tensor) -> Prediction:
        distance = (images - self.level).abs()
        flat = torch.zeros_like(images) + self.level if self.options.reconstructs else None
        return Prediction(distance.flatten(1).amax(dim=1), distance, flat)


def level(value: float, *, reconstructs: bool = True) -> Level:
    method = Level(InputShape(1, 8, 8), Level.Options(reconstructs))
    method.level.data.fill_(value)
    return method


def test_a_method_that_reconstructs_is_measured_by_its_squared_error():
    measure, value = label_free_measure(level(0.25), torch.full((3, 1, 8, 8), 0.75))
    assert (measure, value) == ("the reconstruction error of held-out normals", 0.25)


def test_any_other_by_the_share_of_normals_above_their_copies_with_a_patch():
    bright, dim = torch.full((1, 1, 8, 8), 0.9), torch.full((1, 1, 8, 8), 0.1)
    # The patch in the dim one is bright, and seen; the patch in the bright one is dim, and ties.
    _measure, value = label_free_measure(level(0.0, reconstructs=False), torch.cat([bright, dim]))
    assert value == (0.5 + 0.0) / 2


def test_a_foreign_patch_is_a_quarter_of_each_side_of_the_next_image():
    images = torch.stack([torch.zeros(1, 16, 16), torch.ones(1, 16, 16)])
    changed = with_foreign_patch(images)
    assert (changed != images).flatten(1).sum(dim=1).tolist() == [16, 16]
    assert images.unique(return_counts=True)[1].tolist() == [256, 256]


def test_the_lowest_value_is_kept_and_the_first_of_equals(tmp_path: Path):
    selection = Selection(torch.full((2, 1, 8, 8), 0.5), tmp_path)
    for step, value in enumerate((0.0, 0.4, 0.6, 0.9), start=1):
        selection.consider(level(value), step=10 * step, steps=40)
    assert selected(tmp_path).step == 20
    method = level(0.0)
    selection.restore(method)
    assert float(method.level.detach()) == pytest.approx(0.4)


def test_the_sentence_names_step_and_measure(tmp_path: Path):
    assert sentence(tmp_path) == LAST
    Selection(torch.full((2, 1, 8, 8), 0.5), tmp_path).consider(level(0.0), step=1500, steps=2000)
    assert sentence(tmp_path) == (
        "Selected step 1500 of 2000 by the reconstruction error of held-out normals (0.25), who are other "
        "patients than those of the calibration."
    )


def test_statistics_after_the_last_descent_cannot_be_selected_by():
    descent = Descent("a", 1, dict, lambda *_: iter(()))
    observation = Observation("b", lambda _: None, lambda: None)
    check_selectable("x", [observation, descent])
    check_selectable("x", [observation])
    with pytest.raises(ConfigError, match="x gathers statistics after its gradient steps"):
        check_selectable("x", [descent, observation])


@pytest.fixture
def config(tmp_path: Path) -> Config:
    asked = tables(write_data(tmp_path), name="ae", width=2, latent=2, steps=10, learning_rate=0.5)
    asked["fit"]["select"] = "held_out"
    return parse_config(asked)


def test_those_who_select_neither_train_nor_calibrate(config: Config):
    splits = read_splits(config)
    parts = (splits.train, splits.calibration, splits.selection)
    patients = [{sample.patient for sample in part} for part in parts]
    # 21 of 30 patients are held out, a third of them select.
    assert [len(part) for part in patients] == [9, 14, 7]
    assert len(set.union(*patients)) == 30


def test_a_run_ends_with_the_weights_that_were_selected(config: Config, tmp_path: Path):
    fit(config, tmp_path / "run", resume=False)
    found, ended = selected(tmp_path / "run"), load_checkpoint(tmp_path / "run")
    assert found.step in (4, 8, 10)
    kept = torch.load(tmp_path / "run" / "selected.pt")
    assert all(torch.equal(kept[name], value) for name, value in ended.method.items())
    export(tmp_path / "run", tmp_path / "bundles")
    card = (tmp_path / "bundles" / "discs-1.0.0" / "card.md").read_text()
    assert f"Which weights: Selected step {found.step} of 10 by the reconstruction error" in card


def test_an_interrupted_run_selects_the_same_weights(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fit(config, tmp_path / "whole", resume=False)
    step = Loop._step

    def interrupted_step(loop: Loop, stage: object, number: int, optimizers: object) -> object:
        if number == 6:
            raise KeyboardInterrupt
        return step(loop, stage, number, optimizers)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Loop, "_step", interrupted_step)
        fit(config, tmp_path / "cut", resume=False)
    fit(config, tmp_path / "cut", resume=True)
    assert selected(tmp_path / "cut") == selected(tmp_path / "whole")


def test_a_run_without_selection_forgets_an_earlier_ones(config: Config, tmp_path: Path):
    fit(config, tmp_path / "run", resume=False)
    last = config.model_copy(update={"fit": config.fit.model_copy(update={"select": "last"})})
    fit(last, tmp_path / "run", resume=False)
    assert sentence(tmp_path / "run") == LAST
