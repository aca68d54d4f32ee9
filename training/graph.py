"""A trained method as one ONNX graph and as TorchScript, each held against torch."""

import copy
import logging
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from inference.bundle import largest_difference
from inference.session import INPUT, OUTPUTS, Session
from models.gradients import InputGradient
from models.loops import Loop
from models.method import AnomalyMethod, InputShape
from training.errors import ExportError

OPSET = 20
# Relative to the largest value; float32 sums in another order differ by far less.
TOLERANCE = 1e-4


class Reference(NamedTuple):
    """Fixed inputs and what the trained method says of them in torch."""

    image: np.ndarray  # (B, C, h, w)
    score: np.ndarray  # (B,)
    anomaly_map: np.ndarray  # (B, h, w)
    reconstruction: np.ndarray | None  # (B, C, h, w)


class _Graph(nn.Module):
    """The method with plain tensors out, as the exporters want it."""

    def __init__(self, method: nn.Module) -> None:
        super().__init__()
        self.method = method

    def forward(self, image: Tensor, *controls: Tensor) -> tuple[Tensor, ...]:
        return tuple(output for output in self.method(image, *controls) if output is not None)


def reference_images(shape: InputShape, normals: np.ndarray) -> np.ndarray:
    """Made-up inputs `(4, C, h, w)`: the mean normal, plain and under noise, and noise; nobody's picture."""
    rng = np.random.default_rng(0)
    mean = normals.mean(axis=0)
    coarse = rng.normal(size=(shape.channels, -(-shape.height // 8), -(-shape.width // 8)))
    smooth = np.kron(coarse, np.ones((1, 8, 8)))[:, : shape.height, : shape.width]
    rough = rng.normal(size=mean.shape)
    made = [mean, mean + 0.1 * smooth, mean + 0.1 * rough, rng.uniform(size=mean.shape)]
    return np.clip(np.stack(made), 0, 1).astype(np.float32)


def refer(method: AnomalyMethod, images: np.ndarray) -> Reference:
    """Run the method in torch."""
    with torch.no_grad():
        prediction = method.eval()(torch.from_numpy(images))
    reconstruction = prediction.reconstruction
    return Reference(
        images,
        prediction.score.numpy(),
        prediction.anomaly_map[:, 0].numpy(),
        None if reconstruction is None else reconstruction.numpy(),
    )


def write_onnx(method: AnomalyMethod, reference: Reference, path: Path) -> float:
    """Export, check and return the largest relative difference to torch, alone and in a batch.

    Raises:
        ExportError: It is above `TOLERANCE`, or the graph cannot be made.
    """
    names = [name for name, value in zip(OUTPUTS, reference[1:], strict=True) if value is not None]
    controls = dict(method.controls())
    example = (torch.from_numpy(reference.image[:2]), *map(torch.tensor, controls.values()))
    shapes: dict[str, Any] = {INPUT: {0: torch.export.Dim("batch")}}
    if controls:
        shapes["controls"] = ({},) * len(controls)
    # It warns that torchvision, which we do not use, is not there.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter warns of its own internals
            program = torch.onnx.export(
                _Graph(_with_gradients(method, example)).eval(),
                example,
                input_names=[INPUT, *controls],
                output_names=names,
                opset_version=OPSET,
                dynamo=True,
                dynamic_shapes=shapes,
                verbose=False,
            )
    except Exception as error:  # torch's exporters raise many private types
        raise ExportError(f"torch cannot export the method: {type(error).__name__}: {error}") from error
    if program is None:
        raise ExportError("torch's exporter made no program")
    model = program.model_proto
    for name, default in controls.items():
        # An input that an initializer of its name makes optional.
        model.graph.initializer.append(numpy_helper.from_array(np.array(default, np.int64), name))
    return write_model(model, reference, path)


def read_controls(path: Path) -> dict[str, int]:
    """The graph's inputs that have a default, and these."""
    graph = onnx.load(path).graph
    inputs = {value.name for value in graph.input}
    return {
        value.name: int(numpy_helper.to_array(value)) for value in graph.initializer if value.name in inputs
    }


def write_model(model: onnx.ModelProto, reference: Reference, path: Path, *, origin: str = "torch") -> float:
    """Write a graph that is made, check it and return the largest relative difference, as `write_onnx` does.

    Args:
        origin: Who computed the reference, for the sentence of the error.

    Raises:
        ExportError: It is above `TOLERANCE`.
    """
    _strip(model)
    path.write_bytes(model.SerializeToString())
    session = Session(path)
    differences = [_difference_to_onnx(session, reference, slice(0, 1))]
    differences.append(_difference_to_onnx(session, reference, slice(0, None)))
    return _checked(max(differences), f"ONNX Runtime and {origin}")


def write_torchscript(method: nn.Module, reference: Reference, path: Path) -> float:
    """Trace what answers with a `Prediction`, check and return the largest relative difference to torch.

    A method's controls stay arguments after the images, Python's whole numbers with their defaults.

    Raises:
        ExportError: It is above `TOLERANCE`, or the method cannot be traced.
    """
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch.jit is deprecated; the artefact is for those who ask for it
        try:
            script = _script(method, torch.from_numpy(reference.image[:2]))
        except Exception as error:  # whatever a method's own code raises when its sizes are tensors
            raise ExportError(f"torch cannot trace the method: {type(error).__name__}: {error}") from error
        script.save(str(path))
        _drop_traces(path)
        score, anomaly_map, *_rest = read_torchscript(path)(torch.from_numpy(reference.image))
    return _checked(
        max(
            largest_difference(score.numpy(), reference.score),
            largest_difference(anomaly_map[:, 0].numpy(), reference.anomaly_map),
        ),
        "TorchScript and torch",
    )


def read_torchscript(path: Path) -> nn.Module:
    """A module whose answer is a tuple of plain tensors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.load(str(path))


def _script(method: nn.Module, images: Tensor) -> Any:
    controls = dict(method.controls()) if isinstance(method, AnomalyMethod) else {}
    example = (images, *map(torch.tensor, controls.values()))
    made = _with_gradients(method, example)
    for loop, given in _arguments(made, Loop, example).items():
        loop.script(*given)
    traced = torch.jit.trace(_Graph(made).eval(), example)
    if not controls:
        return traced
    # A trace knows no defaults; a module that is defined round it does.
    script = torch.jit.script(nn.ModuleDict({"traced": traced}))
    taken = "".join(f", {name}: int = {default}" for name, default in controls.items())
    handed = "".join(f", torch.tensor({name}, device={INPUT}.device)" for name in controls)
    script.define(f"def forward(self, {INPUT}: Tensor{taken}):\n  return self.traced({INPUT}{handed})\n")
    return script


def _with_gradients(method: nn.Module, example: tuple[Tensor, ...]) -> nn.Module:
    """A copy of the method whose gradients are plain operations."""
    made = copy.deepcopy(method).eval().requires_grad_(False)
    for gradient, given in _arguments(made, InputGradient, example).items():
        gradient.trace(*given)
    return made


def _arguments(
    method: nn.Module, kind: type[nn.Module], example: tuple[Tensor, ...]
) -> dict[Any, tuple[Any, ...]]:
    """What every module of the kind is first called with when the method sees the example."""
    seen: dict[Any, tuple[Any, ...]] = {}

    def remember(part: nn.Module, given: tuple[Any, ...]) -> None:
        seen.setdefault(part, given)

    parts = [module for module in method.modules() if isinstance(module, kind)]
    if not parts:
        return seen
    hooks = [part.register_forward_pre_hook(remember) for part in parts]
    images, *controls = example
    with torch.no_grad():
        method(images, *map(torch.ones_like, controls))  # one turn of a loop is enough
    for hook in hooks:
        hook.remove()
    return seen


def _drop_traces(path: Path) -> None:
    """Take the `.debug_pkl` entries, which name this machine's files, out of a TorchScript archive.

    Entries keep one fixed date, so that the same method gives the same bytes.
    """
    slim = path.with_suffix(".slim")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(slim, "w") as kept:
        for name in whole.namelist():
            if not name.endswith(".debug_pkl"):
                kept.writestr(zipfile.ZipInfo(name), whole.read(name))
    slim.replace(path)


def _difference_to_onnx(session: Session, reference: Reference, part: slice) -> float:
    output = session.run(reference.image[part])
    found = [
        largest_difference(output.score, reference.score[part]),
        largest_difference(output.anomaly_map, reference.anomaly_map[part]),
    ]
    if reference.reconstruction is not None and output.reconstruction is not None:
        found.append(largest_difference(output.reconstruction, reference.reconstruction[part]))
    return max(found)


def _checked(difference: float, runners: str) -> float:
    if not difference <= TOLERANCE:
        raise ExportError(
            f"{runners} disagree by {difference:.2g} of the largest value; {TOLERANCE:g} is allowed"
        )
    return difference


def _strip(model: onnx.ModelProto) -> None:
    """Take out what the exporter writes of this machine's paths and stack traces."""
    _strip_graph(model.graph)
    for function in model.functions:
        _strip_nodes(function.node)
    del model.metadata_props[:]


def _strip_graph(graph: onnx.GraphProto) -> None:
    _strip_nodes(graph.node)
    for value in (*graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del value.metadata_props[:]
    del graph.metadata_props[:]


def _strip_nodes(nodes: Iterable[onnx.NodeProto]) -> None:
    for node in nodes:
        del node.metadata_props[:]
        node.doc_string = ""
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:  # the body of a loop
                _strip_graph(attribute.g)
