import pytest
import torch

from models.blocks.filters import gaussian_blur
from models.method import Batch, Descent, InputShape, Observation
from models.methods.contrast_translation import ContrastTranslation


def build(channels: int, **options: object) -> ContrastTranslation:
    torch.manual_seed(0)
    chosen = ContrastTranslation.Options(width=2, depth=2, **options)  # type: ignore[arg-type]
    return ContrastTranslation(InputShape(channels, 16, 16), chosen).eval()


def images(channels: int, count: int = 2) -> torch.Tensor:
    return torch.rand(count, channels, 16, 16, generator=torch.Generator().manual_seed(1))


def test_a_contrast_is_not_seen_by_its_own_translation():
    method, before = build(3), images(3)
    after = before.clone()
    after[:, 1] = 1 - after[:, 1]
    same = [
        torch.equal(method(before).reconstruction[:, index], method(after).reconstruction[:, index])
        for index in range(3)
    ]
    assert same == [False, True, False]


def test_the_map_is_the_mean_over_the_contrasts_and_the_score_its_mean():
    score, anomaly_map, reconstruction = build(3)(images(3))
    expected = (images(3) - reconstruction).abs().mean(dim=1, keepdim=True)
    torch.testing.assert_close(anomaly_map, expected)
    torch.testing.assert_close(score, expected.mean(dim=(1, 2, 3)))


def test_one_target_leaves_the_other_contrasts_as_they_are():
    method = build(3, target=1)
    _score, anomaly_map, reconstruction = method(images(3))
    assert len(method.networks) == 1
    assert torch.equal(reconstruction[:, [0, 2]], images(3)[:, [0, 2]])
    torch.testing.assert_close(anomaly_map, (images(3) - reconstruction)[:, 1:2].abs())


def test_a_single_contrast_is_its_coarse_part_and_what_that_says_of_the_detail():
    method = build(1, blur=1.5)
    coarse = gaussian_blur(images(1), 1.5)
    _score, anomaly_map, reconstruction = method(images(1))
    torch.testing.assert_close(reconstruction, coarse + method.networks[0](coarse))
    torch.testing.assert_close(anomaly_map, (images(1) - reconstruction).abs())


def test_the_loss_sums_the_mean_residuals_of_the_contrasts():
    method = build(2)
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    [update] = stage.step(Batch(images(2), torch.zeros(2)), 0)
    residual = (images(2) - method(images(2)).reconstruction).abs()
    torch.testing.assert_close(update.loss, residual[:, 0].mean() + residual[:, 1].mean())


def test_the_spread_is_each_contrasts_own_root_mean_square_and_its_mean():
    plain, method = build(2), build(2, residual="normalised")
    _translate, spread = method.stages()
    assert isinstance(spread, Observation)
    with torch.no_grad():
        spread.observe(images(2, count=3))
        spread.finalize()
        residual = images(2, count=3) - plain(images(2, count=3)).reconstruction
    squares = (residual**2).mean(dim=0, keepdim=True).sqrt()
    expected = squares + squares.mean(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(method.spread, expected)
    normalised = (residual.abs() / expected).mean(dim=1, keepdim=True)
    torch.testing.assert_close(method(images(2, count=3)).anomaly_map, normalised)


def test_the_top_score_is_the_mean_of_the_highest_part():
    score, anomaly_map, _reconstruction = build(2, score="top", top_fraction=0.25)(images(2))
    torch.testing.assert_close(score, anomaly_map.flatten(1).topk(64).values.mean(dim=1))


@pytest.mark.parametrize("target", [-1, 2])
def test_a_target_that_does_not_exist_is_refused(target: int):
    with pytest.raises(ValueError, match=f"target is {target}, but contrasts are counted from 0 to 1"):
        build(2, target=target)


def test_sides_that_do_not_halve_are_refused():
    with pytest.raises(ValueError, match="depth 4 needs sides that are multiples of 16; they are 24 x 16"):
        ContrastTranslation(InputShape(2, 24, 16), ContrastTranslation.Options())
