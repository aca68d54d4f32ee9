"""Graphs in fewer bits: what they keep, what they cost, and which are refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from inference.bundle import CARD, MODEL, load_bundle
from inference.session import Session
from tests.training.tiny import tiny_config, write_data
from training.config import MethodSection
from training.errors import ExportError
from training.evaluate import evaluate, write_into_bundle
from training.export import export
from training.fit import Splits, fit, load_run
from training.precision import Precision
from training.shrink import shrink


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    config = tiny_config(write_data(folder))
    section = MethodSection(name="ae", options={"width": 4, "latent": 4, "steps": 60})
    fit(config.model_copy(update={"method": section}), folder / "run", resume=False)
    return folder / "run"


@pytest.fixture(scope="module")
def splits(run: Path) -> Splits:
    return load_run(run)[2]


@pytest.fixture
def folder(run: Path, tmp_path: Path) -> Path:
    return export(run, tmp_path)


@pytest.mark.parametrize("precision", Precision)
def test_a_smaller_graph_says_what_it_costs(precision: Precision, folder: Path, splits: Splits):
    bundle = shrink(folder, splits, precision, [])
    graph = bundle.manifest.smaller_graphs[precision.value]
    assert graph.megabytes < 0.7 * graph.whole_megabytes
    assert 0 < graph.largest_score_difference < 0.1
    assert graph.image_auroc is not None
    assert graph.image_auroc_change is not None
    assert abs(graph.image_auroc_change.value) < 0.1
    images = np.random.default_rng(0).random((2, 1, 32, 32), np.float32)
    ours, theirs = (Session(folder / name).run(images) for name in (graph.file, MODEL))
    assert ours.score.dtype == np.float32
    assert not np.array_equal(ours.score, theirs.score)


def test_the_card_shows_it_and_keeps_what_was_measured(folder: Path, splits: Splits, tmp_path: Path):
    measured = evaluate(load_bundle(folder), splits, tmp_path / "report")
    write_into_bundle(folder, measured, ["Blind to blue."])
    before = (folder / CARD).read_text()
    for precision in Precision:
        shrink(folder, splits, precision, ["Blind to blue."])
    after = (folder / CARD).read_text()
    assert "| int8 |" in after
    assert "| fp16 |" in after
    start, end = after.index("## Smaller graphs"), after.index("## Measured")
    assert after[:start] + after[end:] == before


def test_a_new_evaluation_keeps_the_smaller_graphs(folder: Path, splits: Splits, tmp_path: Path):
    bundle = shrink(folder, splits, Precision.FP16, [])
    written = write_into_bundle(folder, evaluate(bundle, splits, tmp_path / "report"), [])
    assert written.manifest.smaller_graphs == bundle.manifest.smaller_graphs
    assert "| fp16 |" in (folder / CARD).read_text()


def test_without_test_images_no_auroc_is_claimed(folder: Path, splits: Splits):
    without = Splits(splits.train, splits.calibration, ())
    graph = shrink(folder, without, Precision.FP16, []).manifest.smaller_graphs["fp16"]
    assert graph.image_auroc is None
    assert "| not measured | not measured |" in (folder / CARD).read_text()


def test_a_method_without_layers_is_not_quantised(run: Path, splits: Splits, tmp_path: Path):
    config, _method, _splits = load_run(run)
    section = MethodSection(name="mean_intensity")
    fit(config.model_copy(update={"method": section}), tmp_path / "run", resume=False)
    folder = export(tmp_path / "run", tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ExportError, match="int8: it has no learned convolution or dense layer"):
        shrink(folder, splits, Precision.INT8, [])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_graph_that_loses_too_much_is_not_kept(
    folder: Path, splits: Splits, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("training.shrink.MOST_OFF", 1e-9)
    with pytest.raises(ExportError, match=r"model\.int8\.onnx is not kept: a score of a held-out normal is"):
        shrink(folder, splits, Precision.INT8, [])
    assert not (folder / "model.int8.onnx").exists()
    load_bundle(folder)


def test_a_shrunk_bundle_still_notices_a_swapped_graph(folder: Path, splits: Splits):
    shrink(folder, splits, Precision.FP16, [])
    shutil.copyfile(folder / MODEL, folder / "model.fp16.onnx")
    with pytest.raises(Exception, match=r"model\.fp16\.onnx was altered"):
        load_bundle(folder)
