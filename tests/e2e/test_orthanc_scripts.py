"""Orthanc tells the service of its series by itself, and gets the results: each script in a real Orthanc."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.e2e.orthanc import DICOMWEB_PLUGIN, HERE, THERE, Orthanc, running_orthanc
from tests.e2e.processes import PATIENCE_S, ROOT, address_of, running
from tests.e2e.test_dicomweb_with_orthanc import real_series
from tests.system_packages import lacking

SCRIPTS = ROOT / "integrations" / "orthanc"
PYTHON_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancPython.so")
PORT = 18765


@contextmanager
def orthanc(folder: Path, script: str) -> Iterator[Orthanc]:
    more: dict[str, object] = {"StableAge": 1}
    if script.endswith(".lua"):
        more["LuaScripts"] = [str(SCRIPTS / script)]
    else:
        if not PYTHON_PLUGIN.exists():
            lacking("Orthanc's Python plugin (Debian's orthanc-python)")
        more |= {
            "Plugins": [str(DICOMWEB_PLUGIN), str(PYTHON_PLUGIN)],
            "PythonScript": str(SCRIPTS / script),
        }
    variables = {
        "ATYPIA_ADDRESS": f"http://{HERE}:{PORT}",
        "ATYPIA_MODEL": "tiny",
        "ATYPIA_PENDING": str(folder / "pending"),
        "ATYPIA_RETRY_S": "1",
    }
    with running_orthanc(folder, {}, more=more, variables=variables) as found:
        yield found


@contextmanager
def service(folder: Path, bundles: Path) -> Iterator[None]:
    """Where Orthanc can reach it, and knowing Orthanc."""
    file = folder / "dicomweb.toml"
    file.write_text(f'[[server]]\nname = "pacs"\nurl = "http://{THERE}:8042/dicom-web"\n')
    with running(
        "serve",
        "--host",
        HERE,
        "--port",
        str(PORT),
        data_dir=folder / "data",
        bundles=bundles,
        dicomweb_file=file,
        anonymous="everywhere",
    ) as process:
        address_of(process)
        yield


def put(orthanc: Orthanc, sources: list[bytes]) -> str:
    for content in sources:
        orthanc.client.post("/instances", content=content).raise_for_status()
    return str(dcmread(BytesIO(sources[0]), stop_before_pixels=True).StudyInstanceUID)


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@pytest.mark.parametrize("script", ["atypia_route.lua", "atypia_route.py"])
def test_a_series_that_has_become_stable_gets_its_four_results_once(
    script: str, tmp_path: Path, bundles: Path
):
    sources = real_series()
    with orthanc(tmp_path, script) as pacs, service(tmp_path, bundles):
        study = put(pacs, sources)
        until(lambda: len(pacs.series_of(study)) == 5, "the results did not come")
        # The results become stable in their turn: nothing may come of that.
        time.sleep(4)
        assert len(pacs.series_of(study)) == 5
        assert len(pacs.instances_of(study)) == len(sources) + 4


def test_the_python_script_tells_later_what_it_could_not_tell(tmp_path: Path, bundles: Path):
    pending = tmp_path / "pending"
    with orthanc(tmp_path, "atypia_route.py") as pacs:
        put(pacs, real_series())
        until(lambda: len(list(pending.iterdir())) == 1, "the series was not noted")
    with orthanc(tmp_path, "atypia_route.py") as pacs, service(tmp_path, bundles):
        study = str(dcmread(BytesIO(real_series()[0]), stop_before_pixels=True).StudyInstanceUID)
        until(lambda: len(pacs.series_of(study)) == 5, "the results did not come after a restart")
        until(lambda: not list(pending.iterdir()), "the note is still there")
