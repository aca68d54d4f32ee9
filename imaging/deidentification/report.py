"""What de-identification has changed: which elements, how and how often; never a value."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ElementChange:
    """One kind of change to one element, or to a part of a file that is no DICOM."""

    tag: str  # "(0010,0010)", "" where it is none
    keyword: str
    action: str  # removed, emptied, replaced, mapped, shifted, kept (a time of day of a shifted date)
    count: int


@dataclass(frozen=True)
class Report:
    """`files` are those that came out, `members_dropped` those of archives that did not."""

    files: int
    elements: tuple[ElementChange, ...]
    uids_mapped: int
    private_removed: int
    members_dropped: int
    warnings: tuple[str, ...]

    @classmethod
    def together(cls, reports: Iterable["Report"]) -> "Report":
        changes = Changes()
        for report in reports:
            changes.files += report.files
            changes.members_dropped += report.members_dropped
            changes.private_removed += report.private_removed
            changes.uids_mapped += report.uids_mapped
            changes.warn(report.warnings)
            for element in report.elements:
                changes.note(element.tag, element.keyword, element.action, element.count)
        return changes.report()

    def to_json(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "members_dropped": self.members_dropped,
            "uids_mapped": self.uids_mapped,
            "private_removed": self.private_removed,
            "warnings": list(self.warnings),
            "elements": [vars(element) for element in self.elements],
        }


@dataclass
class Changes:
    """Counts them while they are made."""

    files: int = 0
    uids_mapped: int = 0
    private_removed: int = 0
    members_dropped: int = 0
    _elements: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _warnings: dict[str, None] = field(default_factory=dict)  # in their order, each once

    def note(self, tag: str, keyword: str, action: str, count: int = 1) -> None:
        self._elements[tag, keyword, action] += count

    def warn(self, sentences: Iterable[str]) -> None:
        self._warnings.update(dict.fromkeys(sentences))

    def report(self) -> Report:
        return Report(
            files=self.files,
            elements=tuple(ElementChange(*key, count) for key, count in sorted(self._elements.items())),
            uids_mapped=self.uids_mapped,
            private_removed=self.private_removed,
            members_dropped=self.members_dropped,
            warnings=tuple(self._warnings),
        )
