from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from inference.bundle import CARD, load_bundle
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update
from models.registry import METHODS
from tests.training.tiny import SIDE, discs, tiny_config
from training.config import MethodSection
from training.export import export
from training.fit import fit, read_splits

SHORT: dict[str, dict[str, object]] = {"deep_sad": {"pretrain_steps": 2, "steps": 2}, "mean_intensity": {}}


class Witness(AnomalyMethod):
    """Learns nothing and keeps what it is shown."""

    batches: ClassVar[list[Batch]] = []
    observed: ClassVar[list[Tensor]] = []

    @dataclass(frozen=True)
    class Options:
        pass

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.batches.clear()
        self.observed.clear()

    def stages(self) -> Sequence[Stage]:
        return [
            Descent("see", 20, self._optimizers, self._step),
            Observation("look", self.observed.append, lambda: None),
        ]

    def forward(self, images: Tensor) -> Prediction:
        return Prediction(images.mean(dim=(1, 2, 3)), images[:, :1], None)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"weight": SGD([self.weight], lr=0.1)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        self.batches.append(batch)
        yield Update("weight", self.weight**2, {})


class LabelWitness(Witness):
    uses_labels: ClassVar[bool] = True


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """30 dark normals of 30 patients, and two labelled white images, one of patient p7."""
    path = tmp_path / "set.npz"
    np.savez(
        path,
        train_normal=discs(30, seed=1) // 2,
        train_name=[f"p{index}-0" for index in range(30)],
        train_anomalous=np.full((2, SIDE, SIDE), 255, np.uint8) - np.eye(SIDE, dtype=np.uint8),
        train_anomalous_name=["p7-1", "p40-0"],
    )
    return path


def show(method: type[Witness], data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "witness", method)
    fit(tiny_config(data, name="witness"), data.parent / "run", resume=False)


def test_labelled_images_join_the_batches_of_a_method_that_uses_labels(
    data: Path, monkeypatch: pytest.MonkeyPatch
):
    show(LabelWitness, data, monkeypatch)
    seen = {
        int(index): float(label)
        for batch in Witness.batches
        for index, label in zip(batch.indices, batch.labels, strict=True)
    }
    normals = len(torch.cat(Witness.observed))
    assert {index: label for index, label in seen.items() if label} == {normals: -1.0, normals + 1: -1.0}


def test_no_other_method_is_shown_a_labelled_image(data: Path, monkeypatch: pytest.MonkeyPatch):
    show(Witness, data, monkeypatch)
    assert not any(batch.labels.any() for batch in Witness.batches)
    normals = len(torch.cat(Witness.observed))
    assert max(int(batch.indices.max()) for batch in Witness.batches) == normals - 1


def test_labelled_images_are_never_observed(data: Path, monkeypatch: pytest.MonkeyPatch):
    show(LabelWitness, data, monkeypatch)
    assert len(torch.cat(Witness.observed)) == len(read_splits(tiny_config(data)).train)


def test_indices_are_places_in_the_order_of_an_observation(data: Path, monkeypatch: pytest.MonkeyPatch):
    show(Witness, data, monkeypatch)
    observed = torch.cat(Witness.observed)
    assert all(torch.equal(batch.images, observed[batch.indices]) for batch in Witness.batches)


def test_a_labelled_patient_is_never_held_out_for_the_calibration(data: Path):
    config = tiny_config(data)
    for seed in range(5):
        splits = read_splits(config.model_copy(update={"seed": seed}))
        assert "p7" not in {sample.patient for sample in splits.calibration}
        assert "p7" in {sample.patient for sample in splits.train}


@pytest.mark.parametrize(("name", "said"), [("deep_sad", 2), ("mean_intensity", 0)])
def test_a_bundle_says_how_many_labelled_images_it_has_seen(name: str, said: int, data: Path):
    config = tiny_config(data).model_copy(update={"method": MethodSection(name=name, options=SHORT[name])})
    fit(config, data.parent / "run", resume=False)
    folder = export(data.parent / "run", data.parent)
    assert load_bundle(folder).manifest.training_data.labelled_anomalous == said
    assert ("labelled anomalous images" in (folder / CARD).read_text()) == bool(said)
