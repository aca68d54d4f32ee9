"""Makes `blur_residual.onnx`: the smallest graph that keeps the contract of a bundle's.

score = mean |image - blurred|, anomaly_map = |image - blurred|, its mean over any number of channels,
reconstruction = blurred, where the blur is the mean of 3 x 3 pixels (of those inside, at the border). Run it
with the package `onnx` to make the file again.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

GRAPH = Path(__file__).with_name("blur_residual.onnx")


def make_graph() -> onnx.ModelProto:
    picture = ["batch", "channels", "height", "width"]
    plane = ["batch", 1, "height", "width"]
    nodes = [
        helper.make_node(
            "AveragePool", ["image"], ["reconstruction"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]
        ),
        helper.make_node("Sub", ["image", "reconstruction"], ["residual"]),
        helper.make_node("Abs", ["residual"], ["size"]),
        helper.make_node("ReduceMean", ["size", "channel_axis"], ["anomaly_map"], keepdims=1),
        helper.make_node("ReduceMean", ["anomaly_map", "axes"], ["score"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "blur_residual",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, picture)],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch"]),
            helper.make_tensor_value_info("anomaly_map", TensorProto.FLOAT, plane),
            helper.make_tensor_value_info("reconstruction", TensorProto.FLOAT, picture),
        ],
        [
            helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
            helper.make_tensor("channel_axis", TensorProto.INT64, [1], [1]),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


if __name__ == "__main__":
    onnx.save(make_graph(), GRAPH)
