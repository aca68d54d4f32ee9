"""PGGAN inversion is held to its stages, its losses and its map."""

import pytest
import torch
from torch import Tensor

from models.blocks.similarity import multi_scale_dissimilarity
from models.method import Batch, InputShape, Update
from models.methods.pggan_inversion import PgganInversion

SHAPE = InputShape(1, 16, 16)
IMAGES = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))
BATCH = Batch(IMAGES, torch.zeros(2))


def build(**options: object) -> PgganInversion:
    torch.manual_seed(0)
    return PgganInversion(SHAPE, PgganInversion.Options(width=2, latent=4, **options)).eval()  # type: ignore[arg-type]


def test_there_is_a_stage_for_each_level_and_one_for_the_encoder():
    stages = build().stages()
    assert [stage.name for stage in stages] == ["grow 4x4", "grow 8x8", "grow 16x16", "quality", "encoder"]


@pytest.mark.parametrize(("level", "shares"), [(0, [1, 1, 1, 1]), (2, [0.5, 1, 1, 1])])
def test_a_new_level_fades_in_during_the_first_half_of_its_steps(level: int, shares: list[float]):
    method = build(level_steps=4)
    seen: list[float] = []
    method._gan_step = lambda _real, _level, share: iter(seen.append(share) or ())  # type: ignore
    for number in range(4):
        list(method.stages()[level].step(BATCH, number))  # type: ignore[union-attr]
    assert seen == shares


def test_real_images_are_averaged_to_the_levels_sides():
    quarters = IMAGES.unflatten(3, (4, 4)).unflatten(2, (4, 4)).mean(dim=(3, 5))
    torch.testing.assert_close(build()._seen(IMAGES, 0, 1.0), 2 * quarters - 1)


def test_real_images_fade_in_as_drawn_ones_do():
    halves = torch.nn.functional.avg_pool2d(IMAGES, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(build()._seen(IMAGES, 2, 0.25), 2 * (0.75 * halves + 0.25 * IMAGES) - 1)


def critic_update(**options: object) -> Update:
    method = build(**options)
    torch.manual_seed(2)
    return next(method._gan_step(2 * IMAGES - 1, 2, 1.0))


def test_the_critics_loss_is_the_gap_the_penalty_and_the_drift():
    plain, drifting = critic_update(penalty=3.0, drift=0.0), critic_update(penalty=3.0, drift=2.0)
    torch.testing.assert_close(plain.loss, -plain.logs["critic_gap"] + 3 * plain.logs["penalty"])
    method = build()
    opinion = method.critic(2 * IMAGES - 1, 2)
    torch.testing.assert_close(drifting.loss - plain.loss, 2 * (opinion**2).mean())


def test_each_turn_trains_its_own_network():
    method = build()
    for update, trained in zip(
        method._gan_step(IMAGES, 2, 0.5), (method.critic, method.generator), strict=True
    ):
        method.zero_grad()
        update.loss.backward()
        reached = {name.split(".")[0] for name, value in method.named_parameters() if value.grad is not None}
        assert reached == {"critic" if trained is method.critic else "generator"}


def test_the_encoder_stage_trains_the_encoder_alone():
    method = build()
    stage = method.stages()[-1]
    stage.optimizers()  # type: ignore[union-attr]
    [update] = stage.step(BATCH, 0)  # type: ignore[union-attr]
    update.loss.backward()
    reached = {name.split(".")[0] for name, value in method.named_parameters() if value.grad is not None}
    assert reached == {"encoder"}


class Fixed(torch.nn.Module):
    """Always draws one image."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.image = image

    def forward(self, latent: Tensor, _level: int) -> Tensor:
        return (2 * self.image - 1).expand(len(latent), -1, -1, -1)


def test_an_image_that_can_be_drawn_scores_0_and_another_its_mean_dissimilarity():
    method = build()
    method.generator = Fixed(IMAGES[:1])  # type: ignore[assignment]
    prediction = method(IMAGES)
    expected = multi_scale_dissimilarity(IMAGES[1:], IMAGES[:1], [1.0])
    assert float(prediction.score[0]) == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(prediction.anomaly_map[1:], expected)
    torch.testing.assert_close(prediction.score[1], expected.mean())


def test_the_highest_percent_of_the_map_can_be_the_score():
    prediction = build(score="top", top_fraction=1 / 256)(IMAGES)
    torch.testing.assert_close(prediction.score, prediction.anomaly_map.amax(dim=(1, 2, 3)))


def test_refinement_finds_something_likelier_and_is_left_out_by_default():
    method = build(refinement_rate=0.01).requires_grad_(False)  # a step so small is downhill
    scores = [method(IMAGES, torch.tensor(steps)).score for steps in (0, 1, 10)]
    assert (scores[0] > scores[1]).all() and (scores[1] > scores[2]).all()
    assert method.controls() == {"steps": 0} and torch.equal(method(IMAGES).score, scores[0])


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="they are 36 x 64"):
        PgganInversion(InputShape(1, 36, 64), PgganInversion.Options())
