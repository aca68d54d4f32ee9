"""What the conformance statement says of the node is what it does."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.presentation import AllStoragePresentationContexts

from integrations.dicom_node.node import running_node
from integrations.dicom_node.receiving import STATUSES, SUCCESS
from integrations.dicom_node.settings import Listening, NodeSettings, Peer, Scoring

_PAGE = (Path(__file__).parents[3] / "docs" / "conformance.md").read_text()
SECTION = _PAGE.split("\n## The node\n", 1)[1].split("\n## ", 1)[0]
STORAGE = [str(context.abstract_syntax) for context in AllStoragePresentationContexts]
JPEG_2000 = "1.2.840.10008.1.2.4.91"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[tuple[str, int]]:
    settings = NodeSettings.model_validate(
        {
            "listen": {"port": 0, "calling_ae_titles": ["CT1"]},
            "spool": {"folder": tmp_path},
            "sender": [{"ae_title": "CT1", "host": "127.0.0.1"}],
            "rule": [{"modality": "CT"}],
        }
    )
    with running_node(settings) as address:
        yield address


def associate(
    node: tuple[str, int], classes: list[str], *, calling: str = "CT1", called: str = "ATYPIA"
) -> Association:
    entity = AE(calling)
    for sop_class in classes:
        entity.add_requested_context(sop_class)
    return entity.associate(*node, ae_title=called)


def accepted(node: tuple[str, int], classes: list[str]) -> set[str]:
    association = associate(node, classes)
    try:
        return {str(context.abstract_syntax) for context in association.accepted_contexts}
    finally:
        association.release()


def test_its_sop_classes_are_accepted(node: tuple[str, int]):
    named = re.findall(r"\| (1\.2\.840[\d.]+) \|", SECTION)
    assert accepted(node, named) == set(named)
    assert f"all {len(STORAGE)} that pynetdicom knows" in SECTION
    for some in (STORAGE[:100], STORAGE[100:]):  # of 128 contexts at most (PS3.8 9.3.2.2)
        assert accepted(node, some) == set(some)


def test_what_it_denies_is_not_accepted(node: tuple[str, int]):
    find, move, get, mpps = (
        "1.2.840.10008.5.1.4.1.2.2.1",
        "1.2.840.10008.5.1.4.1.2.2.2",
        "1.2.840.10008.5.1.4.1.2.2.3",
        "1.2.840.10008.3.1.2.3.3",
    )
    assert accepted(node, [find, move, get, mpps]) == set()


def test_what_is_not_compressed_is_taken_where_it_is_offered(node: tuple[str, int]):
    entity = AE("CT1")
    entity.add_requested_context(STORAGE[0], [JPEG_2000, "1.2.840.10008.1.2"])
    association = entity.associate(*node, ae_title="ATYPIA")
    [context] = association.accepted_contexts
    association.release()
    assert context.transfer_syntax == ["1.2.840.10008.1.2"]


@pytest.mark.parametrize("titles", [{"calling": "STRANGER"}, {"called": "OTHER"}])
def test_other_titles_are_rejected(node: tuple[str, int], titles: dict[str, str]):
    assert associate(node, STORAGE[:1], **titles).is_rejected


def test_its_numbers_are_the_defaults():
    listening, scoring = Listening(calling_ae_titles=("CT1",)), Scoring()
    assert f"{listening.max_associations} (`max_associations`)" in SECTION
    assert f"{listening.max_pdu_bytes} bytes (`max_pdu_bytes`)" in SECTION
    assert f"after {listening.silence_s:g} s (`silence_s`)" in SECTION
    assert f"after {Peer(ae_title='PACS', host='pacs').timeout_s:g} s (`timeout_s`)" in SECTION
    assert f"after {scoring.retry_s:g} s (`retry_s`)" in SECTION


def test_its_statuses_are_those_of_the_code():
    sentence = SECTION.split("As SCP of C-STORE", 1)[1].split(";", 1)[0]
    listed = {int(status, 16) for status in re.findall(r"`([0-9A-F]{4})`", sentence)}
    assert listed == {SUCCESS, *STATUSES.values(), 0x0110}
