"""Examples in a bundle: which are chosen, and that they belong to it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from inference.bundle import CARD, Bundle, load_bundle
from inference.errors import BundleError
from inference.predictor import Predictor
from training.evaluate import evaluate, write_into_bundle
from training.fit import Splits
from training.illustrate import PERCENTILES, chosen, illustrate
from training.scoring import score_split


@pytest.fixture
def folder(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle.folder, tmp_path / "bundle"))


def test_examples_are_chosen_by_the_rank_of_their_score_within_their_class(
    tiny_bundle: Bundle, tiny_splits: Splits
):
    scored = score_split(Predictor.load(tiny_bundle), tiny_splits.test)
    found = list(chosen(scored))
    assert [percentile for _place, percentile in found] == [*PERCENTILES, *PERCENTILES]
    for place, percentile in found:
        own = scored.scores[scored.labels == scored.labels[place]]
        off = np.abs(own - np.percentile(own, percentile))
        assert abs(scored.scores[place] - np.percentile(own, percentile)) == off.min()


def test_a_bundle_holds_its_examples_and_its_card_shows_them(folder: Path, tiny_splits: Splits):
    bundle = illustrate(folder, tiny_splits, [])
    assert [example.gt_label for example in bundle.manifest.examples] == [0, 0, 0, 1, 1, 1]
    for example in bundle.manifest.examples:
        with PillowImage.open(folder / example.file) as picture:
            assert picture.size[0] == 512
        assert f"]({example.file})\n\n{example.caption}" in (folder / CARD).read_text()


def test_examples_are_replaced_and_what_was_measured_stays(folder: Path, tiny_splits: Splits, tmp_path: Path):
    measured = evaluate(load_bundle(folder), tiny_splits, tmp_path / "report")
    write_into_bundle(folder, measured, ["Blind to blue."])
    before = (folder / CARD).read_text()
    for _time in range(2):
        bundle = illustrate(folder, tiny_splits, ["Blind to blue."])
    assert len(bundle.manifest.examples) == 6
    start, end = (folder / CARD).read_text().split("## Examples")
    assert start + "## References" + end.split("## References")[1] == before


def test_an_example_that_was_exchanged_makes_the_bundle_refused(folder: Path, tiny_splits: Splits):
    bundle = illustrate(folder, tiny_splits, [])
    (folder / bundle.manifest.examples[0].file).write_bytes(b"another picture")
    with pytest.raises(BundleError, match="was altered"):
        load_bundle(folder)
