import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.bundle import Bundle, load_bundle
from inference.steps import PercentileStretch, Resize
from training.evaluate import baseline_scores, evaluate, write_into_bundle
from training.evaluation import Evaluation
from training.fit import Splits
from training.prepare import Prepared, prepare


@pytest.fixture
def bundle(tmp_path: Path, tiny_bundle: Bundle) -> Bundle:
    """A copy that a test may write into."""
    return load_bundle(Path(shutil.copytree(tiny_bundle.folder, tmp_path / "bundle")))


@pytest.fixture
def evaluation(tmp_path: Path, bundle: Bundle, tiny_splits: Splits) -> Evaluation:
    return evaluate(bundle, tiny_splits, tmp_path / "report")


def test_the_figures_go_into_manifest_and_card(bundle: Bundle, evaluation: Evaluation):
    written = write_into_bundle(bundle.folder, evaluation, ["It has seen discs only."])
    assert written.manifest.eval_metrics == evaluation.metrics
    card = (bundle.folder / "card.md").read_text()
    assert "| image AUROC | 1.000 (1.000 to 1.000) |" in card
    assert "* It has seen discs only." in card


def test_only_figures_card_and_digest_change(bundle: Bundle, evaluation: Evaluation):
    written = write_into_bundle(bundle.folder, evaluation, [])
    assert written.digest != bundle.digest
    same = {"eval_metrics": {}, "files": {}}
    assert written.manifest.model_copy(update=same) == bundle.manifest.model_copy(update=same)
    changed = {
        name for name, digest in written.manifest.files.items() if bundle.manifest.files[name] != digest
    }
    assert changed == {"card.md"}


def test_the_figures_of_another_bundle_are_refused(bundle: Bundle, evaluation: Evaluation):
    other = evaluation.model_copy(update={"bundle_digest": "0" * 64})
    with pytest.raises(ValueError, match=r"not of this discs@1\.0\.0"):
        write_into_bundle(bundle.folder, other, [])


def test_the_trivial_methods_stand_beside_the_bundle(evaluation: Evaluation):
    assert list(evaluation.baselines) == ["mean_intensity", "pca", "knn"]
    assert evaluation.beyond_best_baseline is not None


def test_a_baseline_that_few_normals_cannot_fit_is_left_out_and_says_why(
    bundle: Bundle, tiny_splits: Splits, tmp_path: Path
):
    few = replace(tiny_splits, train=tiny_splits.train[:4])
    evaluation = evaluate(bundle, few, tmp_path / "few")
    assert list(evaluation.baselines) == ["mean_intensity"]
    assert evaluation.unfitted_baselines["knn"] == "knn needs at least 5 training images; it saw 4"
    assert "| knn | not fitted: knn needs" in (tmp_path / "few" / "report.md").read_text()


def test_a_baselines_score_is_the_registered_methods(tiny_splits: Splits):
    chain = [Resize(height=16, width=16), PercentileStretch()]
    train, test = prepare(tiny_splits.train, chain), prepare(tiny_splits.test, chain)
    expected = test.images.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(baseline_scores("mean_intensity", train, test), expected, rtol=1e-6)


def test_a_volume_scores_as_its_highest_slice(tiny_splits: Splits):
    train = prepare(tiny_splits.train, [Resize(height=16, width=16)])
    slices = prepare(tiny_splits.test[:3], [Resize(height=16, width=16)])
    volume = Prepared(slices.images, np.zeros(3, int))
    assert baseline_scores("pca", train, volume) == baseline_scores("pca", train, slices).max()
