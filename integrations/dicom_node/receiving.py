"""The node's ear: C-ECHO and C-STORE for those who may, each instance answered when it is safe.

Source: PS3.4 B.2.3 (statuses of C-STORE), PS3.8 9.3.4 (why an association is rejected).
"""

import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, AllTransferSyntaxes
from pynetdicom import AE, _config, evt, register_uid
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.presentation import AllStoragePresentationContexts, VerificationPresentationContexts
from pynetdicom.service_class import StorageServiceClass
from pynetdicom.transport import ThreadedAssociationServer

from imaging.errors import UnreadableImageError
from imaging.foreign_errors import quiet
from integrations.dicom_node.bounded_server import BoundedServer
from integrations.dicom_node.commitments import PUSH_MODEL, Commitments, take_question
from integrations.dicom_node.errors import LowDiskError, WrongInstanceError
from integrations.dicom_node.instances import InstanceFacts, read_instance
from integrations.dicom_node.settings import NodeSettings
from integrations.dicom_node.spool import Spool
from integrations.dicom_node.trail import NodeTrail

log = logging.getLogger(__name__)

SUCCESS = 0x0000
# An error of ours that is none of these is the node's own: the sender may try again.
STATUSES: dict[type[Exception], int] = {
    LowDiskError: 0xA700,
    OSError: 0xA700,
    WrongInstanceError: 0xA900,
    UnreadableImageError: 0xC000,
}
_PROCESSING_FAILURE = 0x0110
# PS3.6 table A-1; pynetdicom does not know them, but old machines send them still.
_RETIRED_CLASSES = {
    "UltrasoundMultiFrameImageStorageRetired": "1.2.840.10008.5.1.4.1.1.3",
    "NuclearMedicineImageStorageRetired": "1.2.840.10008.5.1.4.1.1.5",
    "UltrasoundImageStorageRetired": "1.2.840.10008.5.1.4.1.1.6",
    "XRayAngiographicBiPlaneImageStorage": "1.2.840.10008.5.1.4.1.1.12.3",
}
# What is smaller is received even when the disk is nearly full, so that its sender can be told so.
_SMALL_BYTES = 2**24
# An association request holds up to 128 contexts; it comes before a length is agreed on.
_LONGEST_REQUEST_BYTES = 2**18


@contextmanager
def receiving(
    settings: NodeSettings, spool: Spool, commitments: Commitments, trail: NodeTrail
) -> Iterator[tuple[str, int]]:
    """Listen for as long as the context is open; where."""
    _config.LOG_HANDLER_LEVEL = "none"  # it tells of UIDs and peers
    _config.STORE_RECV_CHUNKED_DATASET = True
    before, tempfile.tempdir = tempfile.tempdir, str(spool.incoming)  # where pynetdicom puts what comes
    server = _start(settings, spool, commitments, trail)
    try:
        host, port = server.server_address[:2]
        yield host, port
    finally:
        server.ae.shutdown()
        tempfile.tempdir = before


def decodable_syntaxes() -> list[UID]:
    """Transfer syntaxes that the service decodes, those without loss and compression first."""
    with quiet():
        return [uid for uid in AllTransferSyntaxes if _has_decoder(uid)]


def store(event: Event, spool: Spool, trail: NodeTrail) -> int:
    """Keep an instance; the status says that it is kept, or why it is not."""
    try:
        spool.check_room()
        path = event.dataset_path
        facts = read_instance(path)
        _check(facts, event)
        spool.keep(path, facts)
        trail.instance_kept(event.assoc, facts)
    except Exception as error:
        # The edge of an association: whatever happens, its sender gets a status.
        status = next(
            (code for kind, code in STATUSES.items() if isinstance(error, kind)), _PROCESSING_FAILURE
        )
        log.warning("an instance was refused with 0x%04X: %s", status, type(error).__name__)
        return status
    return SUCCESS


