"""How often it is told that somebody was refused."""

import time

_QUIET_S = 60.0
_MOST_CALLERS = 1000


class RefusalLimit:
    """One message a minute for each caller: who guesses keys must not fill the repository."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._since = time.monotonic()

    def is_first(self, caller: str) -> bool:
        """Whether nobody of that name was told of in this minute; False as well where too many were."""
        if time.monotonic() - self._since >= _QUIET_S:
            self._seen.clear()
            self._since = time.monotonic()
        if caller in self._seen or len(self._seen) >= _MOST_CALLERS:
            return False
        self._seen.add(caller)
        return True
