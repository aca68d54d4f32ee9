"""An audit message as a syslog message.

Source: RFC 5424, section 6; PS3.15 A.6 (facility, severity, MSGID), as IHE ITI-20 has it.
"""

import os
import re
import socket
from collections.abc import Mapping

from imaging.dicom_audit.message import AuditMessage, Outcome

_FACILITY = 10  # security and authorization messages
_SEVERITIES: Mapping[Outcome, int] = {0: 5, 4: 4, 8: 3, 12: 2}  # notice, warning, error, critical
_MESSAGE_ID = "DICOM+RFC3881"
_NO_STRUCTURED_DATA = "-"
_BYTE_ORDER_MARK = "\ufeff"


def syslog_message(message: AuditMessage) -> str:
    """The whole message, without the framing of a transport; a byte order mark says that it is UTF-8."""
    event = message.event
    head = (
        f"<{8 * _FACILITY + _SEVERITIES[event.outcome]}>1",
        event.at.isoformat(timespec="milliseconds"),
        _word(socket.gethostname(), 255),
        _word(message.source.source_id, 48),
        str(os.getpid()),
        _MESSAGE_ID,
        _NO_STRUCTURED_DATA,
    )
    return f"{' '.join(head)} {_BYTE_ORDER_MARK}{message.to_xml().decode()}"


def _word(text: str, longest: int) -> str:
    """Printable ASCII without spaces."""
    return re.sub(r"[^!-~]", "_", text)[:longest] or "-"
