"""Who is asking, and what they may do."""

from dataclasses import dataclass
from typing import Literal

Scope = Literal["score", "read", "admin"]
"""`score` submits images and sees its own jobs, `read` sees everybody's, `admin` may do all."""

SCOPES: tuple[Scope, ...] = ("score", "read", "admin")


@dataclass(frozen=True)
class Principal:
    """`owner` is the id of the key or of the token's subject; "" for anonymous users."""

    owner: str
    scopes: frozenset[Scope]

    def can(self, *any_of: Scope) -> bool:
        return "admin" in self.scopes or not self.scopes.isdisjoint(any_of)

    def sees(self, owner: str) -> bool:
        """Whether a job of that owner exists for this principal."""
        return self.owner == owner or self.can("read")

    def changes(self, owner: str) -> bool:
        """Whether this principal may cancel, delete or retry a job of that owner."""
        return self.can("admin") or (self.owner == owner and self.can("score"))


# Where nobody is asked who they are, everybody may do everything.
ANONYMOUS = Principal("", frozenset(SCOPES))
