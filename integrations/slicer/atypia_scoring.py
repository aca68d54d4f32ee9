"""A volume to a running service and its heatmap back. Research use only.

With nothing but Python's own library, and without Slicer.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_REQUEST_S = 120.0
_POLL_S = 0.5
_FAILED = {"failed", "cancelled", "expired"}


class ScoringError(Exception):
    """Why there is no heatmap, in one sentence."""


@dataclass(frozen=True)
class Service:
    """`address` such as `http://127.0.0.1:8000`; `key` only where the service asks for one."""

    address: str
    key: str = ""

    def score(
        self, volume: Path, heatmap: Path, *, model: str = "", patience_s: float = 600
    ) -> dict[str, Any]:
        """Score a NIfTI file and write its anomaly map, which lies on the volume's own grid.

        Returns:
            The result, as `GET /jobs/ID/result.json` gives it.

        Raises:
            ScoringError: The service refuses, fails, does not answer, or takes longer than its patience.
        """
        query = urllib.parse.urlencode({"scope": "warn", **({"model": model} if model else {})})
        job = json.loads(self._ask(f"/score?{query}", volume.read_bytes()))
        deadline = time.monotonic() + patience_s
        while job["state"] != "done":
            if job["state"] in _FAILED:
                error = job["error"] or {"detail": f"the job was {job['state']}"}
                raise ScoringError(error["detail"])
            if time.monotonic() > deadline:
                raise ScoringError(
                    f"job {job['job_id']} is {job['state']} after {patience_s:g} s; it goes on"
                )
            time.sleep(_POLL_S)
            job = json.loads(self._ask(f"/jobs/{job['job_id']}"))
        heatmap.write_bytes(self._ask(f"/jobs/{job['job_id']}/result/anomaly_map.nii.gz"))
        result: dict[str, Any] = json.loads(self._ask(f"/jobs/{job['job_id']}/result.json"))
        return result

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        if body is not None:
            headers["Content-Type"] = "application/octet-stream"
        request = urllib.request.Request(f"{self.address.rstrip('/')}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=_REQUEST_S) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            raise ScoringError(_sentence(error)) from error
        except (OSError, ValueError) as error:
            raise ScoringError(f"the service does not answer at {self.address}") from error


def summary(result: Mapping[str, Any]) -> str:
    """What is shown beside the heatmap: never a bare number."""
    flagged = [point["operating_point"] for point in result["decisions"] if point["flagged"]]
    lines = [
        f"Score {result['score']:.4g}, percentile {result['percentile']:.1f} of held-out normals,",
        f"p-value {result['p_value']:.3g}, model {result['model']}.",
        f"Above the operating points {', '.join(flagged)}." if flagged else "Above no operating point.",
        *(str(warning) for warning in result["warnings"]),
        "Research use only.",
    ]
    return "\n".join(lines)


def _sentence(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["detail"])
    except (ValueError, LookupError, TypeError):
        return f"the service answers {error.code}"
