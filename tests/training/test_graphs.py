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
from tests.models.tiny_methods import SHAPE, normals, train, with_lesion
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

PICTURES = with_lesion(normals(2, seed=6))


@dataclass(frozen=True)
class Exported:
    method: AnomalyMethod
    model: Path
    script: Path
    differences: tuple[float, float]  # to torch, of ONNX Runtime and of TorchScript


@pytest.fixture(scope="module")
def exported(name: str, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    method, folder = train(name), tmp_path_factory.mktemp(name)
    images = np.concatenate([reference_images(SHAPE, normals(32).numpy()), PICTURES.numpy()])
    reference = refer(method, images)
    model, script = folder / MODEL, folder / TORCHSCRIPT
    differences = write_onnx(method, reference, model), write_torchscript(method, reference, script)
    return Exported(method, model, script, differences)


def steered(method: AnomalyMethod) -> dict[str, int]:
    """Other controls than the defaults, few steps among them."""
    return {name: 3 if name == "steps" else default + 1 for name, default in method.controls().items()}


def expected(method: AnomalyMethod) -> Prediction:
    return method(PICTURES, *(torch.tensor(value) for value in steered(method).values()))


def test_score_map_and_reconstruction_agree_alone_and_in_a_batch(name: str, exported: Exported):
    assert max(exported.differences) <= TOLERANCE


def test_the_graph_agrees_when_it_is_steered(name: str, exported: Exported):
    found = Session(exported.model).run(PICTURES.numpy(), controls=steered(exported.method))
    score, anomaly_map, _reconstruction = expected(exported.method)
    assert largest_difference(found.score, score.numpy()) <= TOLERANCE
    assert largest_difference(found.anomaly_map, anomaly_map[:, 0].numpy()) <= TOLERANCE


def test_torchscript_agrees_when_it_is_steered(name: str, exported: Exported):
    found = read_torchscript(exported.script)(PICTURES, **steered(exported.method))
    score, anomaly_map, _reconstruction = expected(exported.method)
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
