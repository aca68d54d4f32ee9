"""`atypia score` and `atypia models`, and what importing the command brings along."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import nibabel
import pytest
from pyarrow import parquet

from service.cli import main
from tests.service.bundle_builder import make_bundle
from tests.service.uploads_builder import ct_slices, nifti_bytes, png_bytes


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with a PNG, a NIfTI, a series of four slices in a folder of its own, and a text file."""
    folder = tmp_path / "images"
    (folder / "series").mkdir(parents=True)
    (folder / "a.png").write_bytes(png_bytes())
    (folder / "b.nii").write_bytes(nifti_bytes())
    (folder / "c.txt").write_text("no image at all, only some words")
    (folder / ".hidden").write_text("passed over")
    for index, content in enumerate(ct_slices()):
        (folder / "series" / f"{index}").write_bytes(content)
    return folder


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, bundles: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("ATYPIA_BUNDLES", str(bundles))
    monkeypatch.setenv("ATYPIA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ATYPIA_PROVIDERS", "CPUExecutionProvider")


def atypia(*arguments: object) -> int:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr("sys.argv", ["atypia", *map(str, arguments)])
        main()
    return int(ended.value.code or 0)


def test_a_folder_gives_one_row_an_image_and_goes_on_past_an_unreadable_one(images: Path, tmp_path: Path):
    output = tmp_path / "scores.csv"
    assert atypia("score", images, "--model", "tiny", "--output", output) == 1
    rows = list(csv.DictReader(output.read_text().splitlines()))
    assert [Path(row["path"]).name for row in rows] == ["a.png", "b.nii", "c.txt", "0"]
    assert [row["files"] for row in rows] == ["1", "1", "1", "4"]
    assert [bool(row["score"]) for row in rows] == [True, True, False, True]
    assert "no type that can be read" in rows[2]["error"] and rows[0]["error"] == ""
    assert rows[0]["flagged_fa-5"] in ("True", "False") and rows[0]["model"] == "tiny@1.0.0"


def test_all_readable_is_exit_code_0_and_maps_are_on_the_sources_grid(images: Path, tmp_path: Path):
    output = tmp_path / "scores.json"
    assert atypia("score", images / "b.nii", "--output", output, "--maps", tmp_path / "maps") == 0
    [row] = json.loads(output.read_text())
    assert nibabel.load(row["map"]).shape == (20, 24, 5)


def test_a_model_of_several_contrasts_takes_a_folder_for_an_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    make_bundle(tmp_path / "two", name="brain", channels=2, contrasts=("FLAIR", "T1"))
    monkeypatch.setenv("ATYPIA_BUNDLES", str(tmp_path / "two"))
    whole, half = tmp_path / "p1", tmp_path / "p2"
    for folder, names in ((whole, ("sub-1_T1.nii", "sub-1_flair.nii", "._T1.nii")), (half, ("T1.nii",))):
        folder.mkdir()
        for number, name in enumerate(names):
            (folder / name).write_bytes(nifti_bytes(number))
    output = tmp_path / "scores.json"
    assert atypia(
        "score", whole, half, tmp_path / "p1" / "sub-1_T1.nii", "--model", "brain", "--output", output
    )
    found, lacking, single = json.loads(output.read_text())
    assert found["score"] > 0 and found["files"] == 3
    assert "p2 holds 0 files of the contrast FLAIR, not one: T1.nii" in lacking["error"]
    assert "sub-1_T1.nii is no folder" in single["error"]


def test_a_parquet_file_holds_the_same_rows(images: Path, tmp_path: Path):
    output = tmp_path / "scores.parquet"
    assert atypia("score", images, "--output", output) == 1
    assert parquet.read_table(output).num_rows == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("score", "nowhere.png"), "nowhere.png does not exist"),
        (("score", ".", "--model", "none"), "no model 'none' is installed"),
        (("score", ".", "--output", "scores.xls"), "unknown table format '.xls'"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
):
    assert atypia(*arguments) == 2
    assert words in capsys.readouterr().err


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("ATYPIA_PORT", "many")
    assert atypia("models") == 2
    assert "setting ATYPIA_PORT: Input should be a valid integer" in capsys.readouterr().err


def test_models_are_listed(capsys: pytest.CaptureFixture[str]):
    assert atypia("models") == 0
    assert "tiny-us@1.0.0" in capsys.readouterr().out


def test_the_command_and_the_application_need_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import service.cli, service.api.app, service.worker.main\n"
        "assert not [name for name in sys.modules if name.startswith(('training', 'models'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
