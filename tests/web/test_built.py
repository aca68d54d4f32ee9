"""What is built: small enough for a slow network, whole in a wheel, and not needed for one."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT

MAX_PACKED_BYTES = 1_500_000


def test_the_whole_page_is_under_1_5_mb_packed(built: Path):
    packed = {path.name: path.stat().st_size for path in built.rglob("*.gz")}
    assert 10_000 < sum(packed.values()) < MAX_PACKED_BYTES, packed


def test_every_file_lies_packed_beside_itself(built: Path):
    plain = [path for path in built.rglob("*.*") if path.suffix in (".css", ".html", ".js", ".svg")]
    lacking = [
        path for path in plain for end in (".gz", ".br") if not path.with_name(path.name + end).exists()
    ]
    assert plain != [] and lacking == []


def test_nothing_is_built_that_tells_of_the_source(built: Path):
    assert [path for path in built.rglob("*") if path.suffix in (".map", ".ts", ".tsx")] == []


def test_building_again_is_nothing_to_do(built: Path):
    command = [ROOT / "scripts" / "web", sys.prefix]
    subprocess.run(command, capture_output=True, check=True)
    before = (built / "index.html").stat().st_mtime_ns
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stderr == "" and (built / "index.html").stat().st_mtime_ns == before


@pytest.fixture(scope="module")
def wheel_names(built: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return names_in(build("wheel", ROOT, tmp_path_factory.mktemp("wheel")))


def test_a_wheel_carries_every_file_of_the_page(built: Path, wheel_names: list[str]):
    files = [path.relative_to(ROOT).as_posix() for path in built.rglob("[!.]*") if path.is_file()]
    assert sorted(files) == sorted(name for name in wheel_names if name.startswith("service/web/"))


def test_a_wheel_carries_no_source_of_the_page(wheel_names: list[str]):
    assert [name for name in wheel_names if "node_modules" in name or name.endswith((".ts", ".tsx"))] == []


def test_a_wheel_of_the_sources_alone_is_the_same_without_the_page(wheel_names: list[str], tmp_path: Path):
    with tarfile.open(build("sdist", ROOT, tmp_path)) as archive:
        archive.extractall(tmp_path, filter="data")
    [sources] = (path for path in tmp_path.iterdir() if path.is_dir())
    names = names_in(build("wheel", sources, tmp_path))
    assert sorted(names) == sorted(name for name in wheel_names if not name.startswith("service/web/"))


def build(kind: str, source: Path, folder: Path) -> Path:
    before = set(folder.iterdir())
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
    subprocess.run(command, cwd=source, capture_output=True, check=True)
    [made] = set(folder.iterdir()) - before
    return made


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()
