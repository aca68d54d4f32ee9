"""The service against its own description: schemathesis asks what the OpenAPI allows, and what it forbids."""

import subprocess
import sys
from pathlib import Path

import httpx

from tests.e2e.processes import PATIENCE_S, ROOT, address_of, running
from tests.service.uploads_builder import png_bytes


def test_every_route_answers_as_it_is_documented_and_never_with_a_500(tmp_path: Path, bundles: Path):
    with running("serve", "--port", "0", data_dir=tmp_path / "data", bundles=bundles) as process:
        address = address_of(process)
        # A finished job, which the requests about jobs then find.
        httpx.post(f"{address}/score", content=png_bytes(), headers={"Prefer": "wait=60"}, timeout=PATIENCE_S)
        options = ["--checks", "all", "-n", "10", "--generation-deterministic"]
        command = [
            "--config-file",
            str(ROOT / "schemathesis.toml"),
            "run",
            f"{address}/openapi.json",
            *options,
        ]
        asked = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert asked.returncode == 0, asked.stdout[-8000:]
