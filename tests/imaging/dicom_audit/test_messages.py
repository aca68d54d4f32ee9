"""Audit messages, by the standard."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from lxml import etree
from pydicom.sr.codedict import codes as known

from imaging.dicom_audit import codes
from imaging.dicom_audit.codes import Code
from imaging.dicom_audit.events import EVENTS, EventKind
from imaging.dicom_audit.message import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    EventIdentification,
    Outcome,
    ParticipantObject,
)
from imaging.dicom_audit.objects import (
    NO_PATIENT,
    alerting_node,
    alerting_uri,
    audit_log,
    query,
    subject_objects,
)
from imaging.dicom_audit.syslog import syslog_message
from imaging.header import Subject
from tests.imaging.dicom_audit.checked import checked

AT = datetime(2026, 11, 28, 12, 30, 15, 250_000, UTC)
CT = "1.2.840.10008.5.1.4.1.1.2"
SUBJECT = Subject("1.2.3", "P-1", {CT: 40})
PARTICIPANTS = (
    ActiveParticipant("ct-scanner", True, codes.SOURCE, address="192.0.2.1"),
    ActiveParticipant("77", False, codes.DESTINATION, "atypia", "host.example"),
    ActiveParticipant("78", False, codes.APPLICATION),
)
OBJECTS = (
    *subject_objects(SUBJECT, name="job 1"),
    query("https://pacs/studies/1.2.3/series"),
    alerting_node("CT9", "rejected"),
)


def message_of(
    kind: EventKind, objects: tuple[ParticipantObject, ...] = OBJECTS, *, outcome: Outcome = 0
) -> AuditMessage:
    event, code, action = EVENTS[kind]
    identified = EventIdentification(event, action, AT, code, outcome, "why" if outcome else "")
    return AuditMessage(identified, PARTICIPANTS, AuditSource("atypia-api@host", "site"), objects)


@pytest.mark.parametrize("kind", EVENTS)
def test_every_kind_of_event_makes_a_message_that_the_schema_allows(kind: EventKind):
    told = checked(syslog_message(message_of(kind, outcome=4)))
    assert (told.event, told.action, told.outcome) == (EVENTS[kind].event.value, EVENTS[kind].action, 4)


@pytest.mark.parametrize("code", [one for one in vars(codes).values() if isinstance(one, Code)])
def test_a_code_means_what_the_standard_says(code: Code):
    if code.scheme == "DCM":
        names = {
            one.value: one.meaning
            for collection in (known.cid400, known.cid401, known.cid402, known.cid404)
            for one in collection.concepts.values()
        }
        assert names[code.value] == code.meaning
    else:  # PS3.15 A.5.1.2.3
        assert code in {("2", "Patient Number", "RFC-3881"), ("12", "URI", "RFC-3881")}


def test_a_message_of_received_images_says_who_what_and_of_whom():
    root = ElementTree.fromstring(message_of("received").to_xml())
    event = root.find("EventIdentification")
    assert event is not None and event.get("EventDateTime") == "2026-11-28T12:30:15.250+00:00"
    points = [(one.get("NetworkAccessPointID"), one.get("NetworkAccessPointTypeCode")) for one in root]
    assert points[1:4] == [("192.0.2.1", "2"), ("host.example", "1"), (None, None)]
    told = checked(syslog_message(message_of("received")))
    assert (told.objects["110180"], told.objects["2"], told.instances) == ("1.2.3", "P-1", {CT: 40})


def test_an_image_without_a_patient_has_a_patient_object_all_the_same():
    [_study, patient] = subject_objects(Subject("1.2.3", "", {}), name="")
    assert patient.object_id == NO_PATIENT


@pytest.mark.parametrize("patient_id", ["a\x00b", "\ud800", "\x1b$B", "<&\"'>", "患者", "\uffff"])
def test_no_patients_id_breaks_the_xml(patient_id: str):
    told = checked(
        syslog_message(message_of("received", subject_objects(Subject("1.2", patient_id, {}), name="")))
    )
    assert told.objects["2"] == patient_id.translate(
        {0: 0xFFFD, 0xD800: 0xFFFD, 0x1B: 0xFFFD, 0xFFFF: 0xFFFD}
    )


@pytest.mark.parametrize("lacking", ["EventIdentification", "ActiveParticipant", "AuditSourceIdentification"])
def test_the_schema_of_these_tests_misses_what_must_be_there(lacking: str):
    root = ElementTree.fromstring(message_of("started").to_xml())
    for element in root.findall(lacking):
        root.remove(element)
    with pytest.raises(etree.DocumentInvalid):
        checked("\ufeff" + ElementTree.tostring(root, encoding="unicode"))


def test_an_alert_and_a_log_are_objects_with_their_addresses():
    objects = (audit_log("file:///var/audit"), alerting_uri("/score", "refused"))
    assert checked(syslog_message(message_of("forbidden", objects))).objects["12"] == "/score"


@pytest.mark.parametrize(("outcome", "priority"), [(0, 85), (4, 84), (8, 83), (12, 82)])
def test_a_syslog_line_has_the_head_of_rfc_5424(outcome: Outcome, priority: int):
    head, _, xml = syslog_message(message_of("started", outcome=outcome)).partition(" \ufeff")
    fields = head.split(" ")
    assert fields[:2] == [f"<{priority}>1", "2026-11-28T12:30:15.250+00:00"]
    assert fields[3] == "atypia-api@host" and fields[5:] == ["DICOM+RFC3881", "-"]
    assert xml.startswith("<?xml") and xml.endswith("</AuditMessage>")
