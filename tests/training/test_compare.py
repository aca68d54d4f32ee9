import json
from pathlib import Path

import pytest

from inference.manifest import Metric
from tests.training.tiny import tiny_config, write_data
from training.compare import chosen_methods, compare
from training.comparison import Outcome, comparison_table
from training.config import Config
from training.errors import ConfigError
from training.evaluation import Evaluation


def outcome(method: str, seed: int, auroc: float) -> Outcome:
    evaluation = Evaluation(
        bundle=f"{method}@1.0.0",
        bundle_digest="",
        method=method,
        images=4,
        anomalous=2,
        patients=4,
        out_of_scope=0,
        ms_per_image=1.0,
        metrics={"image_auroc": Metric(value=auroc, low=auroc - 0.1, high=auroc + 0.05)},
        baselines={"coin": {"image_auroc": Metric(value=0.4, low=0.3, high=0.5)}},
        nuisances={},
        map_border_auroc=0.5,
    )
    return Outcome(
        method=method,
        seed=seed,
        train_seconds=2,
        bundle_megabytes=1,
        graph_ms_per_image=3,
        evaluation=evaluation,
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return tiny_config(write_data(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, base: Config) -> Path:
    """The folder of a comparison of one method over two seeds."""
    folder = tmp_path_factory.mktemp("compare")
    compare(base, ["atlas"], seeds=2, out=folder)
    return folder


def test_every_method_and_seed_leaves_its_run_bundle_and_report(out: Path):
    for seed in (0, 1):
        run = out / "atlas" / f"seed-{seed}"
        assert (run / "bundles" / "discs-atlas-1.0.0" / "manifest.json").is_file()
        assert (run / "evaluation" / "report.md").is_file()


def test_the_json_holds_an_outcome_for_every_seed(out: Path):
    outcomes = [Outcome.model_validate(entry) for entry in json.loads((out / "comparison.json").read_text())]
    assert [(found.method, found.seed) for found in outcomes] == [("atlas", 0), ("atlas", 1)]
    assert all(found.evaluation and found.graph_ms_per_image > 0 for found in outcomes)


def test_what_is_finished_is_not_done_again(out: Path, base: Config):
    before = {path: path.stat().st_mtime_ns for path in (out / "atlas").rglob("*") if path.is_file()}
    compare(base, ["atlas"], seeds=2, out=out)
    assert {path: path.stat().st_mtime_ns for path in (out / "atlas").rglob("*") if path.is_file()} == before


def test_a_method_that_cannot_be_trained_is_named_and_the_others_go_on(tmp_path: Path, base: Config):
    wrong = base.model_copy(
        update={"method": base.method.model_copy(update={"options": {"neighbours": 999}})}
    )
    table = compare(wrong, ["atlas"], seeds=1, out=tmp_path)
    assert "* atlas, seed 0: atlas needs at least 999 training images" in table


def test_another_config_in_the_same_folder_is_refused(out: Path, base: Config):
    other = base.model_copy(update={"version": "2.0.0"})
    assert "holds the run of another config" in compare(other, ["atlas"], seeds=1, out=out)


def test_methods_are_ranked_by_mean_image_auroc_with_their_spread():
    rows = comparison_table([outcome("ae", 0, 0.7), outcome("atlas", 0, 0.8), outcome("atlas", 1, 0.9)])
    lines = rows.splitlines()
    assert lines[2] == "| atlas | 0.850 ± 0.071 (0.750 to 0.900) | 2 | 1 | 3 |"
    assert lines[3] == "| ae | 0.700 (0.600 to 0.750) | 2 | 1 | 3 |"


def test_a_baseline_has_its_row_and_an_inverted_one_its_flag():
    assert "| *coin* (inverted) | 0.400 (0.300 to 0.500) |" in comparison_table([outcome("ae", 0, 0.7)])


def test_an_inverted_method_is_flagged_and_not_flipped():
    assert "| ae (inverted) | 0.300 (0.200 to 0.350) |" in comparison_table([outcome("ae", 0, 0.3)])


def test_methods_are_chosen_by_name_or_all():
    assert chosen_methods("dae, atlas") == ["dae", "atlas"]
    assert {"atlas", "dae", "f_anogan"} <= set(chosen_methods("all"))


def test_an_unknown_method_is_refused_before_anything_is_trained():
    with pytest.raises(ConfigError, match="unknown method 'oracle'; choose from all, ae, aeu, atlas"):
        chosen_methods("atlas,oracle")
