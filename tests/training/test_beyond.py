from pathlib import Path

import numpy as np
import pytest

from tests.training.test_compare import outcome
from training.beyond import Beyond, Run, beyond_best_baseline
from training.scoring import SCORES

LABELS = np.repeat([0, 1], 20)
PERFECT, WORST = LABELS * 1.0, LABELS * -1.0


def run(folder: Path, method: str, seed: int, scores: np.ndarray, auroc: float, prefix: str = "p") -> Run:
    """A run whose table of scores lies in a folder of its own."""
    place = folder / f"{method}-{seed}"
    place.mkdir()
    rows = [
        f"{prefix}{index},{prefix}{index},{LABELS[index]},{score},0.5" for index, score in enumerate(scores)
    ]
    (place / SCORES).write_text("\n".join(["name,patient,gt_label,score,p_value", *rows]) + "\n")
    return Run(outcome(method, seed, auroc), place)


def test_every_row_is_tested_against_the_highest_baseline(tmp_path: Path):
    runs = [
        run(tmp_path, "atlas", 0, PERFECT, 1.0),
        run(tmp_path, "knn", 0, LABELS * 0.0, 0.5),
        run(tmp_path, "pca", 0, WORST, 0.0),
    ]
    found = beyond_best_baseline(runs, ["knn", "pca"])
    assert found.best == "knn"
    assert {row: difference.value for row, difference in found.differences.items()} == {
        "atlas": 0.5,
        "pca": -0.5,
    }


def test_the_aurocs_of_seeds_are_averaged_and_not_their_scores(tmp_path: Path):
    # One seed is perfect on a small scale, the other at chance on a large one: the mean AUROC is 0.75.
    large = np.tile([0.0, 1000.0], 20)
    runs = [
        run(tmp_path, "atlas", 0, PERFECT, 1.0),
        run(tmp_path, "atlas", 1, large, 0.5),
        run(tmp_path, "knn", 0, LABELS * 0.0, 0.5),
    ]
    assert beyond_best_baseline(runs, ["knn"]).differences["atlas"].value == pytest.approx(0.25)


def test_scores_of_other_images_are_not_paired(tmp_path: Path):
    runs = [
        run(tmp_path, "atlas", 0, PERFECT, 1.0, prefix="q"),
        run(tmp_path, "knn", 0, LABELS * 0.0, 0.5),
    ]
    assert beyond_best_baseline(runs, ["knn"]) == Beyond("knn", {})


def test_without_a_baseline_there_is_nothing_to_be_beyond(tmp_path: Path):
    assert beyond_best_baseline([run(tmp_path, "atlas", 0, PERFECT, 1.0)], ["knn"]) == Beyond()


def test_a_run_whose_scores_are_gone_is_left_out(tmp_path: Path):
    gone = Run(outcome("atlas", 0, 1.0), tmp_path / "nowhere")
    found = beyond_best_baseline([gone, run(tmp_path, "knn", 0, PERFECT, 1.0)], ["knn"])
    assert found == Beyond("knn", {})
