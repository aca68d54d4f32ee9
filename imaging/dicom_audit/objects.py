"""What events happen to, as the tables of the standard want it.

Source: PS3.15 A.5.3.2 (audit log), A.5.3.6 and A.5.3.7 (studies, patients), A.5.3.10 (query), A.5.3.11
(alert).
"""

from imaging.dicom_audit.codes import NODE_ID, PATIENT_NUMBER, STUDY_INSTANCE_UID, URI
from imaging.dicom_audit.message import ParticipantObject
from imaging.header import Subject

# Participant Object Type Codes and their roles, PS3.15 A.5.1.2.2.
_PERSON, _SYSTEM = "1", "2"
_PATIENT, _REPORT, _SECURITY_RESOURCE, _QUERY = "1", "3", "13", "24"
# What others write where an image names no patient; the object itself is mandatory.
NO_PATIENT = "<none>"
_NAME_NOT_KEPT = "name not kept"


def subject_objects(subject: Subject, *, name: str) -> tuple[ParticipantObject, ...]:
    """The study, called by `name`, and its patient."""
    study = ParticipantObject(
        subject.study_uid, STUDY_INSTANCE_UID, _SYSTEM, _REPORT, name=name, instances=subject.instances
    )
    patient_id = subject.patient_id or NO_PATIENT
    return study, ParticipantObject(patient_id, PATIENT_NUMBER, _PERSON, _PATIENT, name=_NAME_NOT_KEPT)


def audit_log(uri: str) -> ParticipantObject:
    return ParticipantObject(uri, URI, _SYSTEM, _SECURITY_RESOURCE, name="Security Audit Log")


def query(url: str) -> ParticipantObject:
    return ParticipantObject(url, URI, _SYSTEM, _QUERY, query=url.encode())


def alerting_uri(uri: str, description: str) -> ParticipantObject:
    """The part of the service that an alert is about."""
    details = {"Alert Description": description}
    return ParticipantObject(uri, URI, _SYSTEM, _SECURITY_RESOURCE, name=uri, details=details)


def alerting_node(name: str, description: str) -> ParticipantObject:
    """The other node that an alert is about."""
    details = {"Alert Description": description}
    return ParticipantObject(name, NODE_ID, _SYSTEM, _SECURITY_RESOURCE, name=name, details=details)
