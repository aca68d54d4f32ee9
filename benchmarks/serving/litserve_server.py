"""The model behind LitServe (https://lightning.ai/docs/litserve), batched as its documentation has it.

python -m benchmarks.serving.litserve_server BUNDLES PORT WORKERS
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import litserve
from fastapi import Request

from benchmarks.serving.scorer import BATCH, DELAY_S, Scorer


class Api(litserve.LitAPI):  # type: ignore[misc]  # a class without types
    def __init__(self, bundles: Path, *, workers: int) -> None:
        super().__init__(max_batch_size=BATCH, batch_timeout=DELAY_S, api_path="/score")
        self._bundles, self._workers = bundles, workers

    def setup(self, device: str) -> None:  # noqa: ARG002  # LitServe names it
        """In each worker."""
        self._scorer = Scorer(self._bundles, workers=self._workers)

    def decode_request(self, request: Request) -> bytes:
        content: bytes = request["images"].file.read()
        return content

    def batch(self, inputs: Sequence[bytes]) -> Sequence[bytes]:
        return inputs

    def predict(self, contents: Sequence[bytes]) -> list[dict[str, Any]]:
        return self._scorer.score(contents)

    def unbatch(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return output

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    bundles, port, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    server = litserve.LitServer(
        Api(bundles, workers=workers), accelerator="cpu", workers_per_device=workers, timeout=300
    )
    server.run(host="127.0.0.1", port=port, log_level="error", generate_client_file=False)
