"""What the node tells an audit record repository, over real associations and a real syslog over TLS."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.dicom_node.node import running_node
from integrations.dicom_node.owed_messages import Arrival, OwedMessages
from tests.audit_repositories import AuditRepository, tls_repository
from tests.integrations.dicom_node.conftest import MakeSettings
from tests.integrations.dicom_node.peers import Pacs, association, ct_series, store, until
from tests.integrations.dicom_node.service_stand_in import StandIn
from tests.service.tls_server import make_authority
from tests.service.valkey_servers import free_port

CT = "1.2.840.10008.5.1.4.1.1.2"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
STARTED, STOPPED = ("110100", "E"), ("110100", "E")
RECEIVED, BEGUN, ALERT = ("110104", "C"), ("110102", "E"), ("110113", "E")


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    make_authority(tmp_path)
    return tmp_path


@pytest.fixture
def there(authority: Path) -> Iterator[AuditRepository]:
    with tls_repository(authority) as repository:
        yield repository


def audit_of(repository: AuditRepository) -> dict[str, object]:
    return {"repository": repository.url, "ca_file": repository.ca_file, "site": "ward"}


def test_a_series_on_its_way_is_told_as_it_came_and_as_it_left(
    node_settings: MakeSettings, there: AuditRepository, pacs: Pacs
):
    slices = ct_series(3, PatientID="P-7")
    with running_node(node_settings(audit=audit_of(there))) as address:
        store(address, *slices)
        until(lambda: len(pacs.objects) == 2, "the results")
        there.until_what(RECEIVED, 2)
    [received, sent] = there.until_what(RECEIVED, 2)
    assert (received.users[0], received.objects["2"], received.instances) == ("CT1", "P-7", {CT: 3})
    assert received.objects["110180"] == slices[0].StudyInstanceUID
    assert (sent.users[1], sent.instances, sent.outcome) == ("PACS", {SECONDARY_CAPTURE: 2}, 0)
    assert [one.type for one in there.told if one.type] == ["110120", "110121"]
    assert len(there.until_what(BEGUN)) == 1 and len(there.told) == 5


def test_two_patients_in_one_association_are_two_messages(
    node_settings: MakeSettings, there: AuditRepository
):
    first, second = ct_series(2, PatientID="P-1"), ct_series(1, PatientID="P-2")
    with running_node(node_settings(rule=({"modality": "MR"},), audit=audit_of(there))) as address:
        store(address, *first, *second)
        told = there.until_what(RECEIVED, 2)
    assert {one.objects["2"]: one.instances for one in told} == {"P-1": {CT: 2}, "P-2": {CT: 1}}


def test_who_is_rejected_is_an_alert_once_a_minute(node_settings: MakeSettings, there: AuditRepository):
    with running_node(node_settings(audit=audit_of(there))) as address:
        for _time in range(3):
            with association(address, ct_series(1), calling="STRANGER") as made:
                assert made.is_rejected
        there.until_what(ALERT)
    [alert] = there.until_what(ALERT)
    assert (alert.type, alert.objects["110182"], alert.outcome) == ("110126", "STRANGER", 4)


def test_results_that_a_pacs_refuses_are_a_failed_transfer(
    node_settings: MakeSettings, there: AuditRepository, pacs: Pacs
):
    pacs.statuses = [0xC000, 0xC000]
    with running_node(node_settings(audit=audit_of(there))) as address:
        store(address, *ct_series(1))
        there.until_what(RECEIVED, 2)
    assert [one.outcome for one in there.until_what(RECEIVED, 2)] == [0, 4]


def test_messages_wait_for_a_repository_that_is_away_and_the_next_node_sends_them(
    node_settings: MakeSettings, authority: Path
):
    port = free_port()
    audit = {"repository": f"tls://localhost:{port}", "ca_file": authority / "authority.pem"}
    settings = node_settings(rule=({"modality": "MR"},), audit=audit)
    with running_node(settings) as address:
        store(address, *ct_series(2, PatientID="P-1"))
    with tls_repository(authority, port=port) as there, running_node(settings):
        there.until(lambda told: len(told) == 4)
    types = [one.type for one in there.told]
    assert types == ["110120", None, "110121", "110120", "110121"]


def test_what_a_kill_cut_off_is_told_at_the_next_start(node_settings: MakeSettings, there: AuditRepository):
    settings = node_settings(audit=audit_of(there))
    settings.spool.folder.mkdir()
    owed = OwedMessages(settings.spool.folder / "trail.sqlite")
    for _instance in range(2):
        owed.arrive(1, Arrival("CT1", "127.0.0.1", "1.2.3", "P-9"), CT)
    owed.close()
    with running_node(settings):
        [received] = there.until_what(RECEIVED)
    assert (received.objects["2"], received.instances) == ("P-9", {CT: 2})


def test_the_newest_is_dropped_where_too_many_are_owed(tmp_path: Path):
    owed = OwedMessages(tmp_path / "trail.sqlite", most=2)
    assert [owed.add(text) for text in "abc"] == [True, True, False]
    assert [text for _, text in owed.oldest(9)] == ["a", "b"]
    owed.close()


def test_no_patient_is_in_the_nodes_log(
    node_settings: MakeSettings, there: AuditRepository, pacs: Pacs, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    with running_node(node_settings(audit=audit_of(there))) as address:
        store(address, *ct_series(1, PatientID="PlantedID"))
        until(lambda: pacs.objects, "the results")
    assert "PlantedID" not in caplog.text


def test_a_node_without_a_repository_keeps_nothing_for_one(node_settings: MakeSettings, service: StandIn):
    settings = node_settings()
    with running_node(settings) as address:
        store(address, *ct_series(1))
    assert not (settings.spool.folder / "trail.sqlite").exists()
