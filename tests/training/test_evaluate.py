import shutil
from pathlib import Path

import pytest

from inference.bundle import Bundle, load_bundle
from training.evaluate import evaluate, write_into_bundle
from training.evaluation import Evaluation
from training.fit import Splits


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


def test_all_three_baselines_stand_beside_the_method(evaluation: Evaluation):
    assert list(evaluation.baselines) == ["mean intensity", "PCA residual", "5-NN"]
