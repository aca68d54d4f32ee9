"""Who made a result object, when, and as what: the arguments that all of highdicom's constructors share."""

from typing import TypedDict

from highdicom import UID, AlgorithmIdentificationSequence
from highdicom.sr import AlgorithmIdentification
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from imaging.dicom_objects.facts import ResultFacts
from imaging.dicom_objects.identity import uid_of
from imaging.overlay import NOTICE

MANUFACTURER = "Atypia"
_LONGEST_TEXT = 64  # of a long string, PS3.5 6.2


class Identity(TypedDict):
    """Which object of the job, and in which series."""

    series_instance_uid: UID
    series_number: int
    series_description: str
    sop_instance_uid: UID
    instance_number: int


class Device(TypedDict):
    manufacturer: str
    manufacturer_model_name: str
    software_versions: str
    device_serial_number: str


# Far from what scanners count up to.
_SERIES_NUMBERS = {"map": 9101, "picture": 9102, "segmentation": 9103, "report": 9104}


def identity_of(facts: ResultFacts, kind: str) -> Identity:
    """A series for each kind of object, since a series has one modality."""
    return Identity(
        series_instance_uid=UID(uid_of(facts.job_id, kind, "series")),
        series_number=_SERIES_NUMBERS[kind],
        series_description=f"Anomaly {kind} - {NOTICE}",
        sop_instance_uid=UID(uid_of(facts.job_id, kind, "instance")),
        instance_number=1,
    )


def device_of(facts: ResultFacts) -> Device:
    """The bundle's digest stands for a serial number: it is what tells one bundle from all others."""
    return Device(
        manufacturer=MANUFACTURER,
        manufacturer_model_name=facts.model[:_LONGEST_TEXT],
        software_versions=facts.model_version[:_LONGEST_TEXT],
        device_serial_number=facts.bundle_digest[:_LONGEST_TEXT],
    )


def algorithm_of_image(facts: ResultFacts) -> AlgorithmIdentificationSequence:
    return AlgorithmIdentificationSequence(
        name=facts.model[:_LONGEST_TEXT],
        family=codes.DCM.ArtificialIntelligence,
        version=facts.model_version[:_LONGEST_TEXT],
        source=MANUFACTURER,
        parameters={"bundle digest": facts.bundle_digest},
    )


def algorithm_of_report(facts: ResultFacts) -> AlgorithmIdentification:
    return AlgorithmIdentification(
        name=facts.model,
        version=facts.model_version,
        family=codes.DCM.ArtificialIntelligence,
        manufacturer=MANUFACTURER,
        parameters=(
            f"bundle digest: {facts.bundle_digest}",
            f"job: {facts.job_id}",
            f"intended use: {facts.intended_use}",
        ),
    )


def settle(dataset: Dataset, facts: ResultFacts) -> None:
    """Put the job's time and UIDs where highdicom put the clock's and random ones, in place."""
    date, time = facts.created_at.strftime("%Y%m%d"), facts.created_at.strftime("%H%M%S")
    dataset.TimezoneOffsetFromUTC = facts.created_at.strftime("%z") or "+0000"
    dataset.InstanceCreationDate = dataset.SeriesDate = dataset.ContentDate = date
    dataset.InstanceCreationTime = dataset.SeriesTime = dataset.ContentTime = time
    for item in dataset.get("ContributingEquipmentSequence", ()):
        item.ContributionDateTime = facts.created_at.strftime("%Y%m%d%H%M%S%z")
    if "DimensionOrganizationSequence" in dataset:
        organization = uid_of(dataset.SOPInstanceUID, "dimensions")
        for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
            item.DimensionOrganizationUID = organization
