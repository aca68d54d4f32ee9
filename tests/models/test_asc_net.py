import pytest
import torch

from models.method import Batch, Descent, InputShape, Update
from models.methods.asc_net import AscNet


def build(**options: object) -> AscNet:
    torch.manual_seed(0)
    chosen = AscNet.Options(width=2, depth=2, critic_width=2, **options)  # type: ignore[arg-type]
    return AscNet(InputShape(1, 16, 16), chosen).eval()


def images() -> torch.Tensor:
    return torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def updates(method: AscNet) -> list[Update]:
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    torch.manual_seed(1)
    return list(stage.step(Batch(images(), torch.zeros(2)), 4))


def test_wall_and_rest_are_the_whole_image():
    prediction = build()(images())
    assert prediction.reconstruction is not None
    torch.testing.assert_close(prediction.reconstruction + prediction.anomaly_map, images())


def test_black_has_nothing_to_cut():
    assert not build()(torch.zeros(1, 1, 16, 16)).anomaly_map.any()


def test_the_cutter_steps_after_every_fifth_critic_step():
    [stage] = build().stages()
    assert isinstance(stage, Descent)
    turns = [[u.optimizer for u in stage.step(Batch(images(), torch.zeros(2)), n)] for n in (3, 4)]
    assert turns == [["critic"], ["critic", "cutter"]]


def test_the_loss_weighs_the_reconstruction():
    once, thrice = (updates(build(residual_weight=weight))[1] for weight in (1.0, 3.0))
    torch.testing.assert_close(thrice.logs["residual"], 3 * once.logs["residual"])
    torch.testing.assert_close(thrice.loss, thrice.logs["residual"] + thrice.logs["adversarial"])


def test_the_critic_holds_walls_against_plain_normals():
    method, shown = build(), []
    method.critic.register_forward_pre_hook(lambda _module, given: shown.append(given[0].detach()))
    updates(method)
    wall, reference = shown[0].chunk(2)
    assert torch.equal(reference, images())
    assert (wall <= 1).all() and not torch.equal(wall, reference)


@pytest.mark.parametrize("side", [24, 40])
def test_sides_that_do_not_halve_are_refused(side: int):
    with pytest.raises(ValueError, match=f"multiples of 16; they are {side} x {side}"):
        AscNet(InputShape(1, side, side), AscNet.Options())
