"""STOW-RS: DICOM instances of any number of series in, a job for each series.

Source: PS3.18 10.5 (Store transaction), J.2 (response), F.2 (DICOM JSON). What is stored can be retrieved as
results alone: the response names the jobs in `Link` headers, and no Retrieve URL.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from imaging.errors import ImagingError
from inference.errors import InferenceError
from service.api.services import Services
from service.api.submission import ScoreOptions, Sender, submit_received
from service.api.uploads import Upload, split_upload
from service.errors import MalformedRequestError, QueueFullError, ServiceError, StoreError
from service.images import Instance, identify_instances
from service.keys import input_key
from service.store import Intake

MEDIA_TYPE = "application/dicom+json"
# Failure Reason (0008,1197), PS3.18 I.2.2: the values of C-STORE.
_CANNOT_UNDERSTAND, _PROCESSING_FAILURE, _OTHER_STUDY, _OUT_OF_RESOURCES = 0xC000, 0x0110, 0xA900, 0xA700


@dataclass
class Stored:
    """What became of each instance, and the jobs of those that were taken."""

    taken: list[Instance] = field(default_factory=list)
    failed: list[tuple[Instance | None, int]] = field(default_factory=list)
    job_ids: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)  # why a series failed

    def fail(self, instances: Iterable[Instance], reason: int, sentence: str) -> None:
        self.failed += [(instance, reason) for instance in instances]
        self.sentences.append(sentence)

    @property
    def status(self) -> int:
        """PS3.18 10.5.3.1: all of them, some, none."""
        if not self.failed:
            return 200
        return 202 if self.taken else 409

    def to_json(self) -> dict[str, Any]:
        """The Store Instances Response, PS3.18 J.2."""
        found: dict[str, Any] = {}
        if self.failed:
            items = [
                {**_references(instance), "00081197": {"vr": "US", "Value": [reason]}}
                for instance, reason in self.failed
            ]
            found["00081198"] = {"vr": "SQ", "Value": items}  # Failed SOP Sequence
        if self.taken:
            items = [_references(instance) for instance in self.taken]
            found["00081199"] = {"vr": "SQ", "Value": items}  # Referenced SOP Sequence
        return found


@dataclass(frozen=True)
class Storing:
    """One request: what was received, of whom, and the study that it must be of, if the path says one."""

    upload: Upload
    intake: Intake
    options: ScoreOptions
    sender: Sender
    study: str | None

    async def run(self, services: Services) -> Stored:
        """Queue a job for each series; what belongs to none, or to another study, has failed.

        Raises:
            MalformedRequestError: There is no instance at all.
            ServiceError: There is no room for the first series.
        """
        parts = len(self.upload.digests)
        if not parts:
            raise MalformedRequestError("the body has no part; send instances as application/dicom parts")
        keys = {"": [input_key(self.upload.upload_id, part) for part in range(parts)]}
        found = await services.sandbox.call(
            identify_instances, self.intake.root, keys, services.settings.limits
        )
        stored, series = Stored(), defaultdict[str, dict[int, Instance]](dict)
        for place, instance in enumerate(found):
            if instance is None:
                stored.failed.append((None, _CANNOT_UNDERSTAND))
            elif self.study is not None and instance.study_uid != self.study:
                stored.failed.append((instance, _OTHER_STUDY))
            else:
                series[instance.series_uid][place] = instance
        for instances in series.values():
            await self._store_series(instances, stored, services)
        return stored

    async def _store_series(self, instances: dict[int, Instance], stored: Stored, services: Services) -> None:
        try:
            part = split_upload(self.upload, self.intake.root, list(instances))
            job_id = await submit_received(part, self.intake, self.options, self.sender, services)
        except (QueueFullError, StoreError) as error:
            if not stored.taken:
                raise
            stored.fail(instances.values(), _OUT_OF_RESOURCES, str(error))
        except (ImagingError, InferenceError, ServiceError) as error:
            # One series that cannot be scored is no reason to refuse the others.
            stored.fail(instances.values(), _PROCESSING_FAILURE, str(error))
        else:
            stored.job_ids.append(job_id)
            stored.taken += instances.values()


def _references(instance: Instance | None) -> dict[str, Any]:
    if instance is None:
        return {}
    return {
        "00081150": {"vr": "UI", "Value": [instance.sop_class_uid]},
        "00081155": {"vr": "UI", "Value": [instance.sop_instance_uid]},
    }
