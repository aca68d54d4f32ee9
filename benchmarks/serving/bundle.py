"""A bundle as large and as slow as a real one; what it has learned does not matter to a clock."""

from pathlib import Path

import numpy as np

from training.config import parse_config
from training.export import export
from training.fit import fit

IMAGES = 64


def train_bundle(folder: Path, *, method: str, side: int, steps: int = 2) -> Path:
    """Train the method, at its default size, for two steps on `side` x `side` images, and export it.

    Returns:
        The folder that holds the bundle.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (IMAGES, side // 8, side // 8), np.uint8)
    images = np.kron(coarse, np.ones((1, 8, 8), np.uint8))
    names = [f"p{number}-0" for number in range(IMAGES)]
    np.savez(
        folder / "images.npz",
        train_normal=images,
        train_name=names,
        test=images[:4],
        test_label=[0, 0, 1, 1],
        test_name=[f"t{number}-0" for number in range(4)],
    )
    config = parse_config(
        {
            "name": f"{method}-{side}",
            "data": {"path": str(folder / "images.npz"), "patient_pattern": r"^([pt]\d+)-"},
            "preprocessing": [
                {"name": "resize", "height": side, "width": side},
                {"name": "percentile_stretch"},
            ],
            "method": {"name": method, "options": {"steps": steps} if method == "dae" else {}},
            "fit": {"batch_size": 8, "device": "cpu"},
        }
    )
    fit(config, folder / "run", resume=False)
    export(folder / "run", folder / "bundles")
    return folder / "bundles"
