"""What the gradients of our networks are made of, in operations that export to ONNX.

Source: torch's own decompositions, https://docs.pytorch.org/docs/stable/torch.compiler_ir.html. Torch has
none that exports for the gradients below, so they are written here: a convolution's is a transposed
convolution, a transposed convolution's is a convolution, and a slice's is its place among zeros. Their
arguments are those of torch's operations.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._decomp import core_aten_decompositions, get_decompositions
from torch._ops import OpOverload
from torch.nn import functional

aten = torch.ops.aten


def export_decompositions() -> dict[OpOverload[..., Any], Callable[..., Any]]:
    """The table for `make_fx`: gradients become plain operations, what ONNX has whole stays whole."""
    table = dict(core_aten_decompositions())
    table.update(get_decompositions(_BACKWARD))
    table.update(_OURS)
    for packet in _WHOLE:
        for overload in packet.overloads():
            table.pop(getattr(packet, overload), None)
    return table


def convolution_backward(  # noqa: PLR0913, PLR0917
    gradient: Tensor,
    inputs: Tensor,
    weight: Tensor,
    _bias_sizes: list[int] | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    _output_padding: list[int],
    groups: int,
    _output_mask: list[bool],
) -> tuple[Tensor, None, None]:
    """The gradient of a convolution's inputs; its weights are frozen."""
    if transposed:
        plain = aten.convolution(gradient, weight, None, stride, padding, dilation, False, [0, 0], groups)
        return plain, None, None
    # Sizes that a stride skips are no part of any output, but of the gradient.
    skipped = [
        inputs.shape[2 + axis]
        - (
            (gradient.shape[2 + axis] - 1) * stride[axis]
            - 2 * padding[axis]
            + dilation[axis] * (weight.shape[2 + axis] - 1)
            + 1
        )
        for axis in range(len(stride))
    ]
    back = aten.convolution(gradient, weight, None, stride, padding, dilation, True, skipped, groups)
    return back, None, None


def slice_backward(
    gradient: Tensor, input_sizes: list[int], dim: int, start: int, _end: int, step: int
) -> Tensor:
    if step != 1:
        raise NotImplementedError(f"the gradient of a slice with step {step} is not written; use step 1")
    length = input_sizes[dim]
    start = start + length if start < 0 else start
    after = length - start - gradient.shape[dim]
    axis = dim % len(input_sizes)
    pads = [0, 0] * (len(input_sizes) - 1 - axis) + [start, after]
    return functional.pad(gradient, pads)


def select_backward(gradient: Tensor, input_sizes: list[int], dim: int, index: int) -> Tensor:
    axis = dim % len(input_sizes)
    index = index % input_sizes[axis]
    return slice_backward(gradient.unsqueeze(axis), input_sizes, axis, index, index + 1, 1)


def silu_backward(gradient: Tensor, inputs: Tensor) -> Tensor:
    gate = torch.sigmoid(inputs)
    return gradient * gate * (1 + inputs * (1 - gate))


def avg_pool2d_backward(
    gradient: Tensor,
    inputs: Tensor,
    kernel_size: list[int],
    stride: list[int],
    padding: list[int],
    _ceil_mode: bool,
    _count_include_pad: bool,
    _divisor_override: int | None,
) -> Tensor:
    """Of a pooling whose windows tile the image: every pixel gets its window's share."""
    size, step = _pair(kernel_size), _pair(stride or kernel_size)
    exact = all(inputs.shape[2 + axis] % size[axis] == 0 for axis in range(2))
    if step != size or any(padding) or not exact:
        raise NotImplementedError(
            "the gradient of an average pooling is written for windows that tile the image"
        )
    return _repeat_pixels(gradient, size) / (size[0] * size[1])


def upsample_nearest2d_backward(
    gradient: Tensor,
    output_size: list[int],
    input_size: list[int],
    _scales_h: float | None = None,
    _scales_w: float | None = None,
) -> Tensor:
    """Of an enlargement by whole factors: every pixel gets the sum of its copies."""
    rows, columns = output_size[0] // input_size[2], output_size[1] // input_size[3]
    if [rows * input_size[2], columns * input_size[3]] != list(output_size):
        raise NotImplementedError("the gradient of a nearest-neighbour enlargement is written for factors")
    batch, channels, height, width = input_size
    tiles = gradient.reshape(batch, channels, height, rows, width, columns)
    return tiles.sum(dim=(3, 5))


def _repeat_pixels(images: Tensor, factors: list[int]) -> Tensor:
    # Sizes are named, never -1: a size worked out from the number of elements is a constant to `torch.jit`.
    batch, channels, height, width = images.shape
    tiles = images.reshape(batch, channels, height, 1, width, 1)
    tiles = tiles.expand(batch, channels, height, factors[0], width, factors[1])
    return tiles.reshape(batch, channels, height * factors[0], width * factors[1])


def _pair(values: list[int]) -> list[int]:
    return list(values) * (2 // len(values))


# Torch's own decompositions of these export.
_BACKWARD = (
    aten._prelu_kernel_backward,
    aten._softmax_backward_data,
    aten._log_softmax_backward_data,
    aten.elu_backward,
    aten.gelu_backward,
    aten.leaky_relu_backward,
    aten.native_batch_norm_backward,
    aten.native_group_norm_backward,
    aten.native_layer_norm_backward,
    aten.sigmoid_backward,
    aten.softplus_backward,
    aten.tanh_backward,
    aten.threshold_backward,
)
_OURS: dict[OpOverload[..., Any], Callable[..., Any]] = {
    aten.avg_pool2d_backward.default: avg_pool2d_backward,
    aten.convolution_backward.default: convolution_backward,
    aten.select_backward.default: select_backward,
    aten.silu_backward.default: silu_backward,
    aten.slice_backward.default: slice_backward,
    aten.upsample_nearest2d_backward.default: upsample_nearest2d_backward,
}
# ONNX has these whole, and fast.
_WHOLE = (aten.full_like, aten.native_group_norm, aten.native_layer_norm, aten.silu)
