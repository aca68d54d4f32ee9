"""Studies for a day of a DICOM node: drawn from pydicom's own files, or copies of what lies in a folder.

What should become of a copy is what becomes of its original when the service gets that alone.
"""

import io
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import BasicTextSRStorage, generate_uid

from imaging.foreign_errors import quiet
from integrations.dicom_node.instances import read_instance
from integrations.dicom_node.receiving import decodable_syntaxes
from service.client import Client, UnsuitableImageError

XRAY = Path(__file__).parents[1] / "docs/images/sample-chest-xray.dcm"
DRAWN_MODALITIES = ("CT", "DX")
MOST_SERIES = 4
PATIENCE_S = 300.0
NO_JOB, FAILS = None, 0


@dataclass(frozen=True)
class Series:
    """`slices` is how many its result has; `FAILS` where its job does, `NO_JOB` where it has none."""

    instances: list[FileDataset]
    slices: int | None


Mix = Callable[[random.Random], list[Series]]


def drawn_study(rng: random.Random) -> list[Series]:
    """A CT series and an X-ray, with an MR series and a report that no rule is for."""
    study, count = generate_uid(), rng.randint(2, 20)
    ct, mr = (dcmread(str(get_testdata_file(name))) for name in ("CT_small.dcm", "MR_small.dcm"))
    report = _copied(ct, study, generate_uid(), SOPClassUID=BasicTextSRStorage, Modality="SR")
    for keyword in ("PixelData", "Rows"):
        del report[keyword]
    ct_series, mr_series = generate_uid(), generate_uid()
    return [
        Series(
            [_copied(ct, study, ct_series, ImagePositionPatient=[0, 0, 5 * z]) for z in range(count)], count
        ),
        Series([_copied(mr, study, mr_series, ImagePositionPatient=[0, 0, 5 * z]) for z in range(3)], NO_JOB),
        Series([_copied(dcmread(XRAY), study, generate_uid(), Modality="DX")], 1),
        Series([report], NO_JOB),
    ]


def mix_of(folder: Path, client: Client, *, model: str) -> Mix:
    """Studies of one to four copied series; each original's turn comes before any comes again."""
    originals = [Series(found, _rehearsed(found, client, model)) for found in _series_below(folder)]
    turns: list[Series] = []

    def study(rng: random.Random) -> list[Series]:
        copies, uid = [], generate_uid()
        for _ in range(rng.randint(1, MOST_SERIES)):
            if not turns:
                turns.extend(rng.sample(originals, len(originals)))
            original, series = turns.pop(), generate_uid()
            copies.append(Series([_copied(one, uid, series) for one in original.instances], original.slices))
        return copies

    return study


def _series_below(folder: Path) -> Iterator[list[FileDataset]]:
    """What a sender can send: files that say what they are, by folder, series and transfer syntax."""
    syntaxes = set(decodable_syntaxes())
    found: defaultdict[tuple[Path, str, str], list[FileDataset]] = defaultdict(list)
    for path in sorted(folder.rglob("*.dcm")):
        try:
            dataset = dcmread(path)
            syntax = dataset.file_meta.TransferSyntaxUID
            _copied(dataset, generate_uid(), generate_uid())
            key = (path.parent, str(dataset.SeriesInstanceUID), str(syntax))
        except (InvalidDicomError, AttributeError, ValueError):
            continue
        if syntax in syntaxes:
            found[key].append(dataset)
    yield from found.values()


def _rehearsed(instances: list[FileDataset], client: Client, model: str) -> int | None:
    study, series = generate_uid(), generate_uid()
    with TemporaryDirectory() as scratch:
        paths = [Path(scratch, f"{number}.dcm") for number in range(len(instances))]
        for path, instance in zip(paths, instances, strict=True):
            _copied(instance, study, series).save_as(path, enforce_file_format=True)
        images = [path for path in paths if read_instance(path).is_scorable]
        if not images:
            return NO_JOB
        try:
            job = client.wait(client.submit(images, model=model, scope="warn").job_id, PATIENCE_S)
        except UnsuitableImageError:
            return NO_JOB
    return len(client.result(job.job_id)["slices"]) if job.problem is None else FAILS


def _copied(original: FileDataset, study: str, series: str, **elements: object) -> FileDataset:
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": generate_uid()}
    content = io.BytesIO()
    with quiet():
        original.save_as(content, enforce_file_format=True)
        dataset = dcmread(io.BytesIO(content.getvalue()))
        for keyword, value in (uids | elements).items():
            setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset
