"""What the node takes in, from whom, and what it refuses, over real associations."""

import shutil
import socket
import struct
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import UID, CTImageStorage, DeflatedExplicitVRLittleEndian, RLELossless, generate_uid
from pynetdicom import AE, build_context
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import P_DATA

from integrations.dicom_node.node import running_node
from integrations.dicom_node.receiving import decodable_syntaxes
from tests.integrations.dicom_node.conftest import MakeSettings
from tests.integrations.dicom_node.peers import Address, association, ct_series, store, until

MIB = 2**20


@pytest.fixture
def quiet_node(node_settings: MakeSettings) -> Iterator[Address]:
    """It waits for an hour before it scores anything, and takes little at once."""
    listen = {"max_associations": 2, "max_instance_bytes": MIB}
    with running_node(node_settings(listen=listen, spool={"quiet_s": 3600})) as address:
        yield address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "node"


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "series").rglob("*.dcm"))


def without_end(primitive: object) -> object:
    """A data set's last fragment as if more were to come (PS3.8 E.2)."""
    if isinstance(primitive, P_DATA):
        primitive.presentation_data_value_list = [
            [context, bytes([value[0] & ~2 if not value[0] & 1 else value[0]]) + value[1:]]
            for context, value in primitive.presentation_data_value_list
        ]
    return primitive


def test_an_echo_is_answered(quiet_node: Address):
    with association(quiet_node, []) as made:
        assert made.send_c_echo().Status == 0x0000


@pytest.mark.parametrize(("calling", "called"), [("STRANGER", "ATYPIA"), ("CT1", "OTHER")])
def test_an_unknown_title_is_rejected_on_either_side(quiet_node: Address, calling: str, called: str):
    with association(quiet_node, [], calling=calling, called=called) as made:
        assert made.is_rejected


def test_an_association_too_many_is_rejected_for_now(quiet_node: Address):
    with association(quiet_node, []), association(quiet_node, []), association(quiet_node, []) as third:
        # PS3.8 9.3.4: transient, by the presentation layer, local limit exceeded.
        answer = third.acceptor.primitive
        assert (answer.result, answer.result_source, answer.diagnostic) == (2, 3, 2)


def test_an_instance_of_a_retired_class_is_kept(quiet_node: Address, folder: Path):
    (instance,) = ct_series(1)
    # Ultrasound Image Storage, which old machines send still.
    instance.SOPClassUID = instance.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.6")
    assert store(quiet_node, instance) == [0x0000]
    assert len(kept(folder)) == 1


def test_an_instance_is_kept_under_names_that_tell_nothing(quiet_node: Address, folder: Path):
    (instance,) = ct_series(1)
    assert store(quiet_node, instance) == [0x0000]
    (path,) = kept(folder)
    assert np.array_equal(dcmread(path).pixel_array, instance.pixel_array)
    assert instance.SOPInstanceUID not in str(path) and instance.SeriesInstanceUID not in str(path)
    assert folder.stat().st_mode & 0o77 == 0


def test_a_compressed_instance_is_kept_as_it_came(quiet_node: Address, folder: Path):
    (instance,) = ct_series(1)
    instance.compress(RLELossless, generate_instance_uid=False)
    assert store(quiet_node, instance) == [0x0000]
    received = dcmread(kept(folder)[0])
    assert received.file_meta.TransferSyntaxUID == RLELossless
    assert received.PixelData == instance.PixelData


def test_every_transfer_syntax_that_is_decoded_is_taken(quiet_node: Address):
    syntaxes = decodable_syntaxes()
    entity = AE("CT1")
    entity.requested_contexts = [build_context(CTImageStorage, syntax) for syntax in syntaxes]
    made = entity.associate(*quiet_node, ae_title="ATYPIA")
    accepted = {context.transfer_syntax[0] for context in made.accepted_contexts}
    made.release()
    assert accepted == set(syntaxes) and len(syntaxes) >= 14


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_an_instance_whose_uid_leads_elsewhere_is_refused(quiet_node: Address, folder: Path, keyword: str):
    (instance,) = ct_series(1)
    instance[keyword]._value = "../../outside"
    assert store(quiet_node, instance) == [0xC000]
    assert kept(folder) == [] and list((folder / "incoming").iterdir()) == []


