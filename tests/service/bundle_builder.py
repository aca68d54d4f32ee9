"""Makes tiny valid bundles around `blur_residual.onnx`."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inference.calibration import operating_point
from inference.manifest import (
    Calibration,
    Manifest,
    NetworkDataFormat,
    Scope,
    TensorFormat,
    TrainingData,
)
from inference.session import Session
from inference.steps import Clahe, PercentileStretch, Resize, Step

GRAPH = Path(__file__).with_name("blur_residual.onnx")
SIDE = 32
SCORES = tuple(index / 4000 for index in range(1, 101))

FAST: tuple[Step, ...] = (PercentileStretch(low=0, high=100), Resize(height=SIDE, width=SIDE))
# About 10 ms a slice, so that a volume of a few hundred takes seconds.
SLOW: tuple[Step, ...] = (Resize(height=128, width=128), PercentileStretch(), Clahe(), *FAST)


def make_bundle(
    folder: Path,
    *,
    name: str = "tiny",
    modalities: Sequence[str] = (),
    steps: tuple[Step, ...] = FAST,
    channels: int = 1,
    contrasts: tuple[str, ...] = (),
) -> Path:
    """Write the bundle `name` below `folder`; `channels` are the network's."""
    target = folder / name
    target.mkdir(parents=True)
    shutil.copy(GRAPH, target / "model.onnx")
    (target / "card.md").write_text(f"# {name}\n\nA test's. Research use only.\n")
    images = np.random.default_rng(0).random((2, channels, SIDE, SIDE), np.float32)
    output = Session(GRAPH).run(images)
    np.savez(target / "parity.npz", image=images, score=output.score, anomaly_map=output.anomaly_map)
    manifest = _manifest(name, modalities, steps, channels=channels, files=_digests(target))
    manifest = Manifest.model_validate({**manifest.model_dump(), "contrasts": contrasts})
    (target / "manifest.json").write_text(manifest.model_dump_json(indent=1))
    return target


def _manifest(
    name: str, modalities: Sequence[str], steps: tuple[Step, ...], *, channels: int, files: dict[str, str]
) -> Manifest:
    picture = TensorFormat(num_channels=channels, spatial_shape=(SIDE, SIDE))
    plane = TensorFormat(num_channels=1, spatial_shape=(SIDE, SIDE))
    rates = {"fa-1": 0.01, "fa-5": 0.05, "fa-10": 0.1}
    return Manifest(
        name=name,
        version="1.0.0",
        method="blur-residual",
        description="what a 3 x 3 mean takes away",
        authors="tests",
        copyright="none",
        licence="CC0",
        network_data_format=NetworkDataFormat(
            inputs={"image": picture}, outputs={"anomaly_map": plane, "reconstruction": picture}
        ),
        preprocessing=steps,
        scope=Scope(modalities=tuple(modalities)),
        calibration=Calibration(scores=SCORES, map_threshold=0.1, map_false_alarm_rate=0.01),
        operating_points=tuple(
            operating_point(label, false_alarm_rate=rate, calibration_scores=SCORES)
            for label, rate in rates.items()
        ),
        default_operating_point="fa-5",
        training_data=TrainingData(
            data_source="none", licence="CC0", attribution="none", images=0, patients=0
        ),
        created_at="2026-01-01T00:00:00Z",
        files=files,
    )


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