class SizeGuard:
    """Ends an association in which one instance grows beyond what it may, or beyond the disk.

    pynetdicom has no answer to a write that fails: the association would hang until it times out.
    """

    def __init__(self, spool: Spool, *, max_bytes: int) -> None:
        self._spool = spool
        self._max_bytes = max_bytes
        self._seen: dict[int, int] = {}

    def see_pdu(self, event: Event) -> None:
        if not isinstance(event.pdu, P_DATA_TF):
            return
        seen = self._seen[id(event.assoc)] = self._seen.get(id(event.assoc), 0) + len(event.pdu)
        if seen > self._max_bytes or (seen > _SMALL_BYTES and self._spool.is_full):
            log.warning(
                "an association is ended: %d bytes of an instance are too many or fill the disk", seen
            )
            self._seen[id(event.assoc)] = 0
            # It waits for the thread that called here.
            threading.Thread(target=event.assoc.abort, daemon=True).start()

    def see_message(self, event: Event) -> None:
        self._seen[id(event.assoc)] = 0

    def see_end(self, event: Event) -> None:
        self._seen.pop(id(event.assoc), None)
        _drop_partial(event)


def _start(
    node_settings: NodeSettings, spool: Spool, commitments: Commitments, trail: NodeTrail
) -> ThreadedAssociationServer:
    settings, senders = node_settings.listen, node_settings.sender
    entity = AE(settings.ae_title)
    entity.require_calling_aet = list(settings.calling_ae_titles)
    entity.require_called_aet = True
    entity.maximum_associations = settings.max_associations
    entity.maximum_pdu_size = settings.max_pdu_bytes
    entity.network_timeout = entity.dimse_timeout = settings.silence_s
    entity.supported_contexts = VerificationPresentationContexts
    syntaxes = decodable_syntaxes()
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), syntaxes)
    for keyword, uid in _RETIRED_CLASSES.items():
        register_uid(uid, keyword, StorageServiceClass)
        entity.add_supported_context(uid, syntaxes)
    if senders:
        entity.add_supported_context(PUSH_MODEL)
    guard = SizeGuard(spool, max_bytes=settings.max_instance_bytes)
    server = entity.make_server(
        (settings.host, settings.port),
        evt_handlers=[
            (evt.EVT_C_STORE, store, [spool, trail]),
            (evt.EVT_N_ACTION, take_question, [commitments, senders]),
            (evt.EVT_PDU_RECV, guard.see_pdu),
            (evt.EVT_DIMSE_RECV, guard.see_message),
            (evt.EVT_CONN_CLOSE, guard.see_end),
            (evt.EVT_CONN_CLOSE, lambda event: trail.association_ended(event.assoc)),
            (evt.EVT_REJECTED, _tell_of_rejection, [trail]),
        ],
        server_class=BoundedServer,
        max_pdu_bytes=max(settings.max_pdu_bytes, _LONGEST_REQUEST_BYTES),
    )
    # `shutdown` of the entity ends these.
    entity._servers.append(server)
    threading.Thread(target=server.serve_forever, name="listening", daemon=True).start()
    return server


def _check(facts: InstanceFacts, event: Event) -> None:
    request = cast(C_STORE, event.request)
    told = (str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID))
    if told != (facts.sop_class_uid, facts.sop_instance_uid):
        raise WrongInstanceError("the data set is another instance than the request says")


def _tell_of_rejection(event: Event, trail: NodeTrail) -> None:
    trail.association_rejected(event.assoc)
    log.warning("an association of %r was rejected", event.assoc.requestor.ae_title)


def _drop_partial(event: Event) -> None:
    """Remove what came of an instance whose association broke: pynetdicom leaves it."""
    message = event.assoc.dimse.message
    file = message._data_set_file if message else None
    if file is not None:
        file.close()
        Path(file.name).unlink(missing_ok=True)


def _has_decoder(uid: UID) -> bool:
    try:
        return get_decoder(uid).is_available
    except NotImplementedError:
        return False
