"""Where jobs wait: their records, and the stream that hands each one to a worker at least once.

Redis Streams with a consumer group, made at id 0 so that jobs sent before the first worker exists are not
lost; one stream for each priority. Messages carry ids, and model and bytes, which tell how long a job takes;
`service.transitions` holds every write.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from service import transitions
from service.connection import send
from service.errors import DeadLetterError, JobNotFoundError, JobStateError, QueueFullError
from service.jobs import Job, JobRequest, JobState, JobSummary, ResultDelivery
from service.keys import GROUP, Keys, Priority, make_token
from service.problems import Problem, problem_of

EXPIRED_RECORD_S = 24 * 3600
# Every so many takes the lowest priority comes first: it may wait long, but not for ever.
FAIR_TURN = 8
_PAGE = 200
NO_LIMIT = 2**53  # the largest whole number that is exact in a script

_Arguments = list[str | int | float]


@dataclass(frozen=True)
class Delivery:
    """One message in one worker's hands."""

    job_id: str
    attempt: str
    message: str
    worker: str
    stream: str


@dataclass(frozen=True)
class Waiting:
    """An unfinished job, and what its length can be told from; `is_in_hand` where a worker has taken it."""

    job_id: str
    model: str
    size_bytes: int
    is_in_hand: bool


@dataclass(frozen=True)
class QueueStatus:
    """`depths` and `queued_bytes` are of queued and running jobs; `counters` what workers have done."""

    depths: Mapping[Priority, int]
    running: int
    dead: int
    counters: Mapping[str, float]
    queued_bytes: int

    @property
    def depth(self) -> int:
        return sum(self.depths.values())


