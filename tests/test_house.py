"""The rules of the house that no linter knows."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("imaging", "inference", "integrations", "models", "training", "service")
SOURCES = sorted(
    path
    for name in PACKAGES
    for path in (ROOT / name).rglob("*.py")
    if "node_modules" not in path.parts  # where the page's tools keep Python of others
)
MAX_LINES = 400


def test_no_file_is_longer_than_400_lines():
    long = {str(path.relative_to(ROOT)): text.count("\n") for path in SOURCES if (text := path.read_text())}
    assert {name: lines for name, lines in long.items() if lines > MAX_LINES} == {}


def test_init_files_are_empty():
    assert [path for path in SOURCES if path.name == "__init__.py" and path.read_text()] == []


def test_every_module_says_what_it_is():
    silent = [
        path for path in SOURCES if path.name != "__init__.py" and not path.read_text().startswith('"""')
    ]
    assert silent == []


def test_no_file_is_named_for_being_useful():
    vague = {"utils", "helpers", "common", "misc", "base", "manager"}
    assert [path for path in SOURCES if path.stem in vague] == []


@pytest.mark.parametrize(
    "script", [*sorted(f"scripts/{path.name}" for path in (ROOT / "scripts").iterdir()), ".ci/run"]
)
def test_a_script_can_be_run_and_is_short(script: str):
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    assert len(path.read_text().splitlines()) <= 25


def test_no_data_set_or_registry_host_is_in_the_tree():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    assert [
        name for name in listed if re.search(r"\.(npz|nii|nii\.gz)$", name) and "bundles/" not in name
    ] == []


PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "bundles").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path):
    links = re.findall(r"\]\(([^)#\s]+)\)", page.read_text())
    local = [link for link in links if not link.startswith("http")]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_readme_names_every_folder_of_the_house():
    readme = (ROOT / "README.md").read_text()
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {name.split("/")[0] for name in listed.split() if "/" in name and not name.startswith(".")}
    assert {folder for folder in folders if f"`{folder}/`" not in readme} == set()
