import pytest
import torch
from skimage.filters import threshold_otsu

from models.blocks import features
from models.blocks.anatomy import BINS, foreground, lungs, otsu_threshold
from models.blocks.cut_paste import CutPasteTask, Task, everywhere, paste_patch, paste_scar
from models.blocks.features import LocalFeatures, ResNet
from models.method import Batch, InputShape

SHAPE = InputShape(1, 64, 64)


def ramps(count: int) -> torch.Tensor:
    """Images whose every pixel is another, and none of which jitter can restore."""
    return torch.linspace(0.2, 0.8, 64 * 64).view(1, 1, 64, 64).repeat(count, 1, 1, 1)


def changed(paste: object, images: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(0)
    return (paste(images, allowed) != images).any(dim=1)  # type: ignore[operator]


def chest() -> torch.Tensor:
    """A bright body with two dark lungs on a dark ground."""
    image = torch.full((1, 1, 64, 64), 0.1)
    image[:, :, 4:60, 4:60] = 0.8
    image[:, :, 16:48, 10:28] = image[:, :, 16:48, 36:54] = 0.2
    return image


def task_of(kind: Task) -> CutPasteTask:
    torch.manual_seed(0)
    network = ResNet(SHAPE, width=2)
    return CutPasteTask(network, task=kind, place="anywhere", rate=0.03)


def test_a_patch_covers_2_to_15_percent_unless_the_border_cuts_it():
    images = ramps(200)
    areas = changed(paste_patch, images, everywhere(images)).flatten(1).float().mean(dim=1)
    assert areas.max() < 0.16 and areas.median() > 0.04


def test_a_scar_is_thinner_than_any_patch():
    images = ramps(200)
    areas = changed(paste_scar, images, everywhere(images)).flatten(1).sum(dim=1)
    assert areas.max() <= 5 * 7 and areas.min() >= 1


def test_what_is_pasted_is_a_piece_of_the_image_brightened_by_at_most_a_tenth_or_so():
    images = torch.full((50, 3, 32, 32), 0.5)
    pasted = paste_patch(images, everywhere(images))
    assert (pasted - images).abs().max() <= 0.0501 and (pasted != images).any()


def test_nothing_is_pasted_where_it_is_not_allowed():
    images = ramps(50)
    allowed = torch.zeros(50, 1, 64, 64)
    allowed[:, :, 20:30, 20:30] = 1
    places = changed(paste_patch, images, allowed)
    assert places.flatten(1).any(dim=1).all() and not places[:, allowed[0, 0] == 0].any()


def test_an_image_without_any_allowed_place_is_pasted_anywhere():
    images = ramps(4)
    assert changed(paste_patch, images, torch.zeros(4, 1, 64, 64)).flatten(1).any(dim=1).all()


@pytest.mark.parametrize(("kind", "classes"), [("normal", 2), ("scar", 2), ("3way", 3)])
def test_every_kind_of_image_is_a_class(kind: Task, classes: int):
    task = task_of(kind)
    seen: list[int] = []
    task.head.register_forward_hook(lambda _module, _inputs, answers: seen.extend(answers.shape))
    next(task.stage(1).step(Batch(ramps(4), torch.zeros(4)), 0))
    assert seen == [4 * classes, classes]


def test_the_learning_rate_falls_to_nothing():
    stage = task_of("3way").stage(10)
    assert stage.optimizers()["features"].param_groups[0]["lr"] == 0.03
    assert (stage.schedule(0.0), stage.schedule(1.0)) == (1.0, 0.0)


def test_the_threshold_is_scikit_images():
    grey = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) ** 2
    levels = ((grey * BINS).floor() / BINS).numpy()
    # Theirs is a bin's centre, ours its upper edge.
    assert float(otsu_threshold(grey)) == pytest.approx(threshold_otsu(levels, nbins=BINS), abs=1 / BINS)


def test_the_foreground_is_the_brighter_class():
    assert torch.equal(foreground(chest()) == 1, chest() > 0.5)


def test_lungs_are_dark_and_not_joined_to_the_border():
    expected = torch.zeros(64, 64)
    expected[16:48, 10:28] = expected[16:48, 36:54] = 1
    assert torch.equal(lungs(chest())[0, 0], expected)


@pytest.mark.parametrize("side", [64, 128, 224])
def test_the_network_knows_its_grids(side: int):
    network = ResNet(InputShape(1, side, side), width=2).eval()
    found = network(torch.rand(1, 1, side, side))
    expected = list(zip(network.channels, network.grids, strict=True))
    assert [(part.shape[1], tuple(part.shape[2:])) for part in found] == expected


def test_small_and_large_images_reach_the_first_layer_on_the_same_grid():
    assert ResNet(SHAPE, width=2).grids[0] == ResNet(InputShape(1, 128, 128), width=2).grids[0] == (32, 32)


def test_local_features_are_averages_of_3_by_3():
    network = ResNet(SHAPE, width=2).eval()
    local = LocalFeatures(network, (2,), (16, 16), is_local=True)
    image = torch.rand(1, 1, 64, 64)
    expected = network(image)[1][0, :, 4:7, 9:12].mean(dim=(1, 2))
    torch.testing.assert_close(local(image)[0, :, 5, 10], expected)


def test_layers_are_joined_in_their_order_on_one_grid():
    network = ResNet(SHAPE, width=2).eval()
    joined = LocalFeatures(network, (1, 2, 3), (16, 16), is_local=False)(torch.ones(1, 1, 64, 64))
    layers = network(torch.ones(1, 1, 64, 64))
    assert joined.shape == (1, 14, 16, 16)
    torch.testing.assert_close(joined[0, :2, 3, 3], layers[0][0, :, 6:8, 6:8].mean(dim=(1, 2)))
    torch.testing.assert_close(joined[:, 2:6], layers[1])


def test_the_fourth_layer_is_refused():
    with pytest.raises(ValueError, match=r"layers are 1, 2 or 3; they are \(3, 4\)"):
        LocalFeatures(ResNet(SHAPE, width=2), (3, 4), (8, 8), is_local=False)


@pytest.mark.parametrize("side", [32, 144])
def test_the_gradient_written_out_is_autograds(side: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(features, "CORNER", 1e-12)
    torch.manual_seed(0)
    network = ResNet(InputShape(3, side, side), width=4)
    network(torch.rand(8, 3, side, side))  # norms that are not 1
    network.double().eval()
    images = torch.rand(2, 3, side, side, dtype=torch.float64, requires_grad=True)
    last = network(images)[-1]
    upstream = torch.randn(last.shape, dtype=torch.float64)
    [expected] = torch.autograd.grad((last * upstream).sum(), images)
    torch.testing.assert_close(network.gradient(images, upstream), expected)
