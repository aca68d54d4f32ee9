"""Rows into a file: CSV, JSON or Parquet, by the file's suffix."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

Rows = Sequence[dict[str, Any]]

# In every table, whatever was scored; others stand between the two groups.
_FIRST = ("path", "files", "model", "score", "percentile", "p_value", "pred_label")
_LAST = ("findings", "map", "warnings", "error")


def to_csv(rows: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns_of(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def to_json(rows: Rows) -> bytes:
    columns = columns_of(rows)
    return json.dumps([{name: row.get(name) for name in columns} for row in rows], indent=1).encode()


def to_parquet(rows: Rows) -> bytes:
    # Heavy and optional: the extra `parquet`.
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ValueError("a .parquet file needs pyarrow: pip install 'atypia[parquet]'") from error
    columns = columns_of(rows)
    table = pyarrow.table({name: [row.get(name) for row in rows] for name in columns})
    out = io.BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()


FORMATS: dict[str, Callable[[Rows], bytes]] = {".csv": to_csv, ".json": to_json, ".parquet": to_parquet}


def format_of(path: Path) -> Callable[[Rows], bytes]:
    """The writer for a file's suffix.

    Raises:
        ValueError: There is none, or it needs a package that is missing.
    """
    if path.suffix.lower() not in FORMATS:
        raise ValueError(
            f"unknown table format {path.suffix or path.name!r}; choose from {', '.join(FORMATS)}"
        )
    write = FORMATS[path.suffix.lower()]
    write([])
    return write


def columns_of(rows: Rows) -> list[str]:
    """The columns of all rows, in a fixed order."""
    seen = {name: None for row in rows for name in row}
    between = [name for name in seen if name not in (*_FIRST, *_LAST)]
    return [*_FIRST, *between, *_LAST]
