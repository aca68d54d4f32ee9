"""A loop whose number of turns is an input, also once it has left Python.

ONNX has an operation `Loop`, and TorchScript keeps a loop that is scripted round one traced turn. Either
would unroll a plain Python loop, with its count for ever that of the export.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch._higher_order_ops.while_loop import while_loop

State = tuple[Tensor, ...]


class Loop(nn.Module):
    """Repeats `step(number, *state, *given) -> state`; `number` is an int64 scalar, counted from 0.

    Every turn returns fresh tensors of the shapes it got, batch first; `given` is what each turn sees
    too, of any shape. A loop holds no parameters of its own: `step` is a bound method of the owner.
    """

    def __init__(self, step: Callable[..., State]) -> None:
        super().__init__()
        self._step = step
        self._scripted: Any = None

    def forward(self, count: Tensor, state: State, given: State) -> State:
        """The state after `count` turns, an int64 scalar."""
        if self._scripted is not None:
            return tuple(self._scripted(count, list(state), list(given)))
        if torch.compiler.is_exporting():
            return self._exported(count, state, given)
        for number in range(int(count)):
            state = self._step(torch.tensor(number, device=count.device), *state, *given)
        return state

    def script(self, count: Tensor, state: State, given: State) -> None:
        """Replace the loop by a TorchScript one round a turn that is traced on what `forward` may be given.

        The owner's parameters are frozen, and its gradients traced: they become constants of the turn.
        """
        turn = torch.jit.trace(_Turn(self._step), (torch.zeros_like(count), list(state), list(given)))
        self._scripted = torch.jit.script(_ScriptedLoop(turn))

    def _exported(self, count: Tensor, state: State, given: State) -> State:
        def is_short(number: Tensor, *_state: Tensor) -> Tensor:
            return number < count

        def turn(number: Tensor, *state: Tensor) -> State:
            return number + 1, *self._step(number, *state, *given)

        # Clones: what a loop carries must not be what it is given as well.
        carried = (torch.zeros_like(count), *(value.clone() for value in state))
        return tuple(while_loop(is_short, turn, carried)[1:])


class _Turn(nn.Module):
    def __init__(self, step: Callable[..., State]) -> None:
        super().__init__()
        self._step = step

    def forward(self, number: Tensor, state: list[Tensor], given: list[Tensor]) -> list[Tensor]:
        return list(self._step(number, *state, *given))


class _ScriptedLoop(nn.Module):
    def __init__(self, turn: nn.Module) -> None:
        super().__init__()
        self.turn = turn

    def forward(self, count: Tensor, state: list[Tensor], given: list[Tensor]) -> list[Tensor]:
        for number in range(int(count)):
            state = self.turn(torch.tensor(number, device=count.device), state, given)
        return state
