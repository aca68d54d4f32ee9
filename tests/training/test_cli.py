"""The command as a person types it."""

import shutil
import sys
from pathlib import Path

import pytest

from inference.bundle import Bundle, load_bundle
from models.registry import METHODS
from tests.training.tiny import write_data
from training.cli import main

CONFIG = """
name = "discs"
preprocessing = [{ name = "resize", height = 32, width = 32 }, { name = "percentile_stretch" }]
[data]
path = "nowhere.npz"
[method]
name = "atlas"
options = { neighbours = 5 }
[calibration]
share = 0.5
[fit]
device = "cpu"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "discs.toml"
    path.write_text(CONFIG)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """The exit code of `atypia-train words`."""
    monkeypatch.setattr(sys, "argv", ["atypia-train", *(str(word) for word in words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_newcomer_fits_exports_and_evaluates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
):
    data, made = write_data(tmp_path), tmp_path / "bundles"
    assert run(monkeypatch, "fit", config, "--set", f"data.path={data}", "--out", tmp_path / "run") == 0
    assert run(monkeypatch, "export", tmp_path / "run", "--bundles", made) == 0
    report = ("--out", tmp_path / "report", "--write-card")
    assert run(monkeypatch, "evaluate", tmp_path / "run", made / "discs-1.0.0", *report) == 0
    assert "discs@1.0.0: image AUROC 1.000" in capsys.readouterr().out
    assert load_bundle(made / "discs-1.0.0").manifest.eval_metrics["image_auroc"].value == 1.0


def test_a_bundle_is_evaluated_on_the_data_of_a_config(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: Path, tiny_bundle: Bundle
):
    words = ("--set", f"data.path={write_data(tmp_path)}", "--out", tmp_path / "report")
    assert run(monkeypatch, "evaluate", config, tiny_bundle.folder, *words) == 0
    assert (tmp_path / "report" / "report.md").is_file()


def test_compare_needs_no_more_than_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    data, out = write_data(tmp_path), tmp_path / "compare"
    assert run(monkeypatch, "compare", "--data", data, "--methods", "atlas", "--out", out) == 0
    assert "| atlas | 1.000" in (out / "comparison.md").read_text()


def test_every_method_is_listed_with_what_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert run(monkeypatch, "methods") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[::2]] == sorted(METHODS)
    assert lines[0].startswith("ae                 Autoencoder ")
    assert [line for line in lines[1::2] if not line.strip().startswith("https://")] == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fit", "nowhere.toml"], "there is no config nowhere.toml"),
        (["fit", "{config}"], "there is no data set at nowhere.npz; set data.path"),
        (["fit", "{config}", "--set", "speed=9"], "unknown key 'speed'; known are name, version"),
        (["export", "{folder}"], "holds no run; make one with `atypia-train fit`"),
        (["evaluate", "{config}", "{folder}"], "has no manifest.json: it is no bundle"),
        (["compare", "--data", "x.npz", "--methods", "oracle"], "unknown method 'oracle'"),
        (["compare", "--data", "x.npz", "--axes", "no.toml"], "there is no file of axes no.toml"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    words: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    config: Path,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(config.parent)
    assert run(monkeypatch, *(word.format(config=config, folder=config.parent) for word in words)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line


def test_an_altered_bundle_is_not_evaluated(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tiny_run: Path,
    tiny_bundle: Bundle,
    capsys: pytest.CaptureFixture[str],
):
    copy = Path(shutil.copytree(tiny_bundle.folder, tmp_path / "bundle"))
    (copy / "card.md").write_text("better")
    assert run(monkeypatch, "evaluate", tiny_run, copy) == 2
    assert "card.md was altered" in capsys.readouterr().err
