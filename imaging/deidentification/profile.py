"""The Basic Application Level Confidentiality Profile, and the options of it that are offered.

Source: PS3.15 E.2 and E.3; codes in PS3.16 CID 7050. Not offered are the options that ask for understanding:
Clean Pixel Data, Recognizable Visual Features, Graphics, Structured Content and Descriptors (what they would
clean is removed or replaced), and Retain Safe Private (all private attributes are removed).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from imaging.deidentification.table import Rule

Action = Literal["keep", "remove", "empty", "dummy", "uid", "shift"]


class Option(StrEnum):
    """Named as the columns of the table."""

    RETAIN_UIDS = "retain-uids"
    RETAIN_DEVICE_IDENTITY = "retain-device-identity"
    RETAIN_INSTITUTION_IDENTITY = "retain-institution-identity"
    RETAIN_PATIENT_CHARACTERISTICS = "retain-patient-characteristics"
    RETAIN_FULL_DATES = "retain-full-dates"
    RETAIN_MODIFIED_DATES = "retain-modified-dates"


class Code(NamedTuple):
    """Of the scheme DCM."""

    value: str
    meaning: str


BASIC_CODE = Code("113100", "Basic Application Confidentiality Profile")
OPTION_CODES = {
    Option.RETAIN_FULL_DATES: Code("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    Option.RETAIN_MODIFIED_DATES: Code(
        "113107", "Retain Longitudinal Temporal Information Modified Dates Option"
    ),
    Option.RETAIN_PATIENT_CHARACTERISTICS: Code("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE_IDENTITY: Code("113109", "Retain Device Identity Option"),
    Option.RETAIN_UIDS: Code("113110", "Retain UIDs Option"),
    Option.RETAIN_INSTITUTION_IDENTITY: Code("113112", "Retain Institution Identity Option"),
}

# The IOD decides between the letters of a combined code, and what is there may be mandatory in it. The last
# letter holds in every IOD: a dummy is valid where a value may be empty or absent, not the reverse.
_BASIC: dict[str, Action] = {
    "X": "remove",
    "Z": "empty",
    "D": "dummy",
    "U": "uid",
    "X/Z": "empty",
    "X/D": "dummy",
    "Z/D": "dummy",
    "X/Z/D": "dummy",
    "X/Z/U*": "uid",
}
_DATES = frozenset(("DA", "DT", "TM"))
_NAMES_AND_TEXTS = frozenset(("AE", "LT", "PN", "ST", "UR", "UT"))


@dataclass(frozen=True)
class Profile:
    """The basic profile with some options.

    Raises:
        ValueError: Dates cannot be kept and modified at once.
    """

    options: frozenset[Option] = frozenset()

    def __post_init__(self) -> None:
        if {Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES} <= self.options:
            raise ValueError("choose one of retain-full-dates and retain-modified-dates, not both")

    @classmethod
    def named(cls, names: Iterable[str]) -> "Profile":
        """With the options of these names.

        Raises:
            ValueError: There is no such option, or two contradict each other.
        """
        names = frozenset(names)
        if unknown := names - {str(option) for option in Option}:
            known = ", ".join(sorted(Option))
            raise ValueError(f"unknown option {', '.join(sorted(unknown))}; choose from {known}")
        return cls(frozenset(Option(name) for name in names))

    def action(self, rule: Rule | None, vr: str) -> Action:
        """What is done with an attribute of that row, or of none, and of that value representation."""
        if rule is None:
            return self._unlisted(vr)
        codes = {option: rule.options.get(option) for option in self.options}
        if "K" in codes.values():
            return "keep"
        # Any other C asks for text to be understood: removing it is the cleaning that needs no understanding.
        if codes.get(Option.RETAIN_MODIFIED_DATES) == "C" and vr in _DATES:
            return "shift"
        basic = _BASIC[rule.basic]
        return "uid" if (basic, vr) == ("dummy", "UI") else basic

    def codes(self) -> tuple[Code, ...]:
        return (BASIC_CODE, *(OPTION_CODES[option] for option in sorted(self.options)))

    def _unlisted(self, vr: str) -> Action:
        """More than the standard asks for: names, dates and free texts by their kind are replaced too."""
        if vr in _NAMES_AND_TEXTS:
            return "dummy"
        if vr not in _DATES or Option.RETAIN_FULL_DATES in self.options:
            return "keep"
        return "shift" if Option.RETAIN_MODIFIED_DATES in self.options else "dummy"
