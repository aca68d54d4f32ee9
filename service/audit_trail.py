"""The audit trail of DICOM: messages for an audit record repository, where one is configured.

Source: PS3.15 A.5. Apart from `service.audit`, whose lines stay here and name no patient; these name patients
and go to the repository alone, by way of `service.owed_messages`.
"""

import getpass
import logging
import os
import socket
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from redis.asyncio import Redis
from redis.exceptions import RedisError

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
from imaging.dicom_audit.objects import subject_objects
from imaging.dicom_audit.syslog import syslog_message
from service.jobs import JobRequest
from service.keys import Keys
from service.owed_messages import OwedMessages
from service.settings import Settings

logger = logging.getLogger(__name__)

# What waits for a queue that is away; without one there is next to nothing to tell.
_MOST_UNWRITTEN = 1000


class AuditTrail:
    """What one process tells of; nothing where no repository is configured."""

    def __init__(
        self, settings: Settings, redis: Redis, *, role: Literal["api", "worker", "command"]
    ) -> None:
        self.is_on = settings.audit_syslog is not None
        self.owed = OwedMessages(redis, Keys(settings.key_prefix))
        self._source = AuditSource(f"atypia-{role}@{socket.gethostname()}", settings.audit_site or "")
        self._unwritten: deque[str] = deque(maxlen=_MOST_UNWRITTEN)

    async def note(
        self,
        kind: EventKind,
        participants: Sequence[ActiveParticipant],
        objects: Sequence[ParticipantObject] = (),
        *,
        outcome: Outcome = 0,
        description: str = "",
    ) -> None:
        """Owe the repository a message; what the queue does not take now it gets with the next one."""
        if not self.is_on:
            return
        event, code, action = EVENTS[kind]
        identified = EventIdentification(event, action, datetime.now(UTC), code, outcome, description)
        message = AuditMessage(identified, tuple(participants), self._source, tuple(objects))
        self._unwritten.append(syslog_message(message))
        await self.write()

    async def write(self) -> None:
        """Give the queue what it has not got yet."""
        while self._unwritten:
            message = self._unwritten.popleft()
            try:
                if not await self.owed.owe(message):
                    logger.error("an audit message is dropped: the repository has been away for too long")
            except RedisError as error:
                self._unwritten.appendleft(message)
                logger.warning("audit messages wait: the queue does not answer (%s)", type(error).__name__)
                return

    async def note_job(
        self, kind: EventKind, job: JobRequest, participants: Sequence[ActiveParticipant]
    ) -> None:
        """The same of a job whose images are of a patient; pictures without a header are of nobody."""
        if job.subject is not None:
            await self.note(kind, participants, subject_objects(job.subject, name=f"job {job.job_id}"))


def this_process(role: Code | None = None, *, is_requestor: bool = False) -> ActiveParticipant:
    return ActiveParticipant(str(os.getpid()), is_requestor, role, "atypia", socket.gethostname())


def operator() -> ActiveParticipant:
    """Whoever runs a command on this machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number alone
        name = str(os.getuid())
    return ActiveParticipant(name, is_requestor=True, address=socket.gethostname())


def user(owner: str, address: str = "", *, role: Code | None = None) -> ActiveParticipant:
    """Who has a key or a token, or needs none; `address` as it is seen from here."""
    return ActiveParticipant(owner or "anonymous", is_requestor=True, role=role, address=address)
