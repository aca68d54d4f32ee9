from pathlib import Path

import numpy as np
import pytest

from inference.bundle import Bundle
from inference.predictor import Predictor
from training.errors import DataError
from training.fit import Splits
from training.scoring import SCORES, read_scores, score_split, write_scores


def test_written_scores_are_read_back_exactly(tmp_path: Path, tiny_bundle: Bundle, tiny_splits: Splits):
    scored = score_split(Predictor.load(tiny_bundle), tiny_splits.test)
    write_scores(scored, tmp_path)
    table = read_scores(tmp_path)
    np.testing.assert_array_equal(table.scores, scored.scores)
    np.testing.assert_array_equal(table.labels, scored.labels)
    assert list(table.patients) == scored.patients


@pytest.mark.parametrize("text", ["name,patient,gt_label,score\na,a,1,", "name,patient\na,a", "x\n1"])
def test_a_table_that_is_cut_off_is_refused(tmp_path: Path, text: str):
    (tmp_path / SCORES).write_text(text)
    with pytest.raises(DataError, match="is no table of scores"):
        read_scores(tmp_path)
