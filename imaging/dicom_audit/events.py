"""What is audited: each kind of event, and how the standard calls it.

Source: PS3.15 A.5.3, in its order.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from imaging.dicom_audit import codes
from imaging.dicom_audit.codes import Code
from imaging.dicom_audit.message import Action

EventKind = Literal[
    "started",
    "stopped",
    "log used",
    "sending begun",
    "result made",
    "result read",
    "result removed",
    "received",
    "received again",
    "sent",
    "queried",
    "forbidden",
    "key added",
    "key revoked",
    "association rejected",
    "unauthenticated",
]


class Mapped(NamedTuple):
    event: Code
    type: Code | None
    action: Action


EVENTS: Mapping[EventKind, Mapped] = {
    "started": Mapped(codes.APPLICATION_ACTIVITY, codes.APPLICATION_START, "E"),
    "stopped": Mapped(codes.APPLICATION_ACTIVITY, codes.APPLICATION_STOP, "E"),
    "log used": Mapped(codes.AUDIT_LOG_USED, None, "R"),
    "sending begun": Mapped(codes.BEGIN_TRANSFERRING, None, "E"),
    "result made": Mapped(codes.INSTANCES_ACCESSED, None, "C"),
    "result read": Mapped(codes.INSTANCES_ACCESSED, None, "R"),
    "result removed": Mapped(codes.INSTANCES_ACCESSED, None, "D"),
    # C where the receiver had no copies, R where it had them and changed nothing (A.5.3.7).
    "received": Mapped(codes.INSTANCES_TRANSFERRED, None, "C"),
    "received again": Mapped(codes.INSTANCES_TRANSFERRED, None, "R"),
    "sent": Mapped(codes.INSTANCES_TRANSFERRED, None, "C"),
    "queried": Mapped(codes.QUERY, None, "E"),
    "forbidden": Mapped(codes.SECURITY_ALERT, codes.USE_OF_RESTRICTED_FUNCTION, "E"),
    "key added": Mapped(codes.SECURITY_ALERT, codes.USER_SECURITY_ATTRIBUTES_CHANGED, "E"),
    "key revoked": Mapped(codes.SECURITY_ALERT, codes.USER_SECURITY_ATTRIBUTES_CHANGED, "E"),
    "association rejected": Mapped(codes.SECURITY_ALERT, codes.NODE_AUTHENTICATION, "E"),
    "unauthenticated": Mapped(codes.USER_AUTHENTICATION, codes.LOGIN, "E"),
}
