"""A real series put into a watched folder; its results go into the study's PACS, Orthanc."""

import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.e2e.orthanc import Orthanc, running_orthanc
from tests.e2e.processes import PATIENCE_S, address_of, running
from tests.e2e.test_dicomweb_with_orthanc import real_series
from tests.imaging.dicom_objects.validator import errors_of
from tests.integrations.watching import record, watch


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path, {}) as orthanc:
        yield orthanc


@pytest.fixture
def address(orthanc: Orthanc, tmp_path: Path, bundles: Path) -> Iterator[str]:
    file = tmp_path / "dicomweb.toml"
    file.write_text(f'[[server]]\nname = "pacs"\nurl = "{orthanc.client.base_url.join("/dicom-web")}"\n')
    settings = {"data_dir": tmp_path / "data", "bundles": bundles, "dicomweb_file": file}
    with running("serve", "--port", "0", **settings) as process:
        yield address_of(process)


def put(folder: Path, sources: list[bytes]) -> None:
    folder.mkdir(parents=True)
    for index, content in enumerate(sources):
        (folder / f"{index}.dcm").write_bytes(content)


def results_of(folder: Path) -> Path:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := list(folder.glob("*/source.json"))):
        assert time.monotonic() < deadline, "no results came"
        time.sleep(0.1)
    return found[0].parent


def test_a_real_series_gets_its_four_objects_in_its_study_once(
    address: str, orthanc: Orthanc, tmp_path: Path
):
    sources = real_series()
    for content in sources:
        orthanc.client.post("/instances", content=content).raise_for_status()
    header = dcmread(BytesIO(sources[0]), stop_before_pixels=True)
    study, watched, out = str(header.StudyInstanceUID), tmp_path / "in", tmp_path / "out"
    put(watched / "morning", sources)
    with watch(address, watched, out, "--model", "tiny", "--store-at", "pacs"):
        first = results_of(out / "morning")
        put(watched / "evening", sources)
        second = results_of(out / "evening")
        assert record(first)["job_id"] == record(second)["job_id"]
        deadline = time.monotonic() + PATIENCE_S
        while len(orthanc.series_of(study)) < 5 and time.monotonic() < deadline:
            time.sleep(0.1)
    forms = ("sc", "sr", "seg", "pm")
    assert all(
        (first / f"{form}.dcm").read_bytes() == (second / f"{form}.dcm").read_bytes() for form in forms
    )
    objects = {dcmread(first / f"{form}.dcm").SOPInstanceUID for form in forms}
    held = [orthanc.file(instance) for instance in orthanc.instances_of(study)]
    by_uid = {dcmread(BytesIO(content)).SOPInstanceUID: content for content in held}
    assert objects <= by_uid.keys() and len(held) == len(sources) + 4
    for uid in objects:
        assert errors_of(by_uid[uid], tmp_path) == []
