import torch

from models.blocks.filters import gaussian_blur, median_filter
from models.method import Batch, InputShape
from models.methods.dae import DenoisingAutoencoder

SHAPE = InputShape(1, 32, 32)


def build(**options: object) -> DenoisingAutoencoder:
    torch.manual_seed(0)
    chosen = DenoisingAutoencoder.Options(width=4, depth=2, **options)  # type: ignore[arg-type]
    return DenoisingAutoencoder(SHAPE, chosen).eval()


def test_noise_is_added_to_the_foreground_alone():
    method = build()
    seen: list[torch.Tensor] = []
    method.network.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    half = torch.zeros(2, 1, 32, 32)
    half[..., 16:] = 0.5
    [stage] = method.stages()
    next(stage.step(Batch(half, torch.zeros(2)), 0))
    assert not seen[0][..., :16].any()
    assert seen[0][..., 16:].std() > 0.02


def test_noise_has_about_the_named_spread():
    noise = build(noise_sd=0.2, noise_grid=32)._noise(torch.zeros(64, 1, 32, 32))
    assert abs(float(noise.std()) - 0.2) < 0.005


def test_scoring_adds_no_noise():
    images = torch.rand(2, 1, 32, 32)
    method = build()
    assert torch.equal(method(images).score, method(images).score)


def test_the_map_is_zero_in_the_background():
    images = torch.zeros(1, 1, 32, 32)
    images[..., 20:] = 0.5
    assert not build(median_size=1)(images).anomaly_map[..., :20].any()


def test_a_normalised_residual_is_about_one_on_the_normals_it_was_measured_on():
    images = torch.rand(64, 1, 32, 32)
    method = build(residual="normalised", median_size=1)
    method.observe(images)
    method.finalize()
    squares = (method(images).anomaly_map ** 2).mean()
    # Half of the divisor is each pixel's own spread, half the mean of all.
    torch.testing.assert_close(squares, torch.tensor(0.25), rtol=0.1, atol=0)


def test_the_median_takes_out_a_lone_pixel_and_keeps_an_edge():
    maps = torch.zeros(1, 1, 9, 9)
    maps[..., 5:] = 1.0
    lone = maps.clone()
    lone[0, 0, 4, 2] = 9.0
    assert torch.equal(median_filter(lone, 3), maps)


def test_blurring_keeps_a_flat_picture():
    flat = torch.full((1, 2, 8, 8), 0.7)
    torch.testing.assert_close(gaussian_blur(flat, 1.0), flat)
