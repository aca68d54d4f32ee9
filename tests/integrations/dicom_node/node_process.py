"""The node as a process of its own, to be killed."""

import re
import subprocess
import sys
from pathlib import Path

from integrations.dicom_node.settings import NodeSettings
from tests.integrations.dicom_node.peers import Address

ROOT = Path(__file__).resolve().parents[3]
_CODE = """
import sys
from pathlib import Path
from integrations.dicom_node.command import run
run(Path(sys.argv[1]))
"""


def settings_file(settings: NodeSettings, path: Path) -> Path:
    """The settings as an operator would write them."""
    lines = []
    for table in ("listen", "spool", "service"):
        lines.append(f"[{table}]")
        lines += _lines_of(getattr(settings, table).model_dump(mode="json"))
    for table in ("destination", "rule"):
        for entry in getattr(settings, table):
            lines.append(f"[[{table}]]")
            lines += _lines_of(entry.model_dump(mode="json"))
    path.write_text("\n".join(lines))
    return path


def start_node(file: Path, log: Path) -> "tuple[subprocess.Popen[str], Address]":
    """A node at work, and where it listens."""
    with log.open("a") as out:
        out.write("started\n")
        out.flush()
        begin = out.tell()
        process = subprocess.Popen([sys.executable, "-c", _CODE, str(file)], cwd=ROOT, stderr=out, text=True)
    with log.open() as said:
        said.seek(begin)
        text = ""
        while process.poll() is None:
            text += said.read()
            if found := re.search(r"listens at (\S+):(\d+) ", text):
                return process, (found.group(1), int(found.group(2)))
    raise AssertionError(f"the node ended: {text}")


def _lines_of(table: dict[str, object]) -> list[str]:
    return [f"{name} = {_toml(value)}" for name, value in table.items() if value is not None]


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
