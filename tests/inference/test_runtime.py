import os
import subprocess
import sys
from pathlib import Path

from tests.service.bundle_builder import GRAPH

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = (
    "import sys; from pathlib import Path; from inference.session import Session; Session(Path(sys.argv[1]))"
)


def test_the_runtime_leaves_no_trace_of_telemetry(tmp_path: Path):
    # In CI the library is silent by itself: that must not hide anything here.
    environment = {
        key: value for key, value in os.environ.items() if key not in {"CI", "ORT_DISABLE_TELEMETRY"}
    }
    places = {
        name: str(tmp_path)
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "TMPDIR")
    }
    command = [sys.executable, "-c", SCRIPT, str(GRAPH)]
    subprocess.run(command, cwd=ROOT, env=environment | places, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []


def test_nothing_else_loads_the_runtime():
    found = {
        str(path.relative_to(ROOT))
        for folder in ("imaging", "inference", "models", "training", "service")
        for path in (ROOT / folder).rglob("*.py")
        if "import onnxruntime" in path.read_text()
    }
    assert found == {"inference/runtime.py"}
