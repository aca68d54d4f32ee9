import pytest
import torch

from models.blocks.augment import augment
from models.blocks.lesions import KINDS, LesionLaw, draw_lesions


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def heads() -> tuple[torch.Tensor, torch.Tensor]:
    foreground = torch.zeros(32, 1, 64, 64)
    foreground[:, :, 8:56, 12:52] = 1.0
    return (0.5 + 0.05 * torch.randn(32, 1, 64, 64)).clamp(0, 1) * foreground, foreground


def test_lesions_lie_on_the_foreground_only():
    images, foreground = heads()
    drawn, masks = draw_lesions(images, foreground, LesionLaw(share=1.0))
    assert not (masks * (1 - foreground)).any()
    assert torch.equal(drawn * (1 - foreground), images * (1 - foreground))


def test_about_the_asked_share_of_images_gets_any():
    images, foreground = heads()
    _drawn, masks = draw_lesions(images, foreground, LesionLaw(share=0.5))
    assert 8 <= masks.flatten(1).any(dim=1).sum() <= 24
    _drawn, masks = draw_lesions(images, foreground, LesionLaw(share=0.0))
    assert not masks.any()


def test_what_is_marked_was_changed_and_more_than_the_rest():
    images, foreground = heads()
    drawn, masks = draw_lesions(images, foreground, LesionLaw(share=1.0))
    change = (drawn - images).abs()
    assert change[masks > 0].mean() > 10 * change[masks == 0].mean()


@pytest.mark.parametrize("kind", KINDS)
def test_a_law_draws_the_kinds_it_names(kind: str):
    images, foreground = heads()
    drawn, masks = draw_lesions(images, foreground, LesionLaw(kinds=(kind,), share=1.0))
    assert masks.any()
    assert 0 <= drawn.min() < drawn.max() <= 1


def test_a_law_of_an_unknown_kind_names_those_there_are():
    with pytest.raises(ValueError, match="shifted, flat, rough, retextured, foreign; they are \\('haze',\\)"):
        LesionLaw(kinds=("haze",))


def test_lesions_are_no_larger_than_the_law_says():
    images, foreground = heads()
    _drawn, masks = draw_lesions(
        images, foreground, LesionLaw(smallest=0.05, largest=0.05, most=1, share=1.0)
    )
    # A disc of radius 0.05 x 64 = 3.2 has 32 pixels; waves of its rim may double the radius here and there.
    assert masks.flatten(1).sum(dim=1).max() < 4 * 32


def test_images_in_pairs_of_channels_get_one_mask():
    images, foreground = heads()
    drawn, masks = draw_lesions(images.repeat(1, 3, 1, 1), foreground, LesionLaw())
    assert drawn.shape == (32, 3, 64, 64)
    assert masks.shape == (32, 1, 64, 64)


def test_a_strength_of_0_changes_nothing():
    images, _foreground = heads()
    torch.testing.assert_close(augment(images, strength=0.0, mirror=False), images, rtol=0, atol=1e-5)


def test_background_stays_background_and_greys_stay_in_range():
    images, _foreground = heads()
    changed = augment(images, strength=1.0, mirror=True)
    assert changed.min() == 0
    assert changed.max() <= 1
    background = [float((pictures == 0).float().mean()) for pictures in (images, changed)]
    assert background[1] == pytest.approx(background[0], abs=0.1)
