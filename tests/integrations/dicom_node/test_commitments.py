"""Storage commitment: what is kept is said, and what is not, also after a restart."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.events import Event

from integrations.dicom_node.commitments import PUSH_MODEL
from integrations.dicom_node.node import running_node
from tests.integrations.dicom_node.conftest import MakeSettings
from tests.integrations.dicom_node.peers import Address, ct_series, store, until

INSTANCE = "1.2.840.10008.1.20.1.1"
Report = tuple[int, Dataset]


@contextmanager
def told_sender(port: int = 0) -> Iterator[tuple[Address, list[Report]]]:
    """A scanner that is told; what it was told, by event type."""
    reports: list[Report] = []

    def take(event: Event) -> tuple[int, None]:
        reports.append((event.request.EventTypeID, event.event_information))
        return 0x0000, None

    entity = AE("CT1")
    entity.add_supported_context(PUSH_MODEL, scu_role=False, scp_role=True)
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)]
    )
    assert server is not None
    try:
        yield server.server_address[:2], reports
    finally:
        server.shutdown()


def ask(node: Address, *instances: Dataset, calling: str = "CT1") -> int:
    question = Dataset()
    question.TransactionUID = generate_uid()
    question.ReferencedSOPSequence = [_reference(instance) for instance in instances]
    entity = AE(calling)
    entity.add_requested_context(PUSH_MODEL)
    association = entity.associate(*node, ae_title="ATYPIA")
    status, _ = association.send_n_action(question, 1, PUSH_MODEL, INSTANCE)
    association.release()
    return int(status.Status)


def _reference(instance: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = instance.SOPClassUID
    item.ReferencedSOPInstanceUID = instance.SOPInstanceUID
    return item


def peer(address: Address) -> dict[str, object]:
    return {"ae_title": "CT1", "host": address[0], "port": address[1]}


def test_a_sender_is_told_which_of_its_instances_are_kept(node_settings: MakeSettings):
    sent, never_sent = ct_series(2)
    with (
        told_sender() as (address, reports),
        running_node(node_settings(sender=(peer(address),))) as node,
    ):
        store(node, sent)
        assert ask(node, sent) == ask(node, sent, never_sent) == 0x0000
        until(lambda: len(reports) == 2, "both answers")
    by_type = dict(reports)
    assert set(by_type) == {1, 2}
    assert "FailedSOPSequence" not in by_type[1]
    (failed,) = by_type[2].FailedSOPSequence
    assert (failed.ReferencedSOPInstanceUID, failed.FailureReason) == (never_sent.SOPInstanceUID, 0x0112)


def test_a_sender_that_is_not_listed_may_not_ask(node_settings: MakeSettings):
    listen = {"calling_ae_titles": ("CT1", "CT2")}
    with (
        told_sender() as (address, _),
        running_node(node_settings(sender=(peer(address),), listen=listen)) as node,
    ):
        assert ask(node, *ct_series(1), calling="CT2") == 0x0124


def test_a_question_outlives_the_node_that_was_asked(node_settings: MakeSettings):
    (sent,) = ct_series(1)
    with told_sender() as (address, _):
        pass
    settings = node_settings(sender=(peer(address),))
    with running_node(settings) as node:
        store(node, sent)
        assert ask(node, sent) == 0x0000
    with told_sender(address[1]) as (_, reports), running_node(settings):
        until(lambda: reports, "the answer")
    assert reports[0][0] == 1
