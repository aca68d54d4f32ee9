"""How the scores and maps of several bundles become one: in numpy, in torch and as one ONNX graph.

Source: score fusion after standardisation, Aggarwal and Sathe, Theoretical Foundations and Algorithms for
Outlier Ensembles, 2015, https://doi.org/10.1145/2830544.2830549. With each member's score s_i and map m_i,
the median and the median absolute deviation of its calibration scores, its map's threshold t_i, and shares
w_i of sum 1,

    score = Σ w_i asinh((s_i - median_i) / (1.4826 MAD_i)),   map = exp Σ w_i log(max(m_i, 0) / t_i + 0.001)

or, by the arithmetic mean, map = Σ w_i max(m_i, 0) / t_i. The reconstruction is the first that a member has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from onnx.compose import add_prefix_graph
from onnx.inliner import inline_local_functions
from torch import Tensor, nn

from inference.manifest import Calibration, TensorFormat
from inference.session import INPUT, OUTPUTS, GraphOutput
from models.method import Prediction
from training.errors import ConfigError, ExportError

LEAST = 1e-3
# Scales the median absolute deviation to the standard deviation of a Gaussian.
MAD_TO_SD = 1.4826


class Maps(StrEnum):
    """Which mean of the members' maps is the fused one."""

    GEOMETRIC = "geometric"
    MEAN = "mean"


@dataclass(frozen=True)
class Balance:
    """What brings one member's scores and maps onto the scale of the others', and its share in the sum."""

    median: float
    spread: float
    scale: float
    share: float


@dataclass(frozen=True)
class Fusion:
    """One balance for each member, their shares summing to 1."""

    balances: tuple[Balance, ...]
    maps: Maps


def balance_of(calibration: Calibration, share: float) -> Balance:
    """Measure a member on its own held-out normals.

    Raises:
        ConfigError: Its calibration scores do not vary, or its map is nowhere above 0: it has no scale.
    """
    scores = np.array(calibration.scores)
    median = float(np.median(scores))
    spread = MAD_TO_SD * float(np.median(np.abs(scores - median)))
    if not spread > 0:
        raise ConfigError(f"its {len(scores)} calibration scores do not vary, so they give it no scale")
    if not calibration.map_threshold > 0:
        raise ConfigError(f"its map's threshold, {calibration.map_threshold:g}, gives its map no scale")
    return Balance(median, spread, calibration.map_threshold, share)


def fuse_outputs(outputs: Sequence[GraphOutput], fusion: Fusion) -> GraphOutput:
    """What the members say of one batch, as one; in double precision, for others to be held against."""
    score: np.ndarray = np.zeros(1)
    anomaly_map: np.ndarray = np.zeros(1)
    for output, balance in zip(outputs, fusion.balances, strict=True):
        standard = (output.score.astype(np.float64) - balance.median) / balance.spread
        score = score + balance.share * np.arcsinh(standard)
        values = np.maximum(output.anomaly_map.astype(np.float64), 0) / balance.scale
        part = np.log(values + LEAST) if fusion.maps is Maps.GEOMETRIC else values
        anomaly_map = anomaly_map + balance.share * part
    if fusion.maps is Maps.GEOMETRIC:
        anomaly_map = np.exp(anomaly_map)
    drawn = [output.reconstruction for output in outputs if output.reconstruction is not None]
    return GraphOutput(score.astype(np.float32), anomaly_map.astype(np.float32), drawn[0] if drawn else None)


class FusedModule(nn.Module):
    """The members' own TorchScript modules under the same law."""

    def __init__(self, members: Sequence[nn.Module], fusion: Fusion) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.fusion = fusion

    def forward(self, images: Tensor) -> Prediction:
        scores, maps, drawn = [], [], []
        for member, balance in zip(self.members, self.fusion.balances, strict=True):
            score, anomaly_map, *reconstruction = member(images)
            scores.append(balance.share * ((score - balance.median) / balance.spread).asinh())
            values = anomaly_map.relu() / balance.scale
            part = (values + LEAST).log() if self.fusion.maps is Maps.GEOMETRIC else values
            maps.append(balance.share * part)
            drawn += reconstruction
        fused = torch.stack(maps).sum(dim=0)  # (B, 1, H, W)
        return Prediction(
            torch.stack(scores).sum(dim=0),
            fused.exp() if self.fusion.maps is Maps.GEOMETRIC else fused,
            drawn[0] if drawn else None,
        )


