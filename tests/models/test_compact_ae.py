import torch

from models.method import Batch, Descent, InputShape, Observation
from models.methods.compact_ae import CompactAutoencoder

SHAPE = InputShape(1, 16, 16)
IMAGES = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def untrained(distance_weight: float) -> CompactAutoencoder:
    torch.manual_seed(0)
    options = CompactAutoencoder.Options(width=2, latent=2, distance_weight=distance_weight)
    return CompactAutoencoder(SHAPE, options).eval()


def encode_as(method: CompactAutoencoder, latent: list[float]) -> None:
    method.encoder.forward = lambda images: torch.tensor([latent]).repeat(len(images), 1)  # type: ignore[method-assign]


def test_the_centre_is_the_mean_latent_vector_of_the_normals():
    method = untrained(1.0)
    _reconstruct, stage, _compact = method.stages()
    assert isinstance(stage, Observation)
    encode_as(method, [1.0, 4.0])
    stage.observe(IMAGES[:1])
    encode_as(method, [3.0, 0.0])
    stage.observe(IMAGES)
    stage.finalize()
    torch.testing.assert_close(method.centre, torch.tensor([2.6, 0.8]))


def test_the_score_adds_the_weighed_mean_square_to_the_centre():
    method = untrained(0.5)
    method.centre = torch.tensor([1.0, 1.0])
    encode_as(method, [2.0, 4.0])
    prediction = method(IMAGES)
    torch.testing.assert_close(prediction.score, prediction.anomaly_map.mean(dim=(1, 2, 3)) + 0.5 * 5.0)


def test_the_map_is_the_squared_residual():
    prediction = untrained(0.5)(IMAGES)
    torch.testing.assert_close(prediction.anomaly_map, (IMAGES - prediction.reconstruction) ** 2)


def test_the_last_stages_loss_is_the_mean_score():
    method = untrained(0.5)
    method.centre = torch.tensor([1.0, -1.0])
    stage = method.stages()[2]
    assert isinstance(stage, Descent)
    [update] = stage.step(Batch(IMAGES, torch.zeros(4)), 0)
    torch.testing.assert_close(update.loss, method(IMAGES).score.mean())


def test_the_first_stage_knows_no_centre():
    method = untrained(0.5)
    method.centre = torch.tensor([100.0, 100.0])
    stage = method.stages()[0]
    assert isinstance(stage, Descent)
    [update] = stage.step(Batch(IMAGES, torch.zeros(4)), 0)
    torch.testing.assert_close(update.loss, method(IMAGES).anomaly_map.mean())
