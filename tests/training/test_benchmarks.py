from pathlib import Path

import pytest

from benchmarks import latent_search, training
from tests.training.test_loop import OPEN_GATE
from tests.training.tiny import tiny_config, write_data
from training.fit import fit


def test_training_prints_both_stages_and_their_ratios(capsys: pytest.CaptureFixture[str]):
    training.run(side=16, batch_size=2, width=2, steps=1, rounds=1)
    text = capsys.readouterr().out
    rows = [line.split(" | ") for line in text.splitlines()[-2:]]
    assert [row[0] for row in rows] == ["| gan", "| encoder"]
    for _stage, ours, plain, ratio in rows:
        figures = [float(cell.split(" ")[0]) for cell in (ours, plain, ratio)]
        assert figures[2] == pytest.approx(figures[0] / figures[1], rel=0.05)


def test_the_search_in_the_graph_scores_as_torch_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = write_data(tmp_path)
    shared = {"width": 2, "latent": 4, "gan_steps": 5, **OPEN_GATE}
    fit(tiny_config(data, name="anogan", search_steps=3, **shared), tmp_path / "search", resume=False)
    fit(tiny_config(data, name="f_anogan", encoder_steps=3, **shared), tmp_path / "encode", resume=False)
    latent_search.run(tmp_path / "search", tmp_path / "encode", images=4, threads=1)
    last = capsys.readouterr().out.splitlines()[-1]
    assert "largest relative difference" in last
    assert float(last.split("|")[2]) < 1e-4