def merge_graphs(
    members: Sequence[onnx.ModelProto], picture: TensorFormat, fusion: Fusion
) -> onnx.ModelProto:
    """One graph that holds the members' whole, each under a prefix, one image going into all of them.

    A member's further inputs, all with a default, stay inputs under its prefix.

    Raises:
        ExportError: The members were written for different operator sets.
    """
    opsets: dict[str, int] = {}
    fused = onnx.GraphProto(name="fused")
    size = (picture.num_channels, *picture.spatial_shape)
    fused.input.append(helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", *size]))
    drawn = []
    for number, member in enumerate(members):
        prefix = _prefix(number)
        for opset in member.opset_import:
            if opsets.setdefault(opset.domain, opset.version) != opset.version:
                raise ExportError(
                    f"the graphs were written for versions {opsets[opset.domain]} and {opset.version} of the "
                    f"operators {opset.domain or 'ai.onnx'}; export the older bundle again"
                )
        graph = _prefixed(inline_local_functions(member).graph, prefix)
        fused.node.append(helper.make_node("Identity", [INPUT], [prefix + INPUT]))
        fused.node.extend(graph.node)
        fused.initializer.extend(graph.initializer)
        fused.input.extend(value for value in graph.input if value.name != prefix + INPUT)
        drawn += [value.name for value in graph.output if value.name == prefix + OUTPUTS[2]]
    _add_law(fused, fusion)
    shapes: dict[str, list[str | int]] = {
        OUTPUTS[0]: ["batch"],
        OUTPUTS[1]: ["batch", 1, *picture.spatial_shape],
    }
    if drawn:
        fused.node.append(helper.make_node("Identity", [drawn[0]], [OUTPUTS[2]]))
        shapes[OUTPUTS[2]] = ["batch", *size]
    for name, shape in shapes.items():
        fused.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    return helper.make_model(
        fused,
        opset_imports=[helper.make_opsetid(domain, number) for domain, number in opsets.items()],
        ir_version=max(member.ir_version for member in members),
    )


def _prefix(number: int) -> str:
    return f"member{number + 1}_"


def _prefixed(graph: onnx.GraphProto, prefix: str) -> onnx.GraphProto:
    # The initializers are renamed last, too late for the body of a loop that reads one: named here first.
    names = {value.name: prefix + value.name for value in graph.initializer}
    return add_prefix_graph(graph, prefix, name_map=names)


def _add_law(graph: onnx.GraphProto, fusion: Fusion) -> None:
    """Add the nodes from the members' outputs to the fused score and map."""
    is_geometric = fusion.maps is Maps.GEOMETRIC
    scores, maps = [], []
    for number, balance in enumerate(fusion.balances):
        member, own = _prefix(number), f"balance{number + 1}_"
        constants = {
            "median": balance.median,
            "spread": balance.spread,
            "scale": balance.scale,
            "share": balance.share,
        }
        if is_geometric:
            constants["least"] = LEAST
        for name, value in constants.items():
            graph.initializer.append(helper.make_tensor(own + name, TensorProto.FLOAT, [], [value]))
        steps = [
            ("Sub", [member + OUTPUTS[0], own + "median"], "centred"),
            ("Div", [own + "centred", own + "spread"], "standard"),
            ("Asinh", [own + "standard"], "squashed"),
            ("Mul", [own + "squashed", own + "share"], "score"),
            ("Relu", [member + OUTPUTS[1]], "positive"),
            ("Div", [own + "positive", own + "scale"], "values"),
        ]
        if is_geometric:
            steps += [("Add", [own + "values", own + "least"], "above"), ("Log", [own + "above"], "log")]
        steps += [("Mul", [own + ("log" if is_geometric else "values"), own + "share"], "map")]
        graph.node.extend(helper.make_node(op, inputs, [own + output]) for op, inputs, output in steps)
        scores.append(own + "score")
        maps.append(own + "map")
    graph.node.append(helper.make_node("Sum", scores, [OUTPUTS[0]]))
    if is_geometric:
        graph.node.append(helper.make_node("Sum", maps, ["log_map"]))
        graph.node.append(helper.make_node("Exp", ["log_map"], [OUTPUTS[1]]))
    else:
        graph.node.append(helper.make_node("Sum", maps, [OUTPUTS[1]]))
