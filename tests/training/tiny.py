"""A data set and a config small enough for a test to train on."""

from pathlib import Path
from typing import Any

import numpy as np

from training.config import Config, parse_config

SIDE = 32


def discs(count: int, seed: int) -> np.ndarray:
    """Bright discs of varying place on a dim ground, `(N, 32, 32)` uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    places = rng.uniform(13, 19, (count, 2, 1, 1))
    distance = np.hypot(x - places[:, 0], y - places[:, 1])
    noise = rng.normal(0, 4, (count, SIDE, SIDE))
    return np.clip(40 + 120 / (1 + np.exp(distance - 10)) + noise, 0, 255).astype(np.uint8)


def write_data(folder: Path) -> Path:
    """An `.npz` of 60 normals of 30 patients, and 8 normal and 8 anomalous test images with masks."""
    test = discs(16, seed=2)
    masks = np.zeros_like(test)
    masks[8:, 10:16, 10:16] = 1
    test[masks > 0] = 255
    path = folder / "discs.npz"
    np.savez(
        path,
        train_normal=discs(60, seed=1),
        train_name=[f"p{index // 2}-{index}" for index in range(60)],
        test=test,
        test_label=np.repeat([0, 1], 8),
        test_mask=masks,
        test_name=[f"t{index}-{index}" for index in range(16)],
    )
    return path


def tables(data: Path, **method: Any) -> dict[str, Any]:
    """The tables of a config; keywords are the method's name and options."""
    name = method.pop("name", "atlas")
    return {
        "name": "discs",
        "data": {"path": str(data), "patient_pattern": r"^([pt]\d+)-"},
        "preprocessing": [{"name": "resize", "height": SIDE, "width": SIDE}, {"name": "percentile_stretch"}],
        "method": {"name": name, "options": method or ({"neighbours": 5} if name == "atlas" else {})},
        "fit": {"batch_size": 8, "device": "cpu", "checkpoint_every_steps": 4},
        "calibration": {"share": 0.7},
    }


def tiny_config(data: Path, **method: Any) -> Config:
    return parse_config(tables(data, **method))
