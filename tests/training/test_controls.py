"""Whole numbers that steer a method stay inputs of what it is exported to, with their defaults."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from inference.bundle import MODEL, load_bundle
from inference.session import Session
from models.method import AnomalyMethod, InputShape, Prediction, Stage
from training.graph import read_controls, read_torchscript, refer, write_onnx, write_torchscript

BUNDLES = Path(__file__).parents[2] / "bundles"
IMAGES = np.random.default_rng(0).random((3, 1, 16, 16), np.float32)


class Brighter(AnomalyMethod):
    """Its map is the image and 10 steps and the seed, all added."""

    def __init__(self) -> None:
        super().__init__(InputShape(1, 16, 16), None)

    def stages(self) -> list[Stage]:
        return []

    def controls(self) -> Mapping[str, int]:
        return {"steps": 2, "seed": 5}

    def forward(self, images: Tensor, steps: Tensor | None = None, seed: Tensor | None = None) -> Prediction:
        steps = torch.tensor(2) if steps is None else steps
        seed = torch.tensor(5) if seed is None else seed
        bright = images + 10 * steps + seed
        return Prediction(bright.flatten(1).mean(dim=1), bright, None)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    path = tmp_path_factory.mktemp("controls") / MODEL
    write_onnx(Brighter(), refer(Brighter(), IMAGES), path)
    return Session(path)


def test_a_graph_runs_by_its_defaults(session: Session):
    np.testing.assert_allclose(session.run(IMAGES).anomaly_map, IMAGES[:, 0] + 25)


def test_each_control_can_be_given_alone(session: Session):
    found = session.run(IMAGES[:1], controls={"steps": 1}).anomaly_map
    np.testing.assert_allclose(found, IMAGES[:1, 0] + 15)
    found = session.run(IMAGES, controls={"seed": -7}).anomaly_map
    np.testing.assert_allclose(found, IMAGES[:, 0] + 13)


def test_a_control_that_the_graph_has_not_is_refused_with_those_that_it_has(session: Session):
    with pytest.raises(ValueError, match="no control 'stpes'; its controls: steps, seed"):
        session.run(IMAGES, controls={"stpes": 1})


def test_a_graph_without_controls_says_so(tiny_bundle):
    session = Session(tiny_bundle.folder / MODEL)
    assert session.controls == [] and tiny_bundle.manifest.network_data_format.controls == {}
    with pytest.raises(ValueError, match="no control 'steps'; its controls: none"):
        session.run(IMAGES, controls={"steps": 1})


def test_the_file_names_its_controls_and_their_defaults(tmp_path: Path):
    write_onnx(Brighter(), refer(Brighter(), IMAGES), tmp_path / MODEL)
    assert read_controls(tmp_path / MODEL) == {"steps": 2, "seed": 5}


def test_torchscript_takes_the_same_controls_by_name(tmp_path: Path):
    write_torchscript(Brighter(), refer(Brighter(), IMAGES), tmp_path / "model.ts")
    script = read_torchscript(tmp_path / "model.ts")
    images = torch.from_numpy(IMAGES)
    torch.testing.assert_close(script(images)[1], images + 25)
    torch.testing.assert_close(script(images, seed=1)[1], images + 21)


@pytest.mark.parametrize("folder", sorted(path.parent for path in BUNDLES.glob("*/manifest.json")))
def test_the_bundles_that_are_shipped_still_load(folder: Path):
    assert load_bundle(folder).manifest.network_data_format.controls == {}
