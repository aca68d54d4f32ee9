"""Which series are scored, and by what: the first rule that a series fits decides."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict

from integrations.dicom_node.series import SeriesFacts


class Rule(BaseModel):
    """What is not given fits anything; case means nothing, and `description` may hold `*`, `?` and `[…]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    modality: str | None = None
    body_part: str | None = None
    description: str | None = None
    model: str | None = None
    scope: Literal["enforce", "warn"] | None = None
    priority: Literal["high", "normal", "low"] | None = None

    def fits(self, facts: SeriesFacts) -> bool:
        return (
            _is_same(self.modality, facts.modality)
            and _is_same(self.body_part, facts.body_part)
            and (
                self.description is None
                or fnmatchcase(facts.description.casefold(), self.description.casefold())
            )
        )


def rule_for(facts: SeriesFacts, rules: Sequence[Rule]) -> Rule | None:
    return next((rule for rule in rules if rule.fits(facts)), None)


def _is_same(wanted: str | None, given: str) -> bool:
    return wanted is None or wanted.casefold() == given.casefold()
