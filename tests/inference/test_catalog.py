import json
import shutil
from pathlib import Path

import pytest

from inference.catalog import Catalog
from inference.errors import BundleError, BundleNotFoundError
from tests.service.bundle_builder import make_bundle


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """`chest` for CR in versions 1.9.0 and 1.10.0, `head` for MR."""
    for version in ("1.9.0", "1.10.0"):
        folder = make_bundle(tmp_path, name="chest", modalities=("CR",))
        set_version(folder, version)
        shutil.move(folder, tmp_path / f"chest-{version}")
    make_bundle(tmp_path, name="head", modalities=("MR",))
    return tmp_path


def set_version(folder: Path, version: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "version": version}))


def test_every_bundle_of_a_folder_is_found(shelf: Path):
    references = [bundle.reference for bundle in Catalog.of_folders([shelf])]
    assert references == ["chest@1.9.0", "chest@1.10.0", "head@1.0.0"]


def test_a_bare_name_means_the_newest_version_by_number(shelf: Path):
    assert Catalog.of_folders([shelf]).get("chest").reference == "chest@1.10.0"


def test_an_older_version_can_be_asked_for(shelf: Path):
    assert Catalog.of_folders([shelf]).get("chest@1.9.0").reference == "chest@1.9.0"


@pytest.mark.parametrize("reference", ["knee", "chest@2.0.0", "che", ""])
def test_what_is_not_installed_is_refused_with_what_is(shelf: Path, reference: str):
    with pytest.raises(BundleNotFoundError, match=r"installed: chest@1.9.0, chest@1.10.0, head@1.0.0"):
        Catalog.of_folders([shelf]).get(reference)


def test_an_image_goes_to_the_newest_bundle_of_its_modality(shelf: Path):
    catalog = Catalog.of_folders([shelf])
    assert catalog.choose(modality="MR", body_part=None).reference == "head@1.0.0"
    assert catalog.choose(modality="CR", body_part="CHEST").reference == "chest@1.10.0"


def test_an_image_that_no_scope_holds_is_refused(shelf: Path):
    with pytest.raises(BundleNotFoundError, match=r"no installed model is for such an image \(US\)"):
        Catalog.of_folders([shelf]).choose(modality="US", body_part=None)


def test_one_broken_bundle_is_not_passed_over(shelf: Path):
    (shelf / "head" / "card.md").unlink()
    with pytest.raises(BundleError, match=r"head lacks card\.md"):
        Catalog.of_folders([shelf])


def test_an_export_that_was_cut_off_is_no_bundle_yet(shelf: Path):
    draft = shutil.copytree(shelf / "head", shelf / ".head-2.0.0.draft")
    set_version(draft, "2.0.0")
    assert Catalog.of_folders([shelf]).get("head").reference == "head@1.0.0"


def test_an_empty_shelf_is_an_empty_catalog(tmp_path: Path):
    assert len(Catalog.of_folders([tmp_path])) == 0
