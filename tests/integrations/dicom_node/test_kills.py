"""A day of studies in small: series in turns, associations that break, a node that is killed at any time."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset

from tests.integrations.dicom_node.conftest import MakeSettings
from tests.integrations.dicom_node.node_process import settings_file, start_node
from tests.integrations.dicom_node.peers import Address, Pacs, association, ct_series, until
from tests.integrations.dicom_node.service_stand_in import StandIn

STUDIES = 12
KILLS = 5


def rounds(rng: random.Random, count: int) -> Iterator[list[FileDataset]]:
    """Studies of two CT series and one that no rule is for, their instances in any order."""
    for _ in range(count):
        first = ct_series(rng.randint(1, 4))
        study = first[0].StudyInstanceUID
        mixed = [
            *first,
            *ct_series(rng.randint(1, 4), study=study),
            *ct_series(1, study=study, Modality="MR"),
        ]
        rng.shuffle(mixed)
        yield mixed


def send_until_kept(address: Address, instances: list[FileDataset], rng: random.Random) -> None:
    """As a modality does: what got no success is sent again, in another association."""
    left = list(instances)
    while left:
        with association(address, left[:1]) as made:
            if not made.is_established:
                time.sleep(0.1)
                continue
            for instance in list(left):
                if rng.random() < 0.1:
                    made.abort()
                    break
                try:
                    status = made.send_c_store(instance)
                except RuntimeError:
                    break
                if status.get("Status") == 0x0000:
                    left.remove(instance)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_series_is_lost_or_doubled_while_the_node_is_killed_at_any_time(
    node_settings: MakeSettings, pacs: Pacs, service: StandIn, tmp_path: Path
):
    rng = random.Random(20261124)
    log = tmp_path / "log"
    file = settings_file(node_settings(), tmp_path / "node.toml")
    process, address = start_node(file, log)
    file = settings_file(node_settings(listen={"port": address[1]}), tmp_path / "node.toml")
    studies = list(rounds(rng, STUDIES))
    try:
        for number, study in enumerate(studies):
            send_until_kept(address, study, rng)
            if number % (STUDIES // KILLS) == 1:
                time.sleep(rng.random() * 2)
                process.kill()
                process.wait()
                process, address = start_node(file, log)
        expected = {str(instance.StudyInstanceUID) for study in studies for instance in study}
        until(lambda: len(pacs.uids) == 4 * STUDIES, f"four objects of {STUDIES} studies")
        assert {str(dataset.StudyInstanceUID) for dataset in pacs.objects} == expected
        assert len(set(service.submissions)) == 2 * STUDIES
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    assert "SECRET" not in log.read_text()
