"""Storage commitment: senders ask whether the node has their instances, and are told in another association.

Source: PS3.4 J.3 (push model; event types, failure reasons), PS3.7 D.3.3.4 (roles).
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydicom.dataset import Dataset
from pynetdicom import AE, build_role
from pynetdicom.dimse_primitives import N_ACTION
from pynetdicom.events import Event

from imaging.foreign_errors import FOREIGN_ERRORS, quiet
from integrations.dicom_node.errors import DestinationAwayError
from integrations.dicom_node.settings import Peer

PUSH_MODEL = "1.2.840.10008.1.20.1"
_INSTANCE = "1.2.840.10008.1.20.1.1"
_SUCCESS, _NO_SUCH_INSTANCE, _NO_SUCH_ACTION, _INVALID, _NOT_AUTHORISED = (
    0x0000,
    0x0112,
    0x0123,
    0x0115,
    0x0124,
)
_REQUEST = 1
_ALL_KEPT, _SOME_FAILED = 1, 2
_MOST_INSTANCES = 100_000
_TABLE = """
CREATE TABLE IF NOT EXISTS commitments (
    ae_title TEXT NOT NULL, transaction_uid TEXT NOT NULL, instances TEXT NOT NULL,
    due_at REAL NOT NULL, attempts INTEGER NOT NULL, PRIMARY KEY (ae_title, transaction_uid)
)
"""
Reference = tuple[str, str]  # SOP class and SOP instance UID


@dataclass(frozen=True)
class Commitment:
    """A question that is not answered yet."""

    ae_title: str
    transaction_uid: str
    instances: tuple[Reference, ...]
    attempts: int


class Commitments:
    """Questions in the ledger's file; safe for threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(_TABLE)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def add(self, commitment: Commitment) -> None:
        instances = json.dumps(commitment.instances)
        self._change(
            "INSERT OR REPLACE INTO commitments VALUES (?, ?, ?, 0, 0)",
            (commitment.ae_title, commitment.transaction_uid, instances),
        )

    def due(self, now: float) -> list[Commitment]:
        with self._lock:
            rows = self._connection.execute(
                "SELECT ae_title, transaction_uid, instances, attempts FROM commitments WHERE due_at <= ?",
                (now,),
            ).fetchall()
        return [
            Commitment(title, uid, tuple((a, b) for a, b in json.loads(instances)), attempts)
            for title, uid, instances, attempts in rows
        ]

    def postpone(self, commitment: Commitment, *, until: float) -> None:
        self._change(
            "UPDATE commitments SET due_at = ?, attempts = attempts + 1 "
            "WHERE ae_title = ? AND transaction_uid = ?",
            (until, commitment.ae_title, commitment.transaction_uid),
        )

    def end(self, commitment: Commitment) -> None:
        self._change(
            "DELETE FROM commitments WHERE ae_title = ? AND transaction_uid = ?",
            (commitment.ae_title, commitment.transaction_uid),
        )

    def _change(self, statement: str, values: tuple[object, ...]) -> None:
        with self._lock:
            self._connection.execute(statement, values)


def take_question(event: Event, commitments: Commitments, senders: Sequence[Peer]) -> tuple[int, None]:
    """The status of a request for commitment: it is noted, or why not."""
    request = cast(N_ACTION, event.request)
    title = event.assoc.requestor.ae_title
    if request.RequestedSOPInstanceUID != _INSTANCE:
        return _NO_SUCH_INSTANCE, None
    if request.ActionTypeID != _REQUEST:
        return _NO_SUCH_ACTION, None
    if title not in {sender.ae_title for sender in senders}:
        return _NOT_AUTHORISED, None
    try:
        with quiet():
            commitment = _question(event.action_information, title)
    except FOREIGN_ERRORS:
        return _INVALID, None
    commitments.add(commitment)
    return _SUCCESS, None


def tell(
    commitment: Commitment, sender: Peer, *, ae_title: str, is_kept: Callable[[Reference], bool]
) -> None:
    """Answer the question in an association with its sender.

    Raises:
        DestinationAwayError: There is nobody, or the answer was not taken.
    """
    entity = AE(ae_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = sender.timeout_s
    entity.connection_timeout = sender.timeout_s
    entity.add_requested_context(PUSH_MODEL)
    role = build_role(PUSH_MODEL, scp_role=True)
    association = entity.associate(sender.host, sender.port, ae_title=sender.ae_title, ext_neg=[role])
    if not association.is_established:
        raise DestinationAwayError(f"{sender.ae_title} does not take the answer to its question")
    report, event_type = _report(commitment, is_kept)
    try:
        status, _ = association.send_n_event_report(report, event_type, PUSH_MODEL, _INSTANCE)
    except (RuntimeError, ValueError) as error:
        raise DestinationAwayError(f"{sender.ae_title} does not take the answer to its question") from error
    finally:
        if association.is_established:
            association.release()
    if status.get("Status") != _SUCCESS:
        raise DestinationAwayError(f"{sender.ae_title} did not take the answer to its question")


def _question(asked: Dataset, title: str) -> Commitment:
    references = tuple(
        (str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID))
        for item in asked.ReferencedSOPSequence
    )
    if not 1 <= len(references) <= _MOST_INSTANCES:
        raise ValueError("a question is of one instance at least, and not of too many")
    return Commitment(title, str(asked.TransactionUID), references, attempts=0)


def _report(commitment: Commitment, is_kept: Callable[[Reference], bool]) -> tuple[Dataset, int]:
    kept: list[Dataset] = []
    failed: list[Dataset] = []
    for reference in commitment.instances:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = reference
        if is_kept(reference):
            kept.append(item)
        else:
            item.FailureReason = _NO_SUCH_INSTANCE
            failed.append(item)
    report = Dataset()
    report.TransactionUID = commitment.transaction_uid
    if kept:
        report.ReferencedSOPSequence = kept
    if failed:
        report.FailedSOPSequence = failed
    return report, _SOME_FAILED if failed else _ALL_KEPT
