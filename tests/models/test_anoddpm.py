"""AnoDDPM is held to the equations of diffusion."""

import pytest
import torch
from torch import Tensor

from models.method import Batch, InputShape
from models.methods.anoddpm import AnoDdpm
from models.noise import derived_seed

SHAPE = InputShape(1, 16, 16)
IMAGES = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))


class Oracle(torch.nn.Module):
    """Knows an image, and so the noise in what it is shown of it."""

    def __init__(self, method: AnoDdpm, images: Tensor) -> None:
        super().__init__()
        self.kept, self.noise_sd, self.real = method.kept, method.options.noise_sd, images * 2 - 1

    def forward(self, noisy: Tensor, time: Tensor) -> Tensor:
        kept = self.kept[time]
        return (noisy - kept.sqrt() * self.real) / (1 - kept).sqrt() / self.noise_sd


class Nothing(torch.nn.Module):
    """Sees no noise anywhere."""

    def forward(self, noisy: Tensor, _time: Tensor) -> Tensor:
        return torch.zeros_like(noisy)


def build(**options: object) -> AnoDdpm:
    torch.manual_seed(0)
    method = AnoDdpm(SHAPE, AnoDdpm.Options(width=4, wavelength=16.0, **options))  # type: ignore[arg-type]
    return method.eval()


def blind(**options: object) -> AnoDdpm:
    method = build(**options)
    method.average = Nothing()  # type: ignore[assignment]
    return method


def test_what_is_kept_of_the_image_is_the_product_of_what_the_steps_keep():
    kept = build().kept
    # The last is the figure that is known of DDPM's schedule.
    assert [float(kept[time]) for time in (0, 1)] == pytest.approx([1.0, 1 - 1e-4])
    assert float(kept[1000]) == pytest.approx(4.0358e-5, rel=1e-3)


@pytest.mark.parametrize(("count", "times"), [(1, [250, 0]), (4, [250, 187, 125, 62, 0])])
def test_turns_are_spaced_evenly(count: int, times: list[int]):
    method, turns = build(), torch.tensor(count)
    assert [int(method._time(torch.tensor(number), turns)) for number in range(count + 1)] == times


def test_as_many_turns_as_the_depth_take_every_time():
    method, turns = build(), torch.tensor(250)
    times = [int(method._time(torch.tensor(number), turns)) for number in range(251)]
    assert times == list(range(250, -1, -1))


@pytest.mark.parametrize("steps", [1, 7])
def test_whoever_knows_the_noise_gets_the_image_back(steps: int):
    method = build()
    method.average = Oracle(method, IMAGES)  # type: ignore[assignment]
    prediction = method(IMAGES, torch.tensor(steps))
    torch.testing.assert_close(prediction.reconstruction, IMAGES, rtol=0, atol=1e-5)


def test_one_turn_is_the_single_estimate_of_the_image():
    method = blind(depth=100, noise_sd=0.1)
    noisy = method._noised(2 * IMAGES - 1, method.kept[100], method._noise(derived_seed(torch.tensor(0), 0)))
    # With no noise seen x̂ = x_t / sqrt(a_t).
    expected = (noisy / method.kept[100].sqrt()).clamp(-1, 1)
    prediction = method(IMAGES, torch.tensor(1))
    torch.testing.assert_close(2 * prediction.reconstruction - 1, expected)


def test_a_turn_of_one_time_is_the_posterior_of_ho_et_al():
    method = blind(depth=50)
    noisy, seed, beta = 0.1 * IMAGES, torch.tensor(0), 1e-4 + 49 * (0.02 - 1e-4) / 999
    moved, still = (
        method._denoise(torch.tensor(0), x, torch.tensor(50), seed)[0] for x in (noisy, 0 * noisy)
    )
    now, before = method.kept[50], method.kept[49]
    # With no noise seen x̂ = x_t / sqrt(a_t), here within [-1, 1].
    clean = before.sqrt() * beta / (1 - now) * noisy / now.sqrt()
    mean = clean + (1 - beta) ** 0.5 * (1 - before) / (1 - now) * noisy
    torch.testing.assert_close(moved - still, mean, rtol=1e-3, atol=1e-6)
    assert float(still.std()) == pytest.approx(0.5 * beta**0.5, rel=0.5)


def test_fewer_turns_than_one_are_one_and_more_than_times_are_as_many():
    method = blind(depth=5)
    few, many = (method(IMAGES, torch.tensor(steps)).score for steps in (0, 99))
    assert torch.equal(few, method(IMAGES, torch.tensor(1)).score)
    assert torch.equal(many, method(IMAGES, torch.tensor(5)).score)


def test_the_seed_is_a_control_and_decides_the_noise():
    method = blind(denoising_steps=2)
    assert method.controls() == {"steps": 2, "seed": 0}
    scores = [method(IMAGES, torch.tensor(2), torch.tensor(seed)).score for seed in (0, 0, 1)]
    assert torch.equal(scores[0], scores[1]) and not torch.equal(scores[0], scores[2])


def test_the_loss_is_the_squared_error_of_the_noise():
    method = build()
    method._noise = lambda seed: torch.full((len(seed), 1, 16, 16), 3.0)  # type: ignore[method-assign]
    [update] = method._step(Batch(IMAGES, torch.zeros(2)), 0)
    assert float(update.loss.detach()) == pytest.approx(9.0)  # the network starts at 0


def test_the_average_keeps_its_share_of_the_weights():
    method = build(average=0.75)
    weight, averaged = method.network.stem.weight, method.average.module.stem.weight
    weight.data.fill_(1.0)
    method.average.update_parameters(method.network)  # the first is a copy
    weight.data.fill_(3.0)
    method.average.update_parameters(method.network)
    torch.testing.assert_close(averaged, torch.full_like(averaged, 0.75 * 1 + 0.25 * 3))


@pytest.mark.parametrize("noise", ["simplex", "coarse", "gaussian"])
def test_every_image_and_every_channel_has_noise_of_its_own(noise: str):
    method = AnoDdpm(InputShape(2, 16, 16), AnoDdpm.Options(width=4, noise=noise))  # type: ignore[arg-type]
    drawn = method._noise(torch.tensor([1, 2]))
    assert drawn.shape == (2, 2, 16, 16)
    assert len(torch.unique(drawn[:, :, 8, 8])) == 4


def test_the_map_is_the_squared_difference_between_minus_one_and_one_and_the_score_its_mean_or_top():
    mean, top = (
        blind(denoising_steps=2, score=score, top_fraction=1 / 256)(IMAGES) for score in ("mean", "top")
    )
    torch.testing.assert_close(mean.anomaly_map, 4 * (IMAGES - mean.reconstruction) ** 2)
    torch.testing.assert_close(mean.score, mean.anomaly_map.mean(dim=(1, 2, 3)))
    torch.testing.assert_close(top.score, top.anomaly_map.amax(dim=(1, 2, 3)))


def test_sides_and_depths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiples of 8; they are 20 x 16"):
        AnoDdpm(InputShape(1, 20, 16), AnoDdpm.Options())
    with pytest.raises(ValueError, match="from 1 to 1000; it is 1001"):
        build(depth=1001)
