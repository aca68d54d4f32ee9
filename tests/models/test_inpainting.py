import pytest
import torch

from models.method import Batch, Descent, InputShape, Update
from models.methods.inpainting import Inpainting


def build(**options: object) -> Inpainting:
    torch.manual_seed(0)
    chosen = Inpainting.Options(width=2, depth=2, critic_width=2, **options)  # type: ignore[arg-type]
    return Inpainting(InputShape(1, 16, 16), chosen).eval()


def images() -> torch.Tensor:
    return torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def updates(method: Inpainting) -> list[Update]:
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    torch.manual_seed(1)
    return list(stage.step(Batch(images(), torch.zeros(2)), 0))


def test_the_square_slides_by_its_stride_and_ends_at_the_end():
    method = build(hole=0.5, stride=0.3)  # 8 pixels, by 5
    tops = sorted({int(region[0].any(dim=1).nonzero()[0]) for region in method.regions})
    assert tops == [0, 5, 8]
    assert method.regions.shape == (9, 1, 16, 16)


def test_a_hidden_region_does_not_help_to_draw_itself():
    method = build(superpixels=False, hole=1.0)  # all is hidden
    drawn = method(images()).reconstruction
    assert drawn is not None
    torch.testing.assert_close(drawn[0], drawn[1])


def test_the_residual_is_meaned_over_the_regions_that_hold_the_pixel():
    method = build(superpixels=False, hole=0.5, stride=0.25)
    expected = torch.zeros(2, 1, 16, 16)
    for region in method.regions:
        seen = torch.cat([images() * (1 - region), region.expand(2, 1, 16, 16)], dim=1)
        expected += (images() - method.network(seen)).abs() * region
    torch.testing.assert_close(method(images()).anomaly_map, expected / method.regions.sum(dim=0))


def test_the_loss_weighs_the_hole_and_the_critic():
    _critic, generator = updates(build(residual_weight=2.0, adversarial_weight=3.0))
    expected = 2 * generator.logs["residual"] + 3 * generator.logs["adversarial"]
    torch.testing.assert_close(generator.loss, expected)


def test_what_lies_outside_of_the_hole_is_not_drawn_for_the_critic():
    method, shown = build(), []
    method.critic.register_forward_pre_hook(lambda _module, given: shown.append(given[0].detach()))
    updates(method)
    fake, real = shown[0].chunk(2)  # the critic's first pass
    changed = (fake != real).flatten(1).sum(dim=1)
    assert changed.tolist() == [16, 16]


def test_sides_that_do_not_halve_are_refused():
    with pytest.raises(ValueError, match="multiples of 16; they are 24 x 24"):
        Inpainting(InputShape(1, 24, 24), Inpainting.Options())
