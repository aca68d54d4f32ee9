"""What a STOW-RS answer says of the one instance that was sent.

Source: PS3.18 10.5.3 (status), I.2 (Store Instances Response), table I.2-2 (failure reasons).
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["stored", "later", "refused"]

_FAILED, _REASON = "00081198", "00081197"
_DUPLICATE = 0x0111  # duplicate SOP instance: it is there already
_TRANSIENT = (range(0xA700, 0xA800), range(0x0110, 0x0111))  # out of resources, processing failure
_FOR_GOOD = frozenset((400, 404, 405, 406, 410, 411, 413, 414, 415, 422))


@dataclass(frozen=True)
class StoreAnswer:
    status: int
    content: bytes

    @property
    def outcome(self) -> Outcome:
        """Whether it is there now, may be if it is sent again, or will not be."""
        reason = self.failure_reason
        if reason is not None:
            return _outcome_of_reason(reason)
        if self.status == 200:
            return "stored"
        # Without an item that failed, 202 tells of a warning: an element was coerced (10.5.3.1).
        if self.status == 202 and self._response() is not None:
            return "stored"
        return "refused" if self.status in _FOR_GOOD or 300 <= self.status < 400 else "later"

    @property
    def words(self) -> str:
        reason = self.failure_reason
        return f"it answers {self.status}" + (f", failure reason {reason:04X}" if reason is not None else "")

    @property
    def failure_reason(self) -> int | None:
        """Failure Reason (0008,1197) of the instance, if it failed."""
        try:
            reason = (self._response() or {})[_FAILED]["Value"][0][_REASON]["Value"][0]
        except (KeyError, IndexError, TypeError):
            return None
        return reason if isinstance(reason, int) else None

    def _response(self) -> dict[str, Any] | None:
        try:
            found = json.loads(self.content)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def _outcome_of_reason(reason: int) -> Outcome:
    if reason == _DUPLICATE:
        return "stored"
    return "later" if any(reason in codes for codes in _TRANSIENT) else "refused"
