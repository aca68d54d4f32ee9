"""UIDs in paths and of our own: PS3.5 9.1 and B.2."""

import re
from uuid import uuid4

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def is_uid(text: object) -> bool:
    return isinstance(text, str) and len(text) <= 64 and _UID.fullmatch(text) is not None


def make_uid() -> str:
    """One that nobody can guess: a Transaction UID is what a workitem is kept by."""
    return f"2.25.{uuid4().int}"
