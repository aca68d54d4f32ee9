"""Audit messages held against the standard: the schema of PS3.15 A.5.1, and the tables of A.5.3."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

_SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).with_name("audit_message.rng")))
_STUDY, _PATIENT, _SOURCE, _DESTINATION, _APPLICATION = "110180", "2", "110153", "110152", "110150"
_TRANSFER = ({_SOURCE: 1, _DESTINATION: 1}, (_STUDY, _PATIENT), "CREU")
# By EventID: how often each role must be there, which objects must, and the actions that there may be.
_TABLES: dict[str, tuple[dict[str, int], tuple[str, ...], str]] = {
    "110100": ({_APPLICATION: 1}, (), "E"),
    "110101": ({}, ("12",), "R"),
    "110102": ({_SOURCE: 1, _DESTINATION: 1}, (_STUDY, _PATIENT), "E"),
    "110103": ({}, (_STUDY, _PATIENT), "CRUD"),
    "110104": _TRANSFER,
    "110112": ({_SOURCE: 1, _DESTINATION: 1}, ("12",), "E"),
    "110113": ({}, (), "E"),
    "110114": ({}, (), "E"),
}


@dataclass(frozen=True)
class Told:
    """What a message says, as far as tests ask; `objects` are ids by the code of their type."""

    event: str
    type: str | None
    action: str
    outcome: int
    users: list[str]
    objects: dict[str, str]
    instances: dict[str, int]
    source: str

    @property
    def what(self) -> tuple[str, str]:
        return self.event, self.action


def checked(message: str) -> Told:
    """The message of a syslog line, which must be valid by schema and table."""
    xml = message.partition("\ufeff")[2]
    root = etree.fromstring(xml.encode())
    _SCHEMA.assertValid(root)
    event = root.find("EventIdentification")
    told = Told(
        event=_code(event.find("EventID")),
        type=_code(event.find("EventTypeCode")) if event.find("EventTypeCode") is not None else None,
        action=event.get("EventActionCode"),
        outcome=int(event.get("EventOutcomeIndicator")),
        users=[one.get("UserID") for one in root.findall("ActiveParticipant")],
        objects={
            _code(one.find("ParticipantObjectIDTypeCode")): one.get("ParticipantObjectID")
            for one in root.findall("ParticipantObjectIdentification")
        },
        instances={one.get("UID"): int(one.get("NumberOfInstances")) for one in root.iter("SOPClass")},
        source=root.find("AuditSourceIdentification").get("AuditSourceID"),
    )
    _check_table(told, Counter(_code(role) for role in root.iter("RoleIDCode")))
    return told


def _check_table(told: Told, roles: Counter[str]) -> None:
    wanted_roles, objects, actions = _TABLES[told.event]
    assert {role: roles[role] for role in wanted_roles} == wanted_roles, told
    assert set(objects) <= set(told.objects), told
    assert told.action in actions, told


def _code(element: etree._Element) -> str:
    return str(element.get("csd-code"))
