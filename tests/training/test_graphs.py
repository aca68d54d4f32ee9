"""Every registered method, trained, says in ONNX Runtime and in TorchScript what it says in torch."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from inference.bundle import MODEL, TORCHSCRIPT, largest_difference
from inference.session import Session
from models.method import AnomalyMethod, Prediction
from models.registry import METHODS
from tests.models.tiny_methods import normals, shape_of, train, with_lesion
from training.graph import (
    TOLERANCE,
    read_controls,
    read_torchscript,
    refer,
    reference_images,
    write_onnx,
    write_torchscript,
)

pytestmark = pytest.mark.parametrize("name", METHODS, scope="module")


@dataclass(frozen=True)
class Exported:
    method: AnomalyMethod
    pictures: torch.Tensor  # (2, C, 64, 64)
    model: Path
    script: Path
    differences: tuple[float, float]  # to torch, of ONNX Runtime and of TorchScript


@pytest.fixture(scope="module")
def exported(name: str, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    method, shape, folder = train(name), shape_of(name), tmp_path_factory.mktemp(name)
    pictures = with_lesion(normals(2, seed=6, channels=shape.channels))
    made_up = reference_images(shape, normals(32, channels=shape.channels).numpy())
    reference = refer(method, np.concatenate([made_up, pictures.numpy()]))
    model, script = folder / MODEL, folder / TORCHSCRIPT
    differences = write_onnx(method, reference, model), write_torchscript(method, reference, script)
    return Exported(method, pictures, model, script, differences)


def steered(method: AnomalyMethod) -> dict[str, int]:
    """Other controls than the defaults, few steps among them."""
    return {name: 3 if name == "steps" else default + 1 for name, default in method.controls().items()}


def expected(exported: Exported) -> Prediction:
    controls = steered(exported.method).values()
    return exported.method(exported.pictures, *(torch.tensor(value) for value in controls))


def test_score_map_and_reconstruction_agree_alone_and_in_a_batch(name: str, exported: Exported):
    assert max(exported.differences) <= TOLERANCE


def test_the_graph_agrees_when_it_is_steered(name: str, exported: Exported):
    found = Session(exported.model).run(exported.pictures.numpy(), controls=steered(exported.method))
    score, anomaly_map, _reconstruction = expected(exported)
    assert largest_difference(found.score, score.numpy()) <= TOLERANCE
    assert largest_difference(found.anomaly_map, anomaly_map[:, 0].numpy()) <= TOLERANCE


def test_torchscript_agrees_when_it_is_steered(name: str, exported: Exported):
    found = read_torchscript(exported.script)(exported.pictures, **steered(exported.method))
    score, anomaly_map, _reconstruction = expected(exported)
    assert largest_difference(found[0].numpy(), score.numpy()) <= TOLERANCE
    assert largest_difference(found[1].numpy(), anomaly_map.numpy()) <= TOLERANCE


def test_the_graph_keeps_the_methods_controls_and_nothing_else_is_asked_for(name: str, exported: Exported):
    inputs = [value.name for value in onnx.load(exported.model).graph.input]
    assert inputs == ["image", *exported.method.controls()]
    assert read_controls(exported.model) == exported.method.controls()


def test_the_graph_tells_nothing_of_the_machine_that_made_it(name: str, exported: Exported):
    model = onnx.load(exported.model)
    for weights in model.graph.initializer:
        weights.ClearField("raw_data")  # chance could write anything there
    text = model.SerializeToString()
    assert b".py" not in text and str(Path.cwd()).encode() not in text
    assert model.opset_import[0].version == 20


def test_the_torchscript_tells_nothing_of_the_machine_that_made_it(name: str, exported: Exported):
    with zipfile.ZipFile(exported.script) as archive:
        texts = [archive.read(entry) for entry in archive.namelist()]
    for place in (Path.cwd(), Path(torch.__file__).parent):
        assert not any(str(place).encode() in text for text in texts)
