"""Values that say nothing, valid in their value representation (PS3.5 6.2), and dates moved by whole days."""

import re
from datetime import date, timedelta

Value = str | int | float | bytes

TEXT = "REMOVED"
_DUMMIES: dict[str, Value] = {
    "AE": TEXT,
    "AS": "000Y",
    "CS": TEXT,
    "DA": "19000101",
    "DS": "1",
    "DT": "19000101000000",
    "FD": 0.0,
    "FL": 0.0,
    "IS": "1",
    "LO": TEXT,
    "LT": TEXT,
    "PN": TEXT,
    "SH": TEXT,
    "SL": 0,
    "SS": 0,
    "ST": TEXT,
    "SV": 0,
    "TM": "000000",
    "UC": TEXT,
    "UL": 0,
    "UR": "about:removed",
    "US": 0,
    "UT": TEXT,
    "UV": 0,
}
_BYTES = bytes(8)  # as long as the longest number in an OB, OW, OL or OV
_DATE = re.compile(r"(\d{4})(?:(\.?)(\d\d)(?:\2(\d\d))?)?")  # PS3.5 6.2: also the old form with dots


def dummy(vr: str) -> Value:
    return _DUMMIES.get(vr, _BYTES)


def moved(value: str, vr: str, days_earlier: int) -> str | None:
    """A DA, DT or TM, several or a range of them, that many days earlier; None where one is no date.

    A time of day alone stays. A DT that names no month or day is moved as from the first.
    """
    if vr == "TM":
        return value if re.fullmatch(r"[\d:. \-\\]*", value) else None
    pieces = re.split(r"(\\|(?<=\d{8})-(?=\d{8}))", value)
    found = [piece if piece in ("\\", "-") else _moved_one(piece.strip(), days_earlier) for piece in pieces]
    return None if None in found else "".join(piece for piece in found if piece is not None)


def _moved_one(text: str, days_earlier: int) -> str | None:
    start = _DATE.match(text)
    if start is None or not re.fullmatch(r"[\d.+\-]*", text[start.end() :]):
        return None if text else ""
    year, _, month, day = start.groups()
    try:
        then = date(int(year), int(month or 1), int(day or 1)) - timedelta(days=days_earlier)
    except (ValueError, OverflowError):
        return None
    parts = [f"{then.year:04}", f"{then.month:02}" if month else "", f"{then.day:02}" if day else ""]
    return "".join(parts) + text[start.end() :]
