import pytest
import torch

from models.method import InputShape, Observation
from models.methods.synthetic_unet import SyntheticUNet


def untrained(side: int = 32, **options: object) -> SyntheticUNet:
    torch.manual_seed(0)
    return SyntheticUNet(InputShape(1, side, side), SyntheticUNet.Options(width=2, **options))  # type: ignore[arg-type]


def test_small_images_are_remembered_whole():
    method = untrained(32, neighbours=3, skip=0)
    remember = method.stages()[0]
    assert isinstance(remember, Observation)
    remember.observe(torch.rand(4, 1, 32, 32))
    remember.finalize()
    assert method.memory.memory.shape == (4, 1, 32, 32)


def test_without_neighbours_nothing_is_remembered():
    assert [stage.name for stage in untrained(neighbours=0).stages()] == ["segment"]


def test_an_image_and_its_mirror_image_get_mirrored_maps():
    method = untrained(neighbours=0).eval()
    images = torch.rand(2, 1, 32, 32) + 0.05
    torch.testing.assert_close(method(images.flip(-1)).anomaly_map, method(images).anomaly_map.flip(-1))


def test_the_score_is_the_mean_of_the_maps_top():
    method = untrained(neighbours=0, top_fraction=0.25).eval()
    prediction = method(torch.rand(1, 1, 32, 32))
    highest = prediction.anomaly_map.flatten().sort(descending=True).values[:256]
    torch.testing.assert_close(prediction.score[0], highest.mean())


def test_background_is_no_lesion():
    assert not untrained(neighbours=0).eval()(torch.zeros(1, 1, 32, 32)).anomaly_map.any()


def test_a_size_that_does_not_halve_evenly_is_refused():
    with pytest.raises(ValueError, match="multiples of 8; they are 36 x 36"):
        untrained(36)


def test_a_grid_that_does_not_fit_the_sides_is_refused():
    with pytest.raises(ValueError, match="divides the sides 48 x 48, to find neighbours; it is 32"):
        untrained(48, grid=32)
