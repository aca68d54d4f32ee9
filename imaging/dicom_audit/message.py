"""An Audit Trail Message, and its XML.

Source: PS3.15 A.5.1 (schema), A.5.2 (what the fields mean).
"""

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from xml.etree import ElementTree

from imaging.dicom_audit.codes import Code

Action = Literal["C", "R", "U", "D", "E"]
Outcome = Literal[0, 4, 8, 12]
"""Success, minor, serious and major failure."""

# XML 1.0 has no place for these, not even as character references (section 2.2).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_APPLICATION_SERVER = "4"  # PS3.15 A.5.1.2.1
_HOST_NAME, _IP_ADDRESS = "1", "2"


@dataclass(frozen=True)
class EventIdentification:
    """What happened; `description` says why where the outcome is a failure."""

    event: Code
    action: Action
    at: datetime
    type: Code | None = None
    outcome: Outcome = 0
    description: str = ""


@dataclass(frozen=True)
class ActiveParticipant:
    """Who took part: a user, or a process; `address` is a host's name or IP address, "" if unknown."""

    user_id: str
    is_requestor: bool
    role: Code | None = None
    alternative_id: str = ""
    address: str = ""


@dataclass(frozen=True)
class AuditSource:
    """Who tells."""

    source_id: str
    site: str = ""


@dataclass(frozen=True)
class ParticipantObject:
    """What it happened to; `type_code` and `role` as in A.5.1.2, `instances` counts them by SOP class."""

    object_id: str
    id_type: Code
    type_code: str
    role: str
    name: str = ""
    query: bytes = b""
    details: Mapping[str, str] = field(default_factory=dict)
    instances: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class AuditMessage:
    event: EventIdentification
    participants: tuple[ActiveParticipant, ...]
    source: AuditSource
    objects: tuple[ParticipantObject, ...] = ()

    def to_xml(self) -> bytes:
        """UTF-8, with an XML declaration; what XML cannot hold is replaced by U+FFFD."""
        root = ElementTree.Element("AuditMessage")
        root.append(_event(self.event))
        root.extend(_participant(participant) for participant in self.participants)
        root.append(_source(self.source))
        root.extend(_object(subject) for subject in self.objects)
        content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
        return content


def _event(event: EventIdentification) -> ElementTree.Element:
    element = _element(
        "EventIdentification",
        EventActionCode=event.action,
        EventDateTime=event.at.isoformat(timespec="milliseconds"),
        EventOutcomeIndicator=str(event.outcome),
    )
    element.append(_coded("EventID", event.event))
    if event.type is not None:
        element.append(_coded("EventTypeCode", event.type))
    if event.description:
        _add(element, "EventOutcomeDescription", event.description)
    return element


def _participant(participant: ActiveParticipant) -> ElementTree.Element:
    address = participant.address
    element = _element(
        "ActiveParticipant",
        UserID=participant.user_id,
        AlternativeUserID=participant.alternative_id,
        UserIsRequestor=str(participant.is_requestor).lower(),
        NetworkAccessPointID=address,
        NetworkAccessPointTypeCode=_kind_of(address) if address else "",
    )
    if participant.role is not None:
        element.append(_coded("RoleIDCode", participant.role))
    return element


def _source(source: AuditSource) -> ElementTree.Element:
    element = _element(
        "AuditSourceIdentification", AuditSourceID=source.source_id, AuditEnterpriseSiteID=source.site
    )
    element.append(_element("AuditSourceTypeCode", **{"csd-code": _APPLICATION_SERVER}))
    return element


def _object(subject: ParticipantObject) -> ElementTree.Element:
    element = _element(
        "ParticipantObjectIdentification",
        ParticipantObjectID=subject.object_id,
        ParticipantObjectTypeCode=subject.type_code,
        ParticipantObjectTypeCodeRole=subject.role,
    )
    element.append(_coded("ParticipantObjectIDTypeCode", subject.id_type))
    # The schema wants just one of them.
    if subject.query:
        _add(element, "ParticipantObjectQuery", _base64(subject.query))
    else:
        _add(element, "ParticipantObjectName", subject.name)
    for name, value in subject.details.items():
        element.append(_element("ParticipantObjectDetail", type=name, value=_base64(value.encode())))
    if subject.instances:
        described = ElementTree.SubElement(element, "ParticipantObjectDescription")
        for sop_class, count in subject.instances.items():
            described.append(_element("SOPClass", UID=sop_class, NumberOfInstances=str(count)))
    return element


def _coded(name: str, code: Code) -> ElementTree.Element:
    return _element(
        name, **{"csd-code": code.value, "codeSystemName": code.scheme, "originalText": code.meaning}
    )


def _element(name: str, **attributes: str) -> ElementTree.Element:
    """One with those attributes that say something."""
    return ElementTree.Element(name, {key: _plain(text) for key, text in attributes.items() if text})


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = _plain(text)


def _plain(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _kind_of(address: str) -> str:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return _HOST_NAME
    return _IP_ADDRESS
