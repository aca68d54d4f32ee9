"""The service against its own description: schemathesis asks what the OpenAPI allows, and what it forbids."""

import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.e2e.processes import PATIENCE_S, ROOT, address_of, running
from tests.service.uploads_builder import png_bytes


def test_every_route_answers_as_it_is_documented_and_never_with_a_500(tmp_path: Path, bundles: Path):
    data_dir = tmp_path / "data"
    with running("serve", "--port", "0", data_dir=data_dir, bundles=bundles, anonymous="never") as process:
        address = address_of(process)
        with running("keys", "add", "all", "--scope", "admin", data_dir=data_dir) as adding:
            assert adding.stdout is not None
            key = {"Authorization": f"Bearer {adding.stdout.readline().strip()}"}
        # A finished job, which the requests about jobs then find.
        headers = {**key, "Prefer": "wait=60"}
        httpx.post(f"{address}/score", content=png_bytes(), headers=headers, timeout=PATIENCE_S)
        options = ["--checks", "all", "-n", "10", "--generation-deterministic"]
        options += ["--header", f"Authorization: {key['Authorization']}"]
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
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(ROOT / "tests" / "e2e" / "schemathesis_hooks.py")},
            capture_output=True,
            text=True,
            check=False,
        )
    assert asked.returncode == 0, asked.stdout[-8000:]
