"""The names of everything in Redis and in the store, and the identity of a job."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

GROUP = "workers"
Priority = Literal["high", "normal", "low"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)

# First parts of the keys of uploads: as they were sent, and de-identified.
UPLOADS = ("inputs", "cleaned")

_JOB_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Keys:
    """Redis keys. The braces put them all in one slot of a cluster, as scripts over several keys need."""

    prefix: str

    def _key(self, name: str) -> str:
        return f"{{{self.prefix}}}:{name}"

    def job(self, job_id: str) -> str:
        """Hash: the job's record."""
        return self._key(f"job:{job_id}")

    @property
    def queue(self) -> str:
        """Stream: one message for each unfinished job of normal priority."""
        return self._key("queue")

    @property
    def streams(self) -> dict[Priority, str]:
        """The streams of all priorities, the highest first; `service.transitions` makes the same names."""
        return {"high": f"{self.queue}:high", "normal": self.queue, "low": f"{self.queue}:low"}

    @property
    def broken(self) -> str:
        """Hash: by host, since when and why a worker there cannot work."""
        return self._key("broken")

    @property
    def jobs(self) -> str:
        """Sorted set: job ids by the time they were made."""
        return self._key("jobs")

    @property
    def dead(self) -> str:
        """Sorted set: ids of jobs that stopped their worker too often, by time."""
        return self._key("dead")

    @property
    def api_keys(self) -> str:
        """Hash: what is known of each API key, by its id."""
        return self._key("api-keys")

    @property
    def counters(self) -> str:
        """Hash: what all workers have done, for the metrics."""
        return self._key("counters")

    @property
    def workers(self) -> str:
        """Sorted set: worker ids by the time they were last heard of."""
        return self._key("workers")

    def worker(self, worker_id: str) -> str:
        """String that expires: what a live worker says of itself."""
        return self._key(f"worker:{worker_id}")

    def rate(self, client: str) -> str:
        """Hash that expires: how many requests one client may still make at once."""
        return self._key(f"rate:{hashlib.sha256(client.encode()).hexdigest()[:32]}")

    @property
    def callbacks(self) -> str:
        """Sorted set: ids of callbacks that are owed, by the time they are to be sent."""
        return self._key("callbacks")

    def callback(self, callback_id: str) -> str:
        """String: where one leads, for which job, and how often it was tried."""
        return self._key(f"callback:{callback_id}")

    def agenda(self, name: str) -> str:
        """Sorted set: ids of things to do, by the time when each is to be done."""
        return self._key(f"agenda:{name}")

    def agenda_record(self, name: str, item_id: str) -> str:
        """String: what is to be done, or came of it."""
        return self._key(f"agenda:{name}:{item_id}")

    @property
    def spent(self) -> str:
        """Set: ids of uploads whose jobs are done, and which are to be removed as they were sent."""
        return self._key("spent")

    @property
    def events(self) -> str:
        """Channel: the id of each job that has changed, and its state, or `removed` and the owner."""
        return self._key("events")


def make_token() -> str:
    """A caller-made id, so that a write repeated after a dropped connection is known as the same write."""
    return secrets.token_hex(16)


def digest_of_parts(part_digests: Sequence[str], contrasts: Mapping[str, Sequence[int]]) -> str:
    """The sha256 of an upload: of its files' sha256, whatever order they came in.

    Args:
        contrasts: Which parts are which contrast; no name counts where all are one picture.
    """
    parts = [f"{name} {part_digests[place]}" for name, places in contrasts.items() for place in places]
    return hashlib.sha256("\n".join(sorted(parts or part_digests)).encode()).hexdigest()


def make_job_id(input_digest: str, bundle_digest: str, parameters: Mapping[str, str]) -> str:
    """The identity of a job: the same request is the same job."""
    identity = json.dumps([input_digest, bundle_digest, dict(parameters)], sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def is_job_id(text: str) -> bool:
    """Whether `make_job_id` could have made it."""
    return _JOB_ID.fullmatch(text) is not None


def input_key(upload_id: str, part: int) -> str:
    return f"inputs/{upload_id}/{part:05d}"


def input_keys(upload_id: str, parts: int, contrasts: Mapping[str, Sequence[int]]) -> dict[str, list[str]]:
    """Where the files of each contrast are; "" names the only picture, where there are no contrasts."""
    places = contrasts or {"": range(parts)}
    return {name: [input_key(upload_id, part) for part in own] for name, own in places.items()}


def cleaned_key(upload_id: str, place: int) -> str:
    """Where the de-identified image of a contrast is, by the contrast's place; 0 where there are none."""
    return f"cleaned/{upload_id}/{place:05d}"


def result_key(job_id: str, attempt: str, name: str) -> str:
    """Results are kept by attempt: a worker that is late with an old one cannot touch the newer."""
    return f"results/{job_id}/{attempt}/{name}"
