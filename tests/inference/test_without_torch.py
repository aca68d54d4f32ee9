import subprocess
import sys
from pathlib import Path

MODULES = sorted(
    f"{package}.{path.stem}"
    for package in ("imaging", "inference")
    for path in (Path(__file__).parents[2] / package).glob("[a-z]*.py")
)
PROGRAM = f"""
import importlib, sys
sys.modules["torch"] = None
for name in {MODULES!r}:
    importlib.import_module(name)
"""


def test_imaging_and_inference_load_where_torch_cannot_be_imported():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
