import pytest
import torch

from models.blocks.attention import SelfAttention
from models.method import Batch, Descent, InputShape, Update
from models.methods.madgan import Madgan

SHAPE = InputShape(6, 32, 32)


def build(**options: object) -> Madgan:
    torch.manual_seed(0)
    return Madgan(SHAPE, Madgan.Options(width=2, **options)).eval()  # type: ignore[arg-type]


def stacks(count: int) -> torch.Tensor:
    return torch.rand(count, 6, 32, 32, generator=torch.Generator().manual_seed(1))


def turns(method: Madgan, number: int = 0) -> list[Update]:
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    return list(stage.step(Batch(stacks(4), torch.zeros(4)), number))


def test_attention_starts_by_changing_nothing():
    features = torch.rand(2, 16, 4, 4)
    assert torch.equal(SelfAttention(16)(features), features)


def test_without_a_preference_attention_tells_every_position_the_mean_of_all():
    attention = SelfAttention(1)
    for parameter, value in ((attention.asked, 0.0), (attention.told, 3.0), (attention.back, 2.0)):
        torch.nn.init.constant_(parameter.weight, value)
    torch.nn.init.constant_(attention.gain, 0.5)
    found = attention(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]]))
    # The mean is 3; told as 9, brought back as 18, of which half is added.
    torch.testing.assert_close(found, torch.tensor([[[[10.0, 11.0], [12.0, 15.0]]]]))


def test_attention_follows_what_is_asked():
    attention = SelfAttention(1)
    for convolution in (attention.asked, attention.asking, attention.told, attention.back):
        torch.nn.init.ones_(convolution.weight)
    torch.nn.init.ones_(attention.gain)
    found = attention(torch.tensor([[[[0.0, 2.0]]]]))
    # The position that asks with 0 hears both alike; the one that asks with 2 hears 2 in e⁴ of e⁴ + 1 parts.
    share = torch.sigmoid(torch.tensor(4.0))
    torch.testing.assert_close(found, torch.stack([torch.tensor(1.0), 2 + 2 * share]).view(1, 1, 1, 2))


@pytest.mark.parametrize(("side", "count"), [(16, 5), (8, 3), (0, 0)])
def test_attention_is_on_coarse_levels_only(side: int, count: int):
    method = Madgan(InputShape(6, 64, 64), Madgan.Options(width=2, attention_side=side))
    assert sum(isinstance(module, SelfAttention) for module in method.modules()) == count


def test_the_slices_that_follow_are_not_seen_by_their_prediction():
    images = stacks(2)
    others = torch.cat([images[:, :3], 1 - images[:, 3:]], dim=1)
    method = build()
    assert torch.equal(method(images).reconstruction, method(others).reconstruction)


def test_the_known_slices_are_passed_through():
    images = stacks(2)
    assert torch.equal(build()(images).reconstruction[:, :3], images[:, :3])


def test_the_map_is_the_squared_error_over_the_slices_that_follow_and_the_score_its_mean():
    images = stacks(2)
    score, anomaly_map, reconstruction = build()(images)
    expected = ((images - reconstruction)[:, 3:] ** 2).mean(dim=1, keepdim=True)
    torch.testing.assert_close(anomaly_map, expected)
    torch.testing.assert_close(score, expected.mean(dim=(1, 2, 3)))


def test_the_top_score_is_the_mean_of_the_highest_percent():
    score, anomaly_map, _reconstruction = build(score="top")(stacks(2))
    torch.testing.assert_close(score, anomaly_map.flatten(1).topk(10).values.mean(dim=1))


def test_the_generator_comes_after_its_critics_turns():
    method = build(critic_turns=2)
    found = [[update.optimizer for update in turns(method, number)] for number in range(2)]
    assert found == [["critic"], ["critic", "generator"]]


def test_the_generator_weighs_the_residual_a_hundredfold_beside_the_critic():
    method = build()
    images = stacks(4) * 2 - 1
    _critic, update = turns(method)
    predicted = method.generator(images[:, :3])
    expected = 100 * (images[:, 3:] - predicted).abs().mean() - method.critic(predicted).mean()
    torch.testing.assert_close(update.loss, expected)


def test_each_network_learns_in_its_own_turn_only():
    method = build()
    [stage] = method.stages()
    for number in range(2):  # the generator's turn must not keep the critic from its next one
        for update in stage.step(Batch(stacks(4), torch.zeros(4)), number):
            method.zero_grad()
            update.loss.backward()
            learned = {
                name.split(".")[0] for name, value in method.named_parameters() if value.grad is not None
            }
            assert learned == {update.optimizer}


def test_an_odd_number_of_slices_is_refused_with_the_step_that_is_missing():
    with pytest.raises(ValueError, match=r"even number of channels.* not 1: begin .*neighbouring_slices"):
        Madgan(InputShape(1, 32, 32), Madgan.Options())


def test_sides_that_do_not_halve_four_times_are_refused():
    with pytest.raises(ValueError, match="multiples of 16; they are 40 x 32"):
        Madgan(InputShape(6, 40, 32), Madgan.Options())
