import json
from pathlib import Path

import pytest

from inference.manifest import Metric
from models.registry import METHODS
from tests.training.tiny import tiny_config, write_data
from training.audit import Audit
from training.axes import Variant
from training.bootstrap import Difference
from training.compare import chosen_methods, compare, with_baselines
from training.comparison import Outcome, comparison_table
from training.config import Config
from training.errors import ConfigError
from training.evaluation import Evaluation


def outcome(method: str, seed: int, auroc: float, variant: str = "") -> Outcome:
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
        baselines={},
        audit=Audit(nuisances={}, low_passed_auroc=None, map_border_auroc=None, outside_body={}),
    )
    return Outcome(
        method=method,
        variant=variant,
        seed=seed,
        train_seconds=2,
        bundle_megabytes=1,
        graph_ms_per_image=3,
        evaluation=evaluation,
    )


def table_of(*outcomes: Outcome) -> list[str]:
    return comparison_table(outcomes, best_baseline=None, differences={}).splitlines()


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
    assert "* atlas, seed 0: a neighbourhood of 999 needs as many training images" in table


def test_another_config_in_the_same_folder_is_refused(out: Path, base: Config):
    other = base.model_copy(update={"version": "2.0.0"})
    assert "holds the run of another config" in compare(other, ["atlas"], seeds=1, out=out)


def test_the_method_is_tested_against_the_baseline_of_the_same_images(tmp_path: Path, base: Config):
    table = compare(base, ["atlas", "mean_intensity"], seeds=1, out=tmp_path)
    assert "| AUROC beyond mean_intensity |" in table
    rows = {line.split()[1]: line for line in table.splitlines()[2:4]}
    assert "), p = " in rows["atlas"]
    assert " | – | " in rows["mean_intensity"]  # noqa: RUF001  # as tables have it


def test_variants_are_rows_folders_and_bundles_of_their_own(tmp_path: Path, base: Config):
    blurred = Variant(method="atlas", options={"blur": 2.0})
    table = compare(base, ["atlas"], seeds=1, out=tmp_path, variants=[blurred])
    assert [line.split(" | ")[0] for line in table.splitlines()[2:4]] == ["| atlas", "| atlas / blur=2.0"]
    bundles = tmp_path / "atlas" / "blur=2.0" / "seed-0" / "bundles"
    assert (bundles / "discs-atlas-blur-2-0-1.0.0").is_dir()


def test_a_run_that_went_on_counts_the_seconds_of_its_first_part(tmp_path: Path, base: Config):
    run = tmp_path / "mean_intensity" / "seed-0"
    run.mkdir(parents=True)
    (run / "train_seconds.txt").write_text("1000\n")
    compare(base, ["mean_intensity"], seeds=1, out=tmp_path)
    (found,) = json.loads((tmp_path / "comparison.json").read_text())
    assert 1000 < found["train_seconds"] < 1060


def test_methods_are_ranked_by_mean_image_auroc_with_their_spread():
    lines = table_of(outcome("ae", 0, 0.7), outcome("atlas", 0, 0.8), outcome("atlas", 1, 0.9))
    assert lines[2] == "| atlas | 0.850 ± 0.071 (0.750 to 0.900) | 2 | 1 | 3 |"
    assert lines[3] == "| ae | 0.700 (0.600 to 0.750) | 2 | 1 | 3 |"


def test_variants_of_one_method_are_not_averaged():
    lines = table_of(outcome("atlas", 0, 0.9), outcome("atlas", 0, 0.8, "clahe / score=top"))
    assert lines[3].startswith("| atlas / clahe / score=top | 0.800 (")


def test_the_difference_from_the_best_baseline_stands_in_its_column():
    found = Difference(value=0.1, low=0.02, high=0.18, p_value=0.004)
    table = comparison_table(
        [outcome("ae", 0, 0.8), outcome("knn", 0, 0.7)], best_baseline="knn", differences={"ae": found}
    )
    assert "| +0.100 (+0.020 to +0.180), p = 0.004 | 2 |" in table
    assert "| knn | 0.700 (0.600 to 0.750) | – | 2 |" in table  # noqa: RUF001  # as tables have it


def test_an_inverted_method_is_flagged_and_not_flipped():
    assert table_of(outcome("ae", 0, 0.3))[2].startswith("| ae (inverted) | 0.300 (0.200 to 0.350) |")


def test_the_baselines_come_along_where_nobody_names_one():
    assert with_baselines(["atlas"])[:4] == ["atlas", "mean_intensity", "pca", "knn"]
    assert with_baselines(["atlas", "pca"]) == ["atlas", "pca"]


def test_methods_are_chosen_by_name_or_all():
    assert chosen_methods("dae, atlas") == ["dae", "atlas"]
    assert {"atlas", "dae", "f_anogan"} <= set(chosen_methods("all"))


def test_an_unknown_method_is_refused_before_anything_is_trained():
    known = ", ".join(sorted(METHODS))
    with pytest.raises(ConfigError, match=f"unknown method 'oracle'; choose from all, {known}"):
        chosen_methods("atlas,oracle")
