"""What every registered method promises, asked of each in the same words."""

import inspect
from collections.abc import Iterator

import pytest
import torch

from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation
from models.methods.ensemble import Member
from models.registry import METHODS

SHAPE = InputShape(1, 64, 64)

# Small enough for a test to train each method in seconds.
TINY: dict[str, dict[str, object]] = {
    "ae": {"width": 4, "latent": 4, "steps": 120},
    "aeu": {"width": 4, "latent": 4, "steps": 120},
    "atlas": {"neighbours": 5},
    "compact_ae": {"width": 4, "latent": 4, "reconstruct_steps": 60, "compact_steps": 60},
    "cutpaste": {"width": 4, "steps": 60},
    "dae": {"width": 4, "steps": 40, "learning_rate": 3e-3, "residual": "normalised"},
    "deep_sad": {"widths": (4, 4, 4, 4), "representation": 16, "pretrain_steps": 60, "steps": 60},
    "deep_svdd": {"widths": (4, 4, 4, 4), "representation": 16, "pretrain_steps": 60, "steps": 60},
    "ensemble": {"members": (Member("atlas", {"neighbours": 5}), Member("knn"))},
    "f_anogan": {
        "width": 4,
        "latent": 4,
        "latent_activation": "none",
        "critic_turns": 2,
        "gan_steps": 150,
        "encoder_steps": 100,
        "learning_rate": 1e-3,
        "encoder_learning_rate": 2e-3,
    },
    "gm_vae": {"width": 4, "latent": 4, "style": 4, "clusters": 3, "steps": 120},
    "knn": {},
    "mean_intensity": {},
    "mem_ae": {"width": 4, "latent": 4, "steps": 120},
    "memdae": {"width": 8, "latent": 16, "steps": 30},
    "oc_svm": {},
    "padim": {"width": 4, "feature_steps": 30},
    "patchcore": {"width": 4, "feature_steps": 30},
    "pca": {"components": 4},
    "perceptual_ae": {"width": 4, "latent": 4, "feature_width": 4, "feature_steps": 30, "steps": 100},
    "rlad": {"width": 4, "latent": 16, "selection_rate": 0.5, "steps_per_round": 20},
    "synthetic_unet": {"width": 4, "neighbours": 5, "skip": 1, "steps": 60, "learning_rate": 1e-2},
    "vae": {"width": 4, "latent": 4, "steps": 120},
}

pytestmark = pytest.mark.parametrize("name", METHODS, scope="module")


def normals(count: int, seed: int = 0) -> torch.Tensor:
    """Smooth pictures: a bright disc of varying place and size on a dim ground."""
    rng = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    place = (torch.rand(count, 2, 1, 1, generator=rng) - 0.5) * 0.2
    radius = 0.6 + 0.1 * torch.rand(count, 1, 1, generator=rng)
    distance = ((x - place[:, 0]) ** 2 + (y - place[:, 1]) ** 2).sqrt()
    return (0.1 + 0.5 * torch.sigmoid((radius - distance) * 20))[:, None]


def with_lesion(images: torch.Tensor) -> torch.Tensor:
    planted = images.clone()
    planted[:, :, 28:40, 24:36] = 1.0
    return planted


def build(name: str) -> AnomalyMethod:
    torch.manual_seed(0)
    method = METHODS[name]
    return method(SHAPE, method.Options(**TINY[name]))


@pytest.fixture(scope="module")
def trained(name: str) -> Iterator[AnomalyMethod]:
    """The method after its stages, driven by the plainest loop that keeps the contract."""
    method = build(name).train()
    images = normals(32)
    rng = torch.Generator().manual_seed(0)
    for stage in method.stages():
        if isinstance(stage, Observation):
            method.eval()
            with torch.no_grad():
                stage.observe(images)
            stage.finalize()
            continue
        assert isinstance(stage, Descent)
        method.train()
        optimizers = stage.optimizers()
        for number in range(stage.steps):
            indices = torch.randperm(32, generator=rng)[:8]
            for update in stage.step(Batch(images[indices], torch.zeros(8), indices), number):
                optimizers[update.optimizer].zero_grad()
                update.loss.backward()
                optimizers[update.optimizer].step()
    yield method.eval().requires_grad_(False)


def test_shapes_are_those_of_the_contract(name: str, trained: AnomalyMethod):
    prediction = trained(normals(3, seed=1))
    assert prediction.score.shape == (3,)
    assert prediction.anomaly_map.shape == (3, 1, 64, 64)
    assert prediction.reconstruction is None or prediction.reconstruction.shape == (3, 1, 64, 64)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_flat_image_gets_a_finite_score_and_map(name: str, trained: AnomalyMethod, value: float):
    prediction = trained(torch.full((1, 1, 64, 64), value))
    assert torch.isfinite(prediction.score).all()
    assert torch.isfinite(prediction.anomaly_map).all()


def test_a_planted_lesion_scores_higher(name: str, trained: AnomalyMethod):
    clean = normals(8, seed=2)
    assert (trained(with_lesion(clean)).score > trained(clean).score).all()


def test_the_map_is_highest_on_the_planted_lesion(name: str, trained: AnomalyMethod):
    anomaly_map = trained(with_lesion(normals(8, seed=2))).anomaly_map
    assert anomaly_map[:, :, 28:40, 24:36].mean() > 1.5 * anomaly_map.mean()


def test_an_image_scores_the_same_alone_and_in_a_batch(name: str, trained: AnomalyMethod):
    images = with_lesion(normals(4, seed=3))
    alone = torch.cat([trained(image[None]).score for image in images])
    torch.testing.assert_close(trained(images).score, alone, rtol=1e-4, atol=1e-6)


def test_the_input_is_left_as_it_was(name: str, trained: AnomalyMethod):
    images = normals(2, seed=4)
    before = images.clone()
    trained(images)
    assert torch.equal(images, before)


def test_a_checkpoint_holds_all_that_was_learned(name: str, trained: AnomalyMethod):
    images = with_lesion(normals(2, seed=5))
    copy = build(name).eval()
    copy.load_state_dict(trained.state_dict())
    assert torch.equal(copy(images).score, trained(images).score)


def test_stages_are_the_same_every_time(name: str):
    method = build(name)
    assert [stage.name for stage in method.stages()] == [stage.name for stage in method.stages()]


def test_stage_names_differ(name: str):
    names = [stage.name for stage in build(name).stages()]
    assert len(set(names)) == len(names)


def test_the_file_cites_its_source(name: str):
    text = inspect.getdoc(inspect.getmodule(METHODS[name])) or ""
    assert "Source:" in text and "https://" in text


@pytest.mark.parametrize("side", [64, 128])
def test_defaults_take_64_and_128_pixels(name: str, side: int):
    method = METHODS[name]
    assert isinstance(method(InputShape(1, side, side), method.Options()), AnomalyMethod)