class Queue:
    """The jobs of one service; the limits are as in the settings."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        *,
        max_queued: int,
        max_deliveries: int,
        max_queued_bytes: int = NO_LIMIT,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._max_queued = max_queued
        self._max_queued_bytes = max_queued_bytes
        self._max_deliveries = max_deliveries
        self._turns = itertools.count(1)
        self._room = redis.register_script(transitions.ROOM)
        self._take = redis.register_script(transitions.TAKE)
        self._recover = redis.register_script(transitions.RECOVER)
        self._submit = redis.register_script(transitions.SUBMIT)
        self._retry = redis.register_script(transitions.RETRY)
        self._start = redis.register_script(transitions.START)
        self._pulse = redis.register_script(transitions.PULSE)
        self._finish = redis.register_script(transitions.FINISH)
        self._hand_back = redis.register_script(transitions.HAND_BACK)
        self._cancel = redis.register_script(transitions.CANCEL)
        self._remove = redis.register_script(transitions.REMOVE)
        self._note = redis.register_script(transitions.NOTE)
        self._expire = redis.register_script(transitions.EXPIRE)

    async def open(self) -> None:
        """Make the consumer group of each stream, unless it is there."""
        for stream in self._keys.streams.values():
            try:
                await send(self._redis, "XGROUP CREATE", stream, GROUP, "0", "MKSTREAM")
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    async def submit(self, request: JobRequest) -> bool:
        """Queue a job and say whether it is a new one; a failed or cancelled one starts afresh.

        Raises:
            QueueFullError: Too many jobs, or too many bytes, are waiting.
        """
        fields = [part for pair in request.to_fields().items() for part in pair]
        keys = [self._keys.job(request.job_id), self._keys.queue, self._keys.jobs]
        # The upload is made for this call alone, so its id marks the call as well.
        arguments: _Arguments = [
            request.job_id,
            request.upload_id,
            self._keys.events,
            self._max_queued,
            self._max_queued_bytes,
            request.size_bytes,
            *fields,
        ]
        answer = await self._submit(keys=keys, args=arguments)
        self._check_answer(answer)
        return bool(answer == "created")

    async def retry(self, job_id: str) -> None:
        """Queue a failed or cancelled job again; one that is under way already is left so.

        Raises:
            JobNotFoundError: There is no such job.
            JobStateError: It is in another state.
            QueueFullError: Too many jobs, or too many bytes, are waiting.
        """
        keys = [self._keys.job(job_id), self._keys.queue, self._keys.dead]
        limits = [self._max_queued, self._max_queued_bytes]
        answer = await self._retry(keys=keys, args=[job_id, make_token(), self._keys.events, *limits])
        self._check_answer(answer)
        if answer == "missing":
            raise _missing(job_id)
        if answer != "queued":
            raise JobStateError(f"the job is {answer}; a failed or cancelled one can be tried again")

    async def check_room(self, size_bytes: int = 0) -> None:
        """Refuse an upload of so many bytes before it is received.

        Raises:
            QueueFullError: Too many jobs, or too many bytes, are waiting.
        """
        limits: _Arguments = [self._max_queued, self._max_queued_bytes, size_bytes]
        self._check_answer(await self._room(keys=[self._keys.queue], args=limits))

    async def waiting(self, count: int) -> list[Waiting]:
        """The unfinished jobs, at most so many of each priority, in the order in which they are taken."""
        pipeline = self._redis.pipeline(transaction=False)
        for stream in self._keys.streams.values():
            pipeline.execute_command("XRANGE", stream, "-", "+", "COUNT", count)
            pipeline.execute_command("XPENDING", stream, GROUP, "-", "+", count, parse_detail=True)
        answers = await pipeline.execute()
        found: list[Waiting] = []
        for messages, pending in zip(answers[::2], answers[1::2], strict=True):
            taken = {entry["message_id"] for entry in pending}
            found += [
                Waiting(fields["id"], fields.get("model", ""), int(fields.get("bytes", 0)), message in taken)
                for message, fields in messages
            ]
        return found

    async def waiting_since(self, age_s: float, *, count: int) -> list[str]:
        """Ids of some of the unfinished jobs that were queued longer ago than that, by the server's clock."""
        seconds, _microseconds = await send(self._redis, "TIME")
        until = max(0, int(1000 * (seconds - age_s)))
        pipeline = self._redis.pipeline(transaction=False)
        for stream in self._keys.streams.values():
            pipeline.execute_command("XRANGE", stream, "-", until, "COUNT", count)
        return [fields["id"] for messages in await pipeline.execute() for _message, fields in messages]

    async def get(self, job_id: str) -> Job:
        """Read a job's record.

        Raises:
            JobNotFoundError: There is none.
        """
        fields = await send(self._redis, "HGETALL", self._keys.job(job_id))
        if not fields:
            raise _missing(job_id)
        return Job.of_fields(job_id, fields)

    async def recent(self, count: int, *, owner: str | None = None) -> list[Job]:
        """The newest jobs, newest first: an owner's, or everybody's for None."""
        found: list[Job] = []
        start = 0
        while len(found) < count:
            job_ids = await send(self._redis, "ZREVRANGE", self._keys.jobs, start, start + _PAGE - 1)
            found += [
                job for job in await self.records(job_ids) if owner is None or job.request.owner == owner
            ]
            start += _PAGE
            if len(job_ids) < _PAGE:
                break
        return found[:count]

    async def dead_letters(self) -> list[Job]:
        """The jobs that stopped their worker too often, the newest first."""
        return await self.records(await send(self._redis, "ZREVRANGE", self._keys.dead, 0, -1))

    async def records(self, job_ids: Sequence[str]) -> list[Job]:
        """The jobs of these ids; one that was removed meanwhile is left out."""
        pipeline = self._redis.pipeline(transaction=False)
        for job_id in job_ids:
            pipeline.execute_command("HGETALL", self._keys.job(job_id))
        records = await pipeline.execute()
        return [
            Job.of_fields(job_id, fields) for job_id, fields in zip(job_ids, records, strict=True) if fields
        ]

    async def older_than(self, age_s: float, *, count: int) -> list[str]:
        """Ids of some of the jobs made longer ago than that, by the server's clock."""
        seconds, _microseconds = await send(self._redis, "TIME")
        bounds = ("-inf", seconds - age_s, "LIMIT", 0, count)
        found: list[str] = await send(self._redis, "ZRANGEBYSCORE", self._keys.jobs, *bounds)
        return found

    async def cancel(self, job_id: str) -> JobState:
        """Cancel a queued or running job, and return the state it is in then.

        Raises:
            JobNotFoundError: There is no such job.
        """
        keys = [self._keys.job(job_id), self._keys.queue, self._keys.counters]
        answer: Any = await self._cancel(keys=keys, args=[job_id, self._keys.events, GROUP])
        if answer == "missing":
            raise _missing(job_id)
        state: JobState = answer
        return state

    async def note_delivery(self, job_id: str, delivery: ResultDelivery) -> None:
        """Tell in a job's record how far its results are on their way; nothing where it is gone."""
        arguments: _Arguments = [delivery.field, delivery.model_dump_json()]
        await self._note(keys=[self._keys.job(job_id)], args=arguments)

    async def remove(self, job_id: str) -> bool:
        """Forget a finished job; False where it is not finished."""
        keys = [self._keys.job(job_id), self._keys.jobs, self._keys.dead]
        return bool(await self._remove(keys=keys, args=[job_id, self._keys.events]) == "removed")

    async def expire(self, job_id: str) -> bool:
        """Mark an old job as expired; False while it is running."""
        keys = [self._keys.job(job_id), self._keys.queue, self._keys.jobs, self._keys.dead]
        arguments: _Arguments = [job_id, self._keys.events, GROUP, EXPIRED_RECORD_S]
        return bool(await self._expire(keys=keys, args=arguments) == "expired")

    async def take(self, worker: str, *, wait_s: float) -> list[Delivery]:
        """The next job that nobody has; when several came while none was there, one of each priority."""
        streams = list(self._keys.streams.values())
        if next(self._turns) % FAIR_TURN == 0:
            streams.reverse()
        if found := await self._take(keys=streams, args=[GROUP, worker]):
            return _deliveries(found[0], _paired(found[1]), worker)
        block_ms = max(1, int(wait_s * 1000))
        command = ("GROUP", GROUP, worker, "COUNT", 1, "BLOCK", block_ms, "STREAMS", *streams)
        answer = await send(self._redis, "XREADGROUP", *command, *(">" for _stream in streams)) or {}
        by_stream = answer.items() if isinstance(answer, dict) else answer
        return [one for stream, messages in by_stream for one in _deliveries(stream, messages, worker)]

    async def recover(self, worker: str, *, lease_s: float, count: int) -> list[Delivery]:
        """Take over jobs whose worker has been silent for the length of the lease."""
        arguments: _Arguments = [GROUP, worker, int(lease_s * 1000), count]
        found = await self._recover(keys=list(self._keys.streams.values()), args=arguments)
        return _deliveries(found[0], _paired(found[1]), worker) if found else []

    async def start(self, delivery: Delivery) -> Job | None:
        """Mark the delivered job as running; None if it is not to be run (any more).

        A job that was delivered more often than allowed fails here and goes to the dead letters.
        """
        reason = problem_of(
            DeadLetterError(f"the job stopped its worker {self._max_deliveries} times and is not tried again")
        )
        keys = [self._keys.job(delivery.job_id), delivery.stream, self._keys.dead, self._keys.counters]
        arguments: _Arguments = [
            *self._arguments(delivery),
            delivery.worker,
            self._max_deliveries,
            reason.model_dump_json(),
        ]
        answer = await self._start(keys=keys, args=arguments)
        if isinstance(answer, str):
            return None
        return Job.of_fields(delivery.job_id, dict(zip(answer[::2], answer[1::2], strict=True)))

    async def pulse(self, delivery: Delivery, progress: float) -> bool:
        """Renew the lease and report progress, 0 to 1; False when the job is ours no longer."""
        keys = [self._keys.job(delivery.job_id), delivery.stream]
        arguments: _Arguments = [*self._arguments(delivery), delivery.worker, f"{progress:.3f}"]
        return bool(await self._pulse(keys=keys, args=arguments) == "kept")

    async def finish(
        self,
        delivery: Delivery,
        state: JobState,
        *,
        error: Problem | None = None,
        counters: Mapping[str, float] | None = None,
        spent: str = "",
        summary: JobSummary | None = None,
    ) -> bool:
        """Move a running job to its final state; False if somebody else did.

        Args:
            spent: Id of the upload, if it is to be removed now.
        """
        keys = [self._keys.job(delivery.job_id), delivery.stream, self._keys.counters, self._keys.spent]
        counted = [part for pair in (counters or {}).items() for part in pair]
        problem, told = (part.model_dump_json() if part else "" for part in (error, summary))
        arguments: _Arguments = [*self._arguments(delivery), state, problem, spent, told, *counted]
        answer = await self._finish(keys=keys, args=arguments)
        return bool(answer == "finished")

    async def spent(self, *, count: int) -> list[str]:
        """Ids of some of the uploads that `finish` was told of, and that are not forgotten yet."""
        found: list[str] = await send(self._redis, "SRANDMEMBER", self._keys.spent, count)
        return found

    async def forget_spent(self, upload_id: str) -> None:
        """The upload is removed."""
        await send(self._redis, "SREM", self._keys.spent, upload_id)

    async def hand_back(self, delivery: Delivery) -> bool:
        """Queue a running job again, as a stopping worker does; this counts as no delivery."""
        keys = [self._keys.job(delivery.job_id), delivery.stream]
        answer = await self._hand_back(keys=keys, args=[*self._arguments(delivery), delivery.worker])
        return bool(answer == "queued")

    async def status(self) -> QueueStatus:
        streams = self._keys.streams
        pipeline = self._redis.pipeline(transaction=False)
        for stream in streams.values():
            pipeline.execute_command("XLEN", stream)
            pipeline.execute_command("XPENDING", stream, GROUP)
            pipeline.execute_command("GET", f"{stream}:bytes")
        pipeline.execute_command("ZCARD", self._keys.dead)
        pipeline.execute_command("HGETALL", self._keys.counters)
        *found, dead, counters = await pipeline.execute()
        return QueueStatus(
            depths=dict(zip(streams, found[::3], strict=True)),
            running=sum(pending["pending"] for pending in found[1::3]),
            dead=dead,
            counters={name: float(value) for name, value in counters.items()},
            queued_bytes=sum(int(queued or 0) for queued in found[2::3]),
        )

    async def ping(self) -> None:
        await send(self._redis, "PING")

    def _check_answer(self, answer: str) -> None:
        if answer == "full":
            raise QueueFullError(f"{self._max_queued} jobs are waiting already; try again in a moment")
        if answer == "heavy":
            raise QueueFullError(
                f"the waiting uploads would exceed {self._max_queued_bytes:,} bytes; try again in a moment"
            )

    def _arguments(self, delivery: Delivery) -> list[str]:
        return [delivery.job_id, delivery.attempt, self._keys.events, GROUP, delivery.message]


def _paired(messages: Any) -> list[tuple[str, dict[str, str]]]:
    """Messages as a script answers with them, in the shape of a command's."""
    return [
        (message, dict(zip(fields[::2], fields[1::2], strict=True))) for message, fields in messages if fields
    ]


def _deliveries(
    stream: str, messages: Sequence[tuple[str, Mapping[str, str]]], worker: str
) -> list[Delivery]:
    # A message that was deleted while it was pending comes without fields.
    return [
        Delivery(fields["id"], fields["attempt"], message, worker, stream)
        for message, fields in messages
        if fields
    ]


def _missing(job_id: str) -> JobNotFoundError:
    return JobNotFoundError(f"there is no job {job_id}")
