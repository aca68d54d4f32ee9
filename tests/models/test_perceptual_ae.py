from pathlib import Path

import pytest
import torch

from models.blocks.vgg import VGG19_TO_RELU4_2, Vgg
from models.method import Batch, Descent, InputShape, Observation
from models.methods.perceptual_ae import PerceptualAutoencoder

SHAPE = InputShape(1, 16, 16)
IMAGES = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def untrained(**options: object) -> PerceptualAutoencoder:
    torch.manual_seed(0)
    made = PerceptualAutoencoder.Options(width=2, latent=3, feature_width=2, **options)  # type: ignore[arg-type]
    return PerceptualAutoencoder(SHAPE, made).eval()


def see_as(method: PerceptualAutoencoder, *features: torch.Tensor) -> None:
    """Let the method see these features, of the true and then of the drawn images."""
    seen = iter(features)
    method.features.forward = lambda _images: next(seen)  # type: ignore[method-assign]


def observed(method: PerceptualAutoencoder) -> PerceptualAutoencoder:
    [stage] = [stage for stage in method.stages() if isinstance(stage, Observation)]
    stage.observe(IMAGES[:2])
    stage.observe(IMAGES[2:])
    stage.finalize()
    return method


def test_the_score_is_the_difference_relative_to_the_true_features():
    method = untrained()
    true, drawn = torch.zeros(1, 8, 4, 4), torch.zeros(1, 8, 4, 4)
    true[:, :4] = 2.0  # its mean is 1
    drawn[:, :2] = 2.0  # half of what is true is missing
    see_as(method, true, drawn)
    torch.testing.assert_close(method(IMAGES[:1]).score, torch.tensor([0.5]))


def test_twice_the_features_of_both_score_the_same():
    method = untrained()
    true, drawn = torch.rand(1, 8, 4, 4), torch.rand(1, 8, 4, 4)
    see_as(method, true, drawn, 2 * true, 2 * drawn)
    torch.testing.assert_close(method(IMAGES[:1]).score, method(IMAGES[:1]).score)


def test_the_map_is_highest_where_the_features_differ():
    method = untrained()
    drawn = torch.ones(1, 8, 4, 4)
    drawn[:, :, 3, 0] = 3.0
    see_as(method, torch.ones(1, 8, 4, 4), drawn)
    anomaly_map = method(IMAGES[:1]).anomaly_map[0, 0]
    assert anomaly_map[15, 0] == anomaly_map.max() and anomaly_map[:8].sum() == 0


def test_the_loss_is_the_mean_score():
    method = untrained()
    stage = method.stages()[2]
    assert isinstance(stage, Descent)
    [update] = stage.step(Batch(IMAGES, torch.zeros(4)), 0)
    torch.testing.assert_close(update.loss, method(IMAGES).score.mean())


def test_every_channel_is_standardised_by_the_normals():
    method = observed(untrained())
    features = (method.features(IMAGES) - method.mean) * method.scale
    spread = features.std(dim=(0, 2, 3), unbiased=False)
    torch.testing.assert_close(features.mean(dim=(0, 2, 3)), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(spread[method.scale.flatten() > 0], torch.ones_like(spread[spread > 0]))


def test_a_channel_that_is_the_same_everywhere_is_left_out():
    method = untrained()
    same = torch.rand(2, 8, 4, 4)
    same[:, 3] = 0.7
    see_as(method, same, same)
    observed(method)
    assert method.scale.flatten()[3] == 0 and (method.scale > 0).sum() == 7


def test_the_features_stand_still_while_the_autoencoder_learns():
    method = untrained()
    stage = method.stages()[2]
    assert isinstance(stage, Descent)
    [optimizer] = stage.optimizers().values()
    learned = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    assert not learned & {id(parameter) for parameter in method.features.parameters()}
    assert not any(parameter.requires_grad for parameter in method.features.parameters())


def test_the_convolutions_are_numbered_as_torchvisions():
    names = [name for name in Vgg(3, VGG19_TO_RELU4_2).state_dict() if name.endswith("weight")]
    assert names == [f"features.{place}.weight" for place in (0, 2, 5, 7, 10, 12, 14, 16, 19, 21)]


def test_given_weights_are_seen_with(tmp_path: Path):
    given = Vgg(3, VGG19_TO_RELU4_2)
    torch.save({**given.state_dict(), "classifier.0.weight": torch.zeros(1)}, tmp_path / "vgg.pt")
    method = observed(untrained(weights=str(tmp_path / "vgg.pt")))
    normalised = (IMAGES.expand(-1, 3, -1, -1) - method.imagenet_mean) / method.imagenet_sd
    mean = given(normalised).mean(dim=(0, 2, 3), keepdim=True)
    torch.testing.assert_close(method.mean, mean.detach())


def test_a_trained_run_needs_no_file(tmp_path: Path):
    path = tmp_path / "vgg.pt"
    torch.save(Vgg(3, VGG19_TO_RELU4_2).state_dict(), path)
    method = observed(untrained(weights=str(path)))
    path.unlink()
    copy = untrained(weights=str(path))
    copy.load_state_dict(method.state_dict())
    assert torch.equal(copy(IMAGES).score, method(IMAGES).score)


def test_a_missing_file_is_named():
    with pytest.raises(ValueError, match=r"nowhere\.pt is no file of torch weights"):
        observed(untrained(weights="nowhere.pt"))


def test_a_file_of_something_else_is_refused(tmp_path: Path):
    (tmp_path / "text.pt").write_text("not weights")
    with pytest.raises(ValueError, match="is no file of torch weights"):
        observed(untrained(weights=str(tmp_path / "text.pt")))


def test_weights_of_another_network_are_refused(tmp_path: Path):
    torch.save({"layer1.weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"holds no features\.0\.weight"):
        observed(untrained(weights=str(tmp_path / "other.pt")))


def test_weights_of_another_size_are_refused(tmp_path: Path):
    torch.save(Vgg(1, (64,)).state_dict(), tmp_path / "grey.pt")
    with pytest.raises(ValueError, match=r"has a features\.0\.weight of \(64, 1, 3, 3\); \(64, 3, 3, 3\)"):
        observed(untrained(weights=str(tmp_path / "grey.pt")))


def test_vgg_19_takes_no_two_channels():
    with pytest.raises(ValueError, match="sees 1 or 3 channels; there are 2"):
        PerceptualAutoencoder(InputShape(2, 16, 16), PerceptualAutoencoder.Options(weights="vgg.pt"))
