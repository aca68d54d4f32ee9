"""The model behind BentoML (https://docs.bentoml.com), batched adaptively as its documentation has it.

ATYPIA_BENCHMARK="BUNDLES:WORKERS" bentoml serve benchmarks.serving.bentoml_server:Scoring
"""

import os
from pathlib import Path
from typing import Any

import bentoml

from benchmarks.serving.scorer import BATCH, Scorer

# BentoML imports this file in each of its processes, and gives it nothing else.
BUNDLES, WORKERS = os.environ["ATYPIA_BENCHMARK"].rsplit(":", 1)


@bentoml.service(
    workers=int(WORKERS),
    traffic={"timeout": 300, "max_concurrency": 1000},
    logging={"access": {"enabled": False}},
)
class Scoring:
    def __init__(self) -> None:
        self._scorer = Scorer(Path(BUNDLES), workers=int(WORKERS))

    @bentoml.api(batchable=True, max_batch_size=BATCH, max_latency_ms=300_000)  # type: ignore[untyped-decorator]  # it has no types
    def score(self, images: list[Path]) -> list[dict[str, Any]]:
        return self._scorer.score([path.read_bytes() for path in images])
