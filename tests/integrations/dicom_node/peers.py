"""A scanner and a PACS around a node, over real associations on loopback."""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import SecondaryCaptureImageStorage, generate_uid
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.events import Event

from tests.imaging.dicom_builder import dicom_bytes

PATIENCE_S = 30.0
Address = tuple[str, int]


@dataclass
class Pacs:
    """Answers with each status in turn, then with success; what it took is in `objects`, in order."""

    address: Address = ("", 0)
    statuses: list[int] = field(default_factory=list)
    objects: list[Dataset] = field(default_factory=list)

    @property
    def uids(self) -> set[str]:
        return {str(dataset.SOPInstanceUID) for dataset in self.objects}

    def store(self, event: Event) -> int:
        status = self.statuses.pop(0) if self.statuses else 0x0000
        if status == 0x0000:
            self.objects.append(event.dataset)
        return status


@contextmanager
def running_pacs(port: int = 0) -> Iterator[Pacs]:
    pacs = Pacs()
    entity = AE("PACS")
    entity.add_supported_context(SecondaryCaptureImageStorage)
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, pacs.store)]
    )
    assert server is not None
    pacs.address = server.server_address[:2]
    try:
        yield pacs
    finally:
        server.shutdown()


@contextmanager
def association(
    address: Address, datasets: Sequence[Dataset], *, calling: str = "CT1", called: str = "ATYPIA"
) -> Iterator[Association]:
    entity = AE(calling)
    entity.add_requested_context("1.2.840.10008.1.1")
    for dataset in datasets:
        entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    made = entity.associate(*address, ae_title=called)
    try:
        yield made
    finally:
        if made.is_established:
            made.release()


def store(address: Address, *datasets: Dataset) -> list[int]:
    """Statuses of sending them in one association."""
    with association(address, datasets[:1]) as made:
        return [int(made.send_c_store(dataset).Status) for dataset in datasets]


def ct_series(slices: int = 2, *, study: str | None = None, **elements: object) -> list[FileDataset]:
    """A CT series of its own, in a study of its own where none is given."""
    series, study = generate_uid(), study or generate_uid()
    return [
        _as_read(
            np.full((4, 4), z, np.int16),
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
            ImagePositionPatient=[0, 0, z],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[1, 1],
            **elements,
        )
        for z in range(slices)
    ]


def until(is_so: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"waited for {what} in vain"
        time.sleep(0.02)


def _as_read(stored: np.ndarray, **elements: object) -> FileDataset:
    return dcmread(io.BytesIO(dicom_bytes(stored, **elements)))
