import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from inference.bundle import Bundle
from inference.manifest import Metric
from inference.predictor import Predictor
from training.evaluation import Evaluation, measure
from training.fit import Splits
from training.report import interval, markdown, write_report
from training.scoring import ScoredSplit, score_split

PLOTS = ("roc.png", "scores.png", "examples.png")


def report(bundle: Bundle, scored: ScoredSplit, out: Path) -> Evaluation:
    baselines = {"coin": np.arange(len(scored.samples), dtype=float)}
    evaluation = measure(bundle, scored, baselines)
    write_report(evaluation, scored, baselines, manifest=bundle.manifest, out=out)
    return evaluation


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Bundle, tiny_splits: Splits) -> Path:
    folder = tmp_path_factory.mktemp("report")
    report(tiny_bundle, score_split(Predictor.load(tiny_bundle), tiny_splits.test), folder)
    return folder


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_a_picture_with_something_on_it(out: Path, name: str):
    pixels = np.asarray(Pillow.open(out / name).convert("L"), float)
    assert min(pixels.shape) > 300
    assert pixels.std() > 5


def test_the_table_of_scores_has_a_row_for_every_image(out: Path):
    with (out / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    assert (rows[8]["name"], rows[8]["patient"], rows[8]["gt_label"]) == ("t8-8", "t8", "1")


def test_the_json_is_the_evaluation(out: Path):
    read = Evaluation.model_validate_json((out / "evaluation.json").read_text())
    assert read.bundle == "discs@1.0.0"


def test_the_markdown_says_figures_baselines_and_shortcuts(out: Path):
    text = (out / "report.md").read_text()
    assert "| image AUROC | 1.000 (1.000 to 1.000) |" in text
    assert "| coin | " in text
    assert "| sharpness | " in text
    assert "Inverted" not in text
    assert "Which weights: The end of its schedule; no checkpoint was chosen." in text


def test_an_inverted_score_is_flagged_in_bold(out: Path):
    read = Evaluation.model_validate_json((out / "evaluation.json").read_text())
    inverted = read.model_copy(update={"metrics": {**read.metrics, "image_auroc": Metric(value=0.4)}})
    assert "**Inverted: anomalous images score lower than normal ones here" in markdown(inverted)
    assert "| image AUROC | 0.400 |" in markdown(inverted)


def test_normals_alone_can_be_reported(tmp_path: Path, tiny_bundle: Bundle, tiny_splits: Splits):
    report(tiny_bundle, score_split(Predictor.load(tiny_bundle), tiny_splits.test[:8]), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= set(PLOTS)


def test_one_image_can_be_reported(tmp_path: Path, tiny_bundle: Bundle, tiny_splits: Splits):
    report(tiny_bundle, score_split(Predictor.load(tiny_bundle), tiny_splits.test[8:9]), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= set(PLOTS)


def test_an_interval_is_written_with_its_figure():
    assert interval(Metric(value=0.91234, low=0.88, high=0.94)) == "0.912 (0.880 to 0.940)"
    assert interval(Metric(value=0.5)) == "0.500"
    assert interval(None) == "undefined"
