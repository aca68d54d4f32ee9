"""A traced gradient is autograd's: in torch, in ONNX Runtime and in TorchScript, for batches of any size."""

import copy
import logging
import warnings
from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from models.blocks.autoencoder import Decoder, Encoder
from models.blocks.residual import DownBlock, UpBlock
from models.blocks.unet import UNet
from models.gradients import InputGradient
from models.method import InputShape

SHAPE = InputShape(2, 16, 16)
TOLERANCE = 1e-4


class Pieces(nn.Module):
    """Slices, a selection, a pooling, an enlargement and activations, one after another."""

    def forward(self, images: Tensor) -> Tensor:
        cut = nn.functional.silu(images[:, :, 2:-2, 4:12]) * images[:, 1:2, 4, 4:12].unsqueeze(2)
        small = nn.functional.leaky_relu(nn.functional.avg_pool2d(cut, 2) - 0.2, 0.2)
        wide = nn.functional.interpolate(small, scale_factor=2.0, mode="nearest")
        return torch.tanh(wide) + torch.sigmoid(wide) + nn.functional.softplus(wide) + nn.functional.elu(wide)


def strided() -> nn.Module:
    """Strides that skip pixels, holes, groups and output padding."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=2, dilation=2, groups=2),
        nn.Conv2d(4, 6, 2, stride=3),
        nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1, groups=2),
        nn.LayerNorm([4, 6, 6]),
        nn.InstanceNorm2d(4),
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "autoencoder": lambda: nn.Sequential(Encoder(SHAPE, 4, width=4), Decoder(SHAPE, 4, 2, width=4)),
    "pieces": Pieces,
    "residual": lambda: nn.Sequential(DownBlock(2, 4), UpBlock(4, 3)),
    "strided": strided,
    "u_net": lambda: UNet(2, 2, width=4, depth=1),
}


class Owner(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.gradient = InputGradient(self.energy)

    def energy(self, images: Tensor, weights: Tensor) -> Tensor:
        return torch.sin(self.network(images)).flatten(1).sum(dim=1) * weights[:, 0]

    def forward(self, images: Tensor, weights: Tensor) -> Tensor:
        return self.gradient(images, weights)


@pytest.fixture(scope="module", params=NETWORKS)
def owner(request: pytest.FixtureRequest) -> Owner:
    torch.manual_seed(0)
    return Owner(NETWORKS[request.param]()).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def inputs() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.rand(5, 2, 16, 16, generator=rng), torch.rand(5, 1, generator=rng)


@pytest.fixture(scope="module")
def traced(owner: Owner, inputs: tuple[Tensor, Tensor]) -> Owner:
    made = copy.deepcopy(owner)
    made.gradient.trace(*(value[:2] for value in inputs))
    return made


def differ(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("batch", [1, 5])
def test_a_traced_gradient_is_autograds(
    owner: Owner, traced: Owner, inputs: tuple[Tensor, Tensor], batch: int
):
    part = [value[:batch] for value in inputs]
    assert differ(traced(*part), owner(*part)) <= TOLERANCE


def test_onnx_runtime_computes_the_same_gradient(owner: Owner, traced: Owner, inputs: tuple[Tensor, Tensor]):
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    free = {0: torch.export.Dim("batch")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            traced, tuple(value[:2] for value in inputs), opset_version=20, dynamo=True, verbose=False,
            dynamic_shapes=(free, free),
        )  # fmt: skip
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    names = [given.name for given in session.get_inputs()]
    for batch in (1, 5):
        part = [value[:batch] for value in inputs]
        found = session.run(None, {name: value.numpy() for name, value in zip(names, part, strict=True)})
        assert differ(torch.from_numpy(np.asarray(found[0])), owner(*part)) <= TOLERANCE


def test_torchscript_computes_the_same_gradient(owner: Owner, traced: Owner, inputs: tuple[Tensor, Tensor]):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        script = torch.jit.trace(traced, tuple(value[:2] for value in inputs))
    for batch in (1, 5):
        part = [value[:batch] for value in inputs]
        assert differ(script(*part), owner(*part)) <= TOLERANCE


def square(images: Tensor) -> Tensor:
    return (images**2).sum(dim=1)


def test_the_gradient_of_a_square_is_twice_the_input_even_where_nothing_else_has_gradients():
    with torch.no_grad():
        gradient = InputGradient(square)(torch.tensor([[1.0, -3.0]]))
    assert torch.equal(gradient, torch.tensor([[2.0, -6.0]])) and not gradient.requires_grad


def test_a_copy_of_the_owner_takes_the_gradient_of_the_copys_weights():
    owner = Owner(nn.Conv2d(2, 1, 1, bias=False))
    made = copy.deepcopy(owner)
    with torch.no_grad():
        made.network.weight.zero_()
    images, weights = torch.ones(2, 2, 16, 16), torch.ones(2, 1)
    assert not made(images, weights).any() and owner(images, weights).any()


def test_a_gradient_adds_nothing_to_a_checkpoint(traced: Owner, owner: Owner):
    assert owner.state_dict().keys() == owner.network.state_dict(prefix="network.").keys()


def test_a_single_example_is_refused():
    with pytest.raises(ValueError, match="at least 2 images; there are 1"):
        InputGradient(square).trace(torch.ones(1, 3))
