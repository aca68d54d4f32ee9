"""Every registered method, trained within seconds on made-up pictures."""

from dataclasses import replace
from functools import cache

import torch

from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation
from models.methods.ensemble import Member
from models.registry import METHODS

SHAPE = InputShape(1, 64, 64)
# Methods that compare an image's channels: neighbouring slices, or contrasts.
CHANNELS = {"contrast_translation": 2, "madgan": 6}

# Small enough for a test to train each method in seconds.
TINY: dict[str, dict[str, object]] = {
    "ae": {"width": 4, "latent": 4, "steps": 120},
    "aeu": {"width": 4, "latent": 4, "steps": 250},
    "anoddpm": {
        "width": 4,
        "depth": 150,
        "wavelength": 32.0,
        "learning_rate": 1e-2,
        "average": 0.8,
        "steps": 60,
        "denoising_steps": 5,
    },
    "anogan": {
        "width": 4,
        "latent": 4,
        "gan_steps": 300,
        "learning_rate": 1e-3,
        "average": 0.95,
        "least_diversity": 0.0,
        "most_distance": 9.0,
        "search_steps": 30,
        "feature_share": 0.02,
    },
    "asc_net": {"width": 4, "depth": 3, "critic_width": 4, "steps": 200, "learning_rate": 2e-3},
    "atlas": {"neighbours": 5},
    "ce_vae": {"width": 8, "latent": 4, "steps": 150, "samples": 8, "learning_rate": 3e-3},
    "compact_ae": {"width": 4, "latent": 4, "reconstruct_steps": 60, "compact_steps": 60},
    "contrast_translation": {"width": 4, "depth": 2, "steps": 50, "learning_rate": 1e-2},
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
        "least_diversity": 0.0,
        "most_distance": 9.0,
        "encoder_steps": 100,
        "learning_rate": 1e-3,
        "encoder_learning_rate": 2e-3,
    },
    "fence_gan": {
        "width": 4,
        "latent": 8,
        "alpha": 0.1,
        "beta": 30.0,
        "gamma": 0.1,
        "pretrain_steps": 5,
        "steps": 120,
    },
    "gan_gp": {"width": 4, "critic_turns": 1, "steps": 60, "learning_rate": 2e-3},
    "ganomaly": {"width": 8, "latent": 8, "encoder_weight": 20.0, "steps": 120, "learning_rate": 2e-3},
    "gm_vae": {"width": 4, "latent": 4, "style": 4, "clusters": 3, "steps": 120},
    "inpainting": {"width": 4, "depth": 2, "critic_width": 4, "steps": 60, "learning_rate": 5e-3},
    "knn": {},
    "madgan": {"width": 8, "steps": 40, "learning_rate": 2e-3},
    "mean_intensity": {},
    "mem_ae": {"width": 4, "latent": 4, "steps": 120},
    "memdae": {"width": 8, "latent": 16, "steps": 40, "learning_rate": 3e-4},
    "oc_svm": {},
    "padim": {"width": 4, "feature_steps": 30},
    "patchcore": {"width": 4, "feature_steps": 30},
    "pca": {"components": 4},
    "perceptual_ae": {"width": 4, "latent": 4, "feature_width": 4, "feature_steps": 30, "steps": 100},
    "pggan_inversion": {
        "width": 4,
        "latent": 4,
        "level_steps": 40,
        "least_diversity": 0.0,
        "most_distance": 9.0,
        "encoder_steps": 100,
        "learning_rate": 3e-3,
        "encoder_learning_rate": 5e-3,
    },
    "restoration_vae": {"width": 4, "steps": 150, "learning_rate": 3e-3, "restoration_steps": 20},
    "rlad": {
        "width": 8,
        "latent": 64,
        "selection_rate": 0.5,
        "learning_rate": 3e-4,
        "steps_per_round": 15,
    },
    "symmetry_gan": {"width": 4, "depth": 3, "critic_width": 4, "steps": 60, "learning_rate": 5e-3},
    "synthetic_unet": {"width": 4, "neighbours": 5, "skip": 1, "steps": 60, "learning_rate": 1e-2},
    "vae": {"width": 4, "latent": 4, "steps": 120},
}


def shape_of(name: str) -> InputShape:
    """What the method is asked to take."""
    return replace(SHAPE, channels=CHANNELS.get(name, 1))


def normals(count: int, seed: int = 0, *, channels: int = 1) -> torch.Tensor:
    """Smooth pictures: a bright disc of varying place and size on a dim ground, smaller in each channel."""
    rng = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    place = (torch.rand(count, 2, 1, 1, generator=rng) - 0.5) * 0.2
    radius = 0.6 + 0.1 * torch.rand(count, 1, 1, generator=rng)
    distance = ((x - place[:, 0]) ** 2 + (y - place[:, 1]) ** 2).sqrt()
    smaller = 0.02 * torch.arange(channels)[:, None, None]
    return 0.1 + 0.5 * torch.sigmoid((radius - distance)[:, None] * 20 - 20 * smaller)


def with_lesion(images: torch.Tensor) -> torch.Tensor:
    """A bright square in the later half of the channels: a lesion begins somewhere, and has its contrast."""
    planted = images.clone()
    planted[:, images.shape[1] // 2 :, 28:40, 24:36] = 1.0
    return planted


def build(name: str) -> AnomalyMethod:
    torch.manual_seed(0)
    method = METHODS[name]
    return method(shape_of(name), method.Options(**TINY[name]))


@cache
def train(name: str) -> AnomalyMethod:
    """The method after its stages, driven by the plainest loop that keeps the contract; one for all tests."""
    method = build(name).train()
    images = normals(32, channels=shape_of(name).channels)
    rng = torch.Generator().manual_seed(0)
    for stage in method.stages():
        if isinstance(stage, Observation):
            method.eval()
            with torch.no_grad():
                stage.observe(images)
            stage.finalize()
        else:
            _descend(method, stage, images, rng)
    return method.eval().requires_grad_(False)


def _descend(method: AnomalyMethod, stage: Descent, images: torch.Tensor, rng: torch.Generator) -> None:
    method.train()
    optimizers = stage.optimizers()
    for number in range(stage.steps):
        indices = torch.randperm(len(images), generator=rng)[:8]
        for update in stage.step(Batch(images[indices], torch.zeros(8), indices), number):
            optimizers[update.optimizer].zero_grad()
            update.loss.backward()
            optimizers[update.optimizer].step()
