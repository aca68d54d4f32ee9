"""The node's audit trail: what it tells an audit record repository, where one is configured.

Source: PS3.15 A.5.3.6 and A.5.3.7 (transfers), A.5.3.11 (alerts). One message tells of all instances of a
patient's study that came in one association.
"""

import logging
import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pynetdicom.association import Association

from imaging.dicom_audit.codes import APPLICATION, DESTINATION, SOURCE, Code
from imaging.dicom_audit.events import EVENTS, EventKind
from imaging.dicom_audit.message import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    EventIdentification,
    Outcome,
    ParticipantObject,
)
from imaging.dicom_audit.objects import alerting_node, subject_objects
from imaging.dicom_audit.refusals import RefusalLimit
from imaging.dicom_audit.repository import Repository
from imaging.dicom_audit.syslog import syslog_message
from imaging.header import Subject
from integrations.dicom_node.instances import InstanceFacts, read_instance
from integrations.dicom_node.owed_messages import Arrival, OwedMessages
from integrations.dicom_node.settings import NodeSettings, Peer

log = logging.getLogger(__name__)

_AT_ONCE = 100
_LOOK_S = 0.5
_LONGEST_PAUSE_S = 60.0


class NodeTrail:
    """What one node tells; nothing without `owed`."""

    def __init__(self, owed: OwedMessages | None, *, ae_title: str, site: str) -> None:
        self._owed = owed
        self._ae_title = ae_title
        self._source = AuditSource(f"atypia-dicom-node@{socket.gethostname()}", site)
        self._refused = RefusalLimit()

    def started(self) -> None:
        """The node is there; what a kill cut off is told first."""
        if self._owed is not None:
            self._tell_arrived(self._owed, None)
        self._note("started", [self._node(APPLICATION)])

    def stopped(self) -> None:
        self._note("stopped", [self._node(APPLICATION)])

    def instance_kept(self, association: Association, facts: InstanceFacts) -> None:
        """It is told of when its association has ended."""
        if self._owed is not None:
            peer = association.requestor
            arrival = Arrival(peer.ae_title, peer.address or "", facts.study_uid, facts.patient_id)
            self._owed.arrive(id(association), arrival, facts.sop_class_uid)

    def association_ended(self, association: Association) -> None:
        if self._owed is not None:
            self._tell_arrived(self._owed, id(association))

    def association_rejected(self, association: Association) -> None:
        title, address = association.requestor.ae_title, association.requestor.address or ""
        if self._owed is not None and self._refused.is_first(address):
            participants = [_peer(title, address, None, is_requestor=True), self._node()]
            alert = alerting_node(title, "an association was rejected")
            self._note("association rejected", participants, [alert], outcome=4)

    def sending(self, objects: Sequence[Path], destination: Peer) -> "Sending":
        return Sending(self, _subject_of(objects) if self._owed is not None else None, destination)

    def note_transfer(
        self, kind: EventKind, subject: Subject, destination: Peer, outcome: Outcome, why: str
    ) -> None:
        participants = [
            self._node(SOURCE, is_requestor=True),
            _peer(destination.ae_title, destination.host, DESTINATION),
        ]
        self._note(kind, participants, subject_objects(subject, name="results"), outcome=outcome, why=why)

    def _tell_arrived(self, owed: OwedMessages, association: int | None) -> None:
        for arrival, instances in owed.arrived(association).items():
            sender = _peer(arrival.ae_title, arrival.address, SOURCE, is_requestor=True)
            subject = Subject(arrival.study_uid, arrival.patient_id, instances)
            self._note(
                "received", [sender, self._node(DESTINATION)], subject_objects(subject, name="C-STORE")
            )
        # A kill between the two has it told twice, which is better than not at all.
        owed.forget_arrivals(association)

    def _note(
        self,
        kind: EventKind,
        participants: Sequence[ActiveParticipant],
        objects: Sequence[ParticipantObject] = (),
        *,
        outcome: Outcome = 0,
        why: str = "",
    ) -> None:
        if self._owed is None:
            return
        event, code, action = EVENTS[kind]
        identified = EventIdentification(event, action, datetime.now(UTC), code, outcome, why)
        message = AuditMessage(identified, tuple(participants), self._source, tuple(objects))
        if not self._owed.add(syslog_message(message)):
            log.error("an audit message is dropped: the repository has been away for too long")

    def _node(self, role: Code | None = None, *, is_requestor: bool = False) -> ActiveParticipant:
        titles = f"AETITLES={self._ae_title}"
        return ActiveParticipant(str(os.getpid()), is_requestor, role, titles, socket.gethostname())


class Sending:
    """Results on their way to a destination; a try that meets nobody is no transfer."""

    def __init__(self, trail: NodeTrail, subject: Subject | None, destination: Peer) -> None:
        self._trail = trail
        self._subject = subject
        self._destination = destination
        self._has_begun = False

    def begin(self) -> None:
        self._has_begun = True
        self._tell("sending begun", 0, "")

    def end(self, outcome: Outcome, why: str) -> None:
        if self._has_begun:
            self._tell("sent", outcome, why)

    def _tell(self, kind: EventKind, outcome: Outcome, why: str) -> None:
        if self._subject is not None:
            self._trail.note_transfer(kind, self._subject, self._destination, outcome, why)


@contextmanager
def running_trail(settings: NodeSettings) -> Iterator[NodeTrail]:
    """The trail of a node, which sends for as long as the context is open; the rest at the next start."""
    own, auditing = settings.listen.ae_title, settings.audit
    if auditing is None:
        yield NodeTrail(None, ae_title=own, site="")
        return
    with closing(OwedMessages(settings.spool.folder / "trail.sqlite")) as owed:
        trail, stopped = NodeTrail(owed, ae_title=own, site=auditing.site), threading.Event()
        thread = threading.Thread(target=_send_all, args=(owed, auditing.target, stopped), name="auditing")
        thread.start()
        try:
            trail.started()
            yield trail
        finally:
            trail.stopped()
            stopped.set()
            thread.join()


def _send_all(owed: OwedMessages, repository: Repository, stopped: threading.Event) -> None:
    """Send for ever, again and again; a last try when it is stopped."""
    pause_s, is_last = _LOOK_S, False
    while not is_last:
        is_last = stopped.wait(pause_s)
        messages = owed.oldest(_AT_ONCE)
        try:
            if messages:
                repository.send([message for _, message in messages])
                owed.drop_until(messages[-1][0])
            pause_s = _LOOK_S
        except OSError as error:
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            log.warning("the audit record repository does not take messages (%s)", type(error).__name__)


def _subject_of(objects: Sequence[Path]) -> Subject | None:
    """Whose the results are, all of them of one series' patient."""
    facts = [read_instance(path) for path in objects]
    if not facts:
        return None
    return Subject(facts[0].study_uid, facts[0].patient_id, Counter(one.sop_class_uid for one in facts))


def _peer(ae_title: str, address: str, role: Code | None, *, is_requestor: bool = False) -> ActiveParticipant:
    return ActiveParticipant(ae_title, is_requestor, role, f"AETITLES={ae_title}", address)