def test_an_instance_without_a_series_is_refused(quiet_node: Address):
    (instance,) = ct_series(1)
    del instance.SeriesInstanceUID
    assert store(quiet_node, instance) == [0xC000]


def test_a_data_set_that_is_not_the_requests_is_refused(quiet_node: Address, folder: Path):
    (instance,) = ct_series(1)
    with association(quiet_node, [instance]) as made:
        send = made.dimse.send_msg

        def send_under_another_uid(message: C_STORE, context: int) -> None:
            message.AffectedSOPInstanceUID = generate_uid()
            send(message, context)

        made.dimse.send_msg = send_under_another_uid
        assert made.send_c_store(instance).Status == 0xA900
    assert kept(folder) == []


def test_an_instance_is_refused_while_the_disk_is_low_and_taken_after(
    quiet_node: Address, folder: Path, monkeypatch: pytest.MonkeyPatch, node_settings: MakeSettings
):
    usage = namedtuple("usage", "total used free")
    (instance,) = ct_series(1)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, -1))
        assert store(quiet_node, instance) == [0xA700]
        assert kept(folder) == []
    assert store(quiet_node, instance) == [0x0000]


def test_a_disk_that_fills_up_within_an_instance_ends_its_association(
    node_settings: MakeSettings, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    usage = namedtuple("usage", "total used free")
    (instance,) = ct_series(1)
    instance.PixelData = bytes(17 * MIB)
    with running_node(node_settings(spool={"min_free_bytes": MIB})) as node, monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, MIB // 4))
        with association(node, [instance]) as made:
            assert "Status" not in made.send_c_store(instance)
    assert kept(folder) == []


def test_a_deflated_instance_is_taken(quiet_node: Address, folder: Path):
    (instance,) = ct_series(1)
    instance.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    with association(quiet_node, [instance]) as made:
        assert made.send_c_store(instance).Status == 0x0000
    assert np.array_equal(dcmread(kept(folder)[0]).pixel_array, instance.pixel_array)


def test_an_instance_that_is_too_large_ends_its_association_and_leaves_nothing(
    quiet_node: Address, folder: Path
):
    (instance,) = ct_series(1)
    instance.Rows = instance.Columns = 1024
    instance.PixelData = bytes(2 * MIB)
    with association(quiet_node, [instance]) as made:
        assert "Status" not in made.send_c_store(instance)
    until(lambda: list((folder / "incoming").iterdir()) == [], "an empty folder")
    assert kept(folder) == []


def test_an_association_that_breaks_within_an_instance_leaves_nothing(quiet_node: Address, folder: Path):
    (instance,) = ct_series(1)
    with association(quiet_node, [instance]) as made:
        send = made.dul.send_pdu
        made.dul.send_pdu = lambda primitive: send(without_end(primitive))
        threading.Thread(target=made.send_c_store, args=[instance]).start()
        until(lambda: list((folder / "incoming").iterdir()), "a file that is being received")
        made.abort()
    until(lambda: list((folder / "incoming").iterdir()) == [], "an empty folder")
    assert kept(folder) == []


def test_a_pdu_of_four_gigabytes_breaks_the_connection_and_no_other(quiet_node: Address):
    with socket.create_connection(quiet_node) as peer:
        peer.settimeout(10)
        peer.sendall(struct.pack(">BBI", 1, 0, 2**32 - 1) + bytes(1000))
        with pytest.raises(ConnectionResetError):
            while peer.recv(1000):
                pass
            raise ConnectionResetError
    with association(quiet_node, []) as made:
        assert made.send_c_echo().Status == 0x0000
