"""The graph of a bundle in fewer bits: int8 for processors, fp16 for graphics cards.

Source: Jacob et al., Quantization and Training of Neural Networks, 2017, https://arxiv.org/abs/1712.05877, as
ONNX Runtime does it, https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html: int8 with
a scale for each filter, ranges from the training normals; and float16 with float32 at both ends.
"""

import logging
import warnings
from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from inference.runtime import ort  # before the quantiser, which loads ONNX Runtime too
from inference.session import INPUT
from training.errors import ExportError

# So many normals tell the quantiser what values a layer takes, so many at once.
NORMALS, AT_ONCE = 256, 8


class Precision(StrEnum):
    INT8 = "int8"
    FP16 = "fp16"


def lower_precision(model: Path, out: Path, precision: Precision, normals: np.ndarray) -> None:
    """Write the graph in `model` as `out`; `normals` `(N, C, h, w)` are prepared training images.

    Raises:
        ExportError: The graph has nothing to quantise, or cannot be converted.
    """
    write = {Precision.INT8: _write_int8, Precision.FP16: _write_fp16}[precision]
    try:
        # They warn of values too small for float16, and advise: what it costs is measured.
        logging.disable(logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write(model, out, normals)
    except ExportError:
        raise
    except Exception as error:  # the converters raise whatever their own code runs into
        raise ExportError(f"the graph cannot be written in {precision}: {error}") from error
    finally:
        logging.disable(logging.NOTSET)


def _write_int8(model: Path, out: Path, normals: np.ndarray) -> None:
    layers = _layers(onnx.load(model).graph)
    if not layers:
        raise ExportError("the graph cannot be written in int8: it has no learned convolution or dense layer")
    quantization = import_module(f"{ort.__name__}.quantization")

    class Normals(quantization.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            chosen = normals[:: -(-len(normals) // NORMALS)]
            self._batches = iter(
                [chosen[start : start + AT_ONCE] for start in range(0, len(chosen), AT_ONCE)]
            )

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self._batches, None)
            return None if batch is None else {INPUT: batch}

    quantization.quantize_static(
        str(model),
        str(out),
        Normals(),
        per_channel=True,
        op_types_to_quantize=["Conv", "Gemm"],
        nodes_to_quantize=layers,
    )


def _write_fp16(model: Path, out: Path, _normals: np.ndarray) -> None:
    convert: Callable[..., Any] = import_module(
        f"{ort.__name__}.transformers.float16"
    ).convert_float_to_float16
    onnx.save(convert(onnx.load(model), keep_io_types=True), out)


def _layers(graph: onnx.GraphProto) -> list[str]:
    """Names of the layers with learned weights: a blur, one filter a channel, would only lose by rounding."""
    weights = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    found = []
    for node in graph.node:
        shape = weights.get(node.input[1]) if node.op_type in {"Conv", "Gemm"} else None
        groups = next((one.i for one in node.attribute if one.name == "group"), 1)
        if shape is not None and shape[0] > groups:
            found.append(node.name)
    return found
