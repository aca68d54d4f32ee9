"""Where jobs wait: their records, and the stream that hands each one to a worker at least once.

A Redis Streams consumer group, made at id 0 so that jobs sent before the first worker exists are not lost.
Messages carry ids, and model and bytes, which tell how long a job takes; `service.transitions` holds every
write.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from service import transitions
from service.connection import send
from service.errors import DeadLetterError, JobNotFoundError, JobStateError, QueueFullError
from service.jobs import Job, JobRequest, JobState
from service.keys import GROUP, Keys, make_token
from service.problems import Problem, problem_of

EXPIRED_RECORD_S = 24 * 3600
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


@dataclass(frozen=True)
class Waiting:
    """An unfinished job, and what its length can be told from; `is_in_hand` where a worker has taken it."""

    job_id: str
    model: str
    size_bytes: int
    is_in_hand: bool


@dataclass(frozen=True)
class QueueStatus:
    """`depth` and `queued_bytes` are of queued and running jobs; `counters` what workers have done so far."""

    depth: int
    running: int
    dead: int
    counters: Mapping[str, float]
    queued_bytes: int


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
        self._submit = redis.register_script(transitions.SUBMIT)
        self._retry = redis.register_script(transitions.RETRY)
        self._start = redis.register_script(transitions.START)
        self._pulse = redis.register_script(transitions.PULSE)
        self._finish = redis.register_script(transitions.FINISH)
        self._hand_back = redis.register_script(transitions.HAND_BACK)
        self._cancel = redis.register_script(transitions.CANCEL)
        self._remove = redis.register_script(transitions.REMOVE)
        self._expire = redis.register_script(transitions.EXPIRE)

    async def open(self) -> None:
        """Make the consumer group, unless it is there."""
        try:
            await send(self._redis, "XGROUP CREATE", self._keys.queue, GROUP, "0", "MKSTREAM")
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
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.execute_command("XLEN", self._keys.queue)
        pipeline.execute_command("GET", self._keys.queued_bytes)
        depth, queued = await pipeline.execute()
        if depth >= self._max_queued:
            self._check_answer("full")
        if int(queued or 0) and int(queued) + size_bytes > self._max_queued_bytes:
            self._check_answer("heavy")

    async def waiting(self, count: int) -> list[Waiting]:
        """The unfinished jobs, at most so many, in the order in which they are taken."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.execute_command("XRANGE", self._keys.queue, "-", "+", "COUNT", count)
        pipeline.execute_command("XPENDING", self._keys.queue, GROUP, "-", "+", count, parse_detail=True)
        messages, pending = await pipeline.execute()
        taken = {entry["message_id"] for entry in pending}
        return [
            Waiting(fields["id"], fields.get("model", ""), int(fields.get("bytes", 0)), message in taken)
            for message, fields in messages
        ]

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
                job for job in await self._records(job_ids) if owner is None or job.request.owner == owner
            ]
            start += _PAGE
            if len(job_ids) < _PAGE:
                break
        return found[:count]

    async def dead_letters(self) -> list[Job]:
        """The jobs that stopped their worker too often, the newest first."""
        return await self._records(await send(self._redis, "ZREVRANGE", self._keys.dead, 0, -1))

    async def _records(self, job_ids: list[str]) -> list[Job]:
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

    async def remove(self, job_id: str) -> bool:
        """Forget a finished job; False where it is not finished."""
        keys = [self._keys.job(job_id), self._keys.jobs, self._keys.dead]
        return bool(await self._remove(keys=keys, args=[job_id, self._keys.events]) == "removed")

    async def expire(self, job_id: str) -> bool:
        """Mark an old job as expired; False while it is running."""
        keys = [self._keys.job(job_id), self._keys.queue, self._keys.jobs, self._keys.dead]
        arguments: _Arguments = [job_id, self._keys.events, GROUP, EXPIRED_RECORD_S]
        return bool(await self._expire(keys=keys, args=arguments) == "expired")

    async def take(self, worker: str, *, wait_s: float) -> Delivery | None:
        """Wait for the next job that nobody has."""
        block_ms = max(1, int(wait_s * 1000))
        command = ("GROUP", GROUP, worker, "COUNT", 1, "BLOCK", block_ms, "STREAMS", self._keys.queue, ">")
        answer = await send(self._redis, "XREADGROUP", *command)
        if not answer:
            return None
        streams = answer.values() if isinstance(answer, dict) else [messages for _name, messages in answer]
        return next(iter(_deliveries(next(iter(streams)), worker)), None)

    async def recover(self, worker: str, *, lease_s: float, count: int) -> list[Delivery]:
        """Take over jobs whose worker has been silent for the length of the lease."""
        command = (self._keys.queue, GROUP, worker, int(lease_s * 1000), "0-0", "COUNT", count)
        answer = await send(self._redis, "XAUTOCLAIM", *command)
        return _deliveries(answer[1], worker)

    async def start(self, delivery: Delivery) -> Job | None:
        """Mark the delivered job as running; None if it is not to be run (any more).

        A job that was delivered more often than allowed fails here and goes to the dead letters.
        """
        reason = problem_of(
            DeadLetterError(f"the job stopped its worker {self._max_deliveries} times and is not tried again")
        )
        keys = [self._keys.job(delivery.job_id), self._keys.queue, self._keys.dead, self._keys.counters]
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
        keys = [self._keys.job(delivery.job_id), self._keys.queue]
        arguments: _Arguments = [*self._arguments(delivery), delivery.worker, f"{progress:.3f}"]
        return bool(await self._pulse(keys=keys, args=arguments) == "kept")

    async def finish(
        self,
        delivery: Delivery,
        state: JobState,
        *,
        error: Problem | None = None,
        counters: Mapping[str, float] | None = None,
    ) -> bool:
        """Move a running job to its final state; False if somebody else did."""
        keys = [self._keys.job(delivery.job_id), self._keys.queue, self._keys.counters]
        counted = [part for pair in (counters or {}).items() for part in pair]
        problem = error.model_dump_json() if error else ""
        arguments: _Arguments = [*self._arguments(delivery), state, problem, *counted]
        answer = await self._finish(keys=keys, args=arguments)
        return bool(answer == "finished")

    async def hand_back(self, delivery: Delivery) -> bool:
        """Queue a running job again, as a stopping worker does; this counts as no delivery."""
        keys = [self._keys.job(delivery.job_id), self._keys.queue]
        answer = await self._hand_back(keys=keys, args=[*self._arguments(delivery), delivery.worker])
        return bool(answer == "queued")

    async def status(self) -> QueueStatus:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.execute_command("XLEN", self._keys.queue)
        pipeline.execute_command("XPENDING", self._keys.queue, GROUP)
        pipeline.execute_command("ZCARD", self._keys.dead)
        pipeline.execute_command("HGETALL", self._keys.counters)
        pipeline.execute_command("GET", self._keys.queued_bytes)
        depth, pending, dead, counters, queued_bytes = await pipeline.execute()
        numbers = {name: float(value) for name, value in counters.items()}
        return QueueStatus(depth, pending["pending"], dead, numbers, int(queued_bytes or 0))

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


def _deliveries(messages: Any, worker: str) -> list[Delivery]:
    # A message that was deleted while it was pending comes without fields.
    return [
        Delivery(fields["id"], fields["attempt"], message, worker) for message, fields in messages if fields
    ]


def _missing(job_id: str) -> JobNotFoundError:
    return JobNotFoundError(f"there is no job {job_id}")
