"""The Prefer header (RFC 7240): how long a client is willing to wait for the result itself."""

import re

_WAIT = re.compile(r"(?:^|,|;)\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?:$|,|;)", re.IGNORECASE)


def wait_of(prefer: str | None, *, longest_s: float) -> float | None:
    """Seconds to wait, at most `longest_s`; None where the header does not ask for it."""
    found = _WAIT.search(prefer or "")
    return min(float(found.group(1)), longest_s) if found else None
