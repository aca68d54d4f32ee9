"""Which attribute is treated how: Table E.1-1 of PS3.15, read from the file beside this one.

Source: PS3.15 2026d, E.1 (the action codes), Table E.1-1 (the attributes); its columns in `table_e_1_1.tsv`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

EDITION = "2026d"
BASIC_ACTIONS = frozenset(("X", "Z", "D", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"))
_FILE = Path(__file__).with_name("table_e_1_1.tsv")


@dataclass(frozen=True)
class Rule:
    """One row: `tag` as the standard prints it, x for any digit; `options` maps a column to `K` or `C`."""

    tag: str
    name: str
    basic: str
    options: Mapping[str, str]


def read_table() -> tuple[Rule, ...]:
    """Every row, in the order of tags.

    Raises:
        ValueError: A code is not one of the standard's.
    """
    lines = [line for line in _FILE.read_text(encoding="ascii").splitlines() if not line.startswith("#")]
    columns = lines[0].split("\t")[3:]
    return tuple(_rule(line.split("\t"), columns) for line in lines[1:])


def rule_of(tag: int) -> Rule | None:
    """The row of an attribute that is not private; None where the table has none."""
    return _BY_TAG.get(f"({tag >> 16:04X},{tag & 0xFFFF:04X})") or _repeated(tag)


def _rule(cells: list[str], columns: list[str]) -> Rule:
    tag, name, basic, *codes = cells
    options = {column: code for column, code in zip(columns, codes, strict=False) if code}
    if basic not in BASIC_ACTIONS or not set(options.values()) <= {"K", "C"}:
        raise ValueError(f"the row of {tag} holds a code that PS3.15 E.1 does not know")
    return Rule(tag, name, basic, options)


def _repeated(tag: int) -> Rule | None:
    """Of the curves and overlays, whose groups are counted up (PS3.5 7.6)."""
    group = tag >> 24
    if group == 0x50:
        return _BY_TAG["(50xx,xxxx)"]
    if group == 0x60:
        # A plane without its bits is none, so that its rows and columns go with them (PS3.3 C.9.2).
        return _BY_TAG.get(f"(60xx,{tag & 0xFFFF:04X})", _BY_TAG["(60xx,3000)"])
    return None


TABLE = read_table()
_BY_TAG = {rule.tag: rule for rule in TABLE}
