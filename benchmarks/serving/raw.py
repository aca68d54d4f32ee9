"""ONNX Runtime alone, in a loop and in a process of its own: what the service is measured against."""

import multiprocessing
import time
from pathlib import Path

import numpy as np

from inference.bundle import MODEL, load_bundle
from inference.session import Session


def raw_rate(bundles: Path, *, batch: int, for_s: float) -> float:
    """Slices a second of a bundle's graph, in batches of that size."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_rate, (bundles, batch, for_s))


def _rate(bundles: Path, batch: int, for_s: float) -> float:
    bundle = load_bundle(next(bundles.iterdir()))
    session = Session(bundle.folder / MODEL, optimization_level=bundle.manifest.graph_optimization_level)
    picture = bundle.manifest.network_data_format.inputs["image"]
    shape = (batch, picture.num_channels, *picture.spatial_shape)
    images = np.random.default_rng(0).random(shape, np.float32)
    session.run(images)
    start, slices = time.perf_counter(), 0
    while time.perf_counter() - start < for_s:
        session.run(images)
        slices += batch
    return slices / (time.perf_counter() - start)
