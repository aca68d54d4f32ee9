"""Results on their way to a PACS by C-STORE; sending one twice changes nothing there, for it keeps its UID.

Source: PS3.4 B.2.3, PS3.7 C (statuses).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from pydicom.filereader import read_file_meta_info
from pynetdicom import AE
from pynetdicom.association import Association

from integrations.dicom_node.errors import DestinationAwayError
from integrations.dicom_node.settings import Peer

_TRANSIENT = (range(0xA700, 0xA800), range(0x0110, 0x0111))  # out of resources, processing failure
_WARNINGS = range(0xB000, 0xC000)


def send(
    objects: Sequence[Path], destination: Peer, *, ae_title: str, on_begin: Callable[[], None]
) -> list[str]:
    """Send DICOM files; what of them was refused for good, in words. `on_begin` is called before the first.

    Raises:
        DestinationAwayError: There is nobody, or no room, or the association broke; all may be sent again.
    """
    if not objects:
        return []
    association = _associate(objects, destination, ae_title=ae_title)
    try:
        on_begin()
        answers = [_store(association, path, destination) for path in objects]
    finally:
        if association.is_established:
            association.release()
    return [answer for answer in answers if answer]


def _associate(objects: Sequence[Path], destination: Peer, *, ae_title: str) -> Association:
    entity = AE(ae_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = destination.timeout_s
    entity.connection_timeout = destination.timeout_s
    metas = [read_file_meta_info(path) for path in objects]
    for sop_class, syntax in {(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID) for meta in metas}:
        entity.add_requested_context(sop_class, syntax)
    association = entity.associate(destination.host, destination.port, ae_title=destination.ae_title)
    if association.is_established:
        return association
    if association.is_rejected:
        raise DestinationAwayError(
            f"{destination.ae_title} rejects the association; does it know {ae_title}?"
        )
    raise DestinationAwayError(f"{destination.ae_title} does not answer at its address")


def _store(association: Association, path: Path, destination: Peer) -> str:
    """Nothing, or why it was refused."""
    try:
        status = association.send_c_store(path).get("Status")
    except ValueError:
        return f"{destination.ae_title} takes no {path.stem} objects"
    except RuntimeError as error:
        raise DestinationAwayError(f"{destination.ae_title} ended the association") from error
    if status is None or any(status in codes for codes in _TRANSIENT):
        raise DestinationAwayError(
            f"{destination.ae_title} did not take {path.stem}; its status is {_hex(status)}"
        )
    if status == 0x0000 or status in _WARNINGS:
        return ""
    return f"{destination.ae_title} refused {path.stem} with {_hex(status)}"


def _hex(status: int | None) -> str:
    return "missing" if status is None else f"0x{status:04X}"
