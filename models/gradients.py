"""A gradient by the input that inference takes and that can be exported.

Exporters cannot see through `autograd`. Before an export the gradient is therefore traced once, on made-up
images, into a graph of plain operations; until then it is autograd's.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv, StatelessSymbolicContext

from models.decompositions import export_decompositions

# Operations that take the batch's size, by names that `torch.jit` can follow a size into.
_TRACEABLE = {
    torch.ops.aten.sym_size.int: torch.Tensor.size,
    torch.ops.aten.view.default: torch.Tensor.view,
    torch.ops.aten._unsafe_view.default: torch.Tensor.reshape,
    torch.ops.aten.expand.default: torch.Tensor.expand,
    torch.ops.aten.full.default: torch.full,
    torch.ops.aten.native_group_norm.default: torch.native_group_norm,
}


class InputGradient(nn.Module):
    """Gradient of `function` by its first argument, `(B, ...)` of the same shape.

    `function` maps `(B, ...)`, and whatever else it is given, to one value an image `(B,)`. No value may
    depend on another image of the batch. It holds no parameters of its own: a bound method of the owner.
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self._function = function
        self._traced: nn.Module | None = None

    def forward(self, images: Tensor, *given: Tensor) -> Tensor:
        if self._traced is not None:
            return self._traced(images, *given)
        return self._gradient(images, *given)

    def trace(self, images: Tensor, *given: Tensor) -> None:
        """Replace autograd by a graph of plain operations, for batches of any size.

        The owner is in evaluation mode and its parameters are frozen: the graph keeps them as they are.

        Args:
            images: An example with at least two images: a batch of one would be taken for a constant.
            given: The other arguments, their first axis the batch.
        """
        if len(images) < 2:
            raise ValueError(f"a gradient is traced on at least 2 images; there are {len(images)}")
        mode = FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True)
        traced = make_fx(
            self._gradient,
            decomposition_table=export_decompositions(),
            tracing_mode="symbolic",
            _allow_non_fake_inputs=True,
        )(*(_with_free_batch(mode, example.detach()) for example in (images, *given)))
        _name_sizes(traced)
        self._traced = traced.eval()

    def _gradient(self, images: Tensor, *given: Tensor) -> Tensor:
        with torch.enable_grad():
            free = images.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(self._function(free, *given).sum(), free)
        return gradient


def _name_sizes(traced: GraphModule) -> None:
    for node in traced.graph.nodes:
        if node.op == "call_function":
            node.target = _TRACEABLE.get(node.target, node.target)
    traced.graph.eliminate_dead_code()
    traced.recompile()


def _with_free_batch(mode: FakeTensorMode, example: Tensor) -> Any:
    # Only the batch is free, and the same in all examples: "duck" sizes are one where they are equal.
    sizes = [DimDynamic.DUCK, *(DimDynamic.STATIC for _ in example.shape[1:])]
    return mode.from_tensor(example, symbolic_context=StatelessSymbolicContext(dynamic_sizes=sizes))
