"""The same model behind other servers: bytes to result in one process, in the service's own words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imaging.read import read_image
from inference.bundle import load_bundle
from inference.placement import Placement
from inference.predictor import Predictor
from inference.scoring import finish, prepare
from inference.session import GraphOutput
from service.cores import inference_threads, usable_cores
from service.results import ResultView

BATCH = 16
# As long as the service waits for slices that are being decoded.
DELAY_S = 0.005


class Scorer:
    """Decodes, prepares, runs a batch and makes results as the service does, but keeps and stores nothing."""

    def __init__(self, bundles: Path, *, workers: int) -> None:
        """Load the only bundle in `bundles`; the workers of one server share the cores."""
        threads = inference_threads(usable_cores(), workers=workers)
        bundle = load_bundle(next(bundles.iterdir()))
        self._predictor = Predictor.load(bundle, placement=Placement(threads=threads), max_batch=BATCH)

    def score(self, contents: Sequence[bytes]) -> list[dict[str, Any]]:
        """One result for each picture, all of them in one batch."""
        bundle = self._predictor.bundle
        images = [read_image([content]) for content in contents]
        prepared = [prepare(bundle, image, scope="warn") for image in images]
        output = self._predictor.session.run(np.concatenate([one.batch for one in prepared]))
        rows = [
            GraphOutput(output.score[number, None], output.anomaly_map[number, None], None)
            for number in range(len(images))
        ]
        return [
            ResultView.of("", bundle, image, finish(bundle, image, one, row)).model_dump()
            for image, one, row in zip(images, prepared, rows, strict=True)
        ]
