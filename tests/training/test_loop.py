import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.tiny import tiny_config, write_data
from training.checkpoint import load_checkpoint
from training.errors import ConfigError
from training.fit import fit, load_run
from training.loop import Loop

OPEN_GATE = {"least_diversity": 0.0, "most_distance": 99.0}
METHODS = {
    "dae": {"width": 4, "depth": 2, "steps": 10, "residual": "normalised"},
    "f_anogan": {"width": 2, "latent": 4, "gan_steps": 10, "encoder_steps": 6, **OPEN_GATE},
    "rlad": {"width": 2, "latent": 4, "selection_rate": 0.5, "steps_per_round": 6},
}


class InterruptedRunError(Exception):
    pass


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path)


def weights(run: Path) -> dict[str, torch.Tensor]:
    checkpoint = load_checkpoint(run)
    assert checkpoint is not None
    return dict(checkpoint.method)


def equal(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("name", "stop_at"), [("dae", 3), ("dae", 7), ("f_anogan", 7), ("f_anogan", 13), ("rlad", 12)]
)
def test_an_interrupted_run_resumes_to_the_same_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, stop_at: int
):
    config = tiny_config(data, name=name, **METHODS[name])
    fit(config, tmp_path / "whole", resume=False)
    step, done = Loop._step, [0]

    def interrupted_step(loop: Loop, *arguments: object) -> object:
        done[0] += 1
        if done[0] == stop_at:
            raise InterruptedRunError
        return step(loop, *arguments)

    with monkeypatch.context() as patch, pytest.raises(InterruptedRunError):
        patch.setattr(Loop, "_step", interrupted_step)
        fit(config, tmp_path / "cut", resume=False)
    fit(config, tmp_path / "cut", resume=True)
    assert equal(weights(tmp_path / "cut"), weights(tmp_path / "whole"))


def test_a_method_without_stages_is_a_finished_run(data: Path, tmp_path: Path):
    fit(tiny_config(data, name="mean_intensity"), tmp_path / "run", resume=False)
    _config, method, _splits = load_run(tmp_path / "run")
    assert float(method(torch.full((1, 1, 32, 32), 0.25)).score) == 0.25


def test_a_generator_that_is_not_done_stops_the_run_before_its_encoder(data: Path, tmp_path: Path):
    config = tiny_config(data, name="f_anogan", width=2, latent=4, gan_steps=2, encoder_steps=2)
    with pytest.raises(ValueError, match="it has collapsed or is not done; train it for more steps"):
        fit(config, tmp_path / "run", resume=False)


def test_a_method_is_not_asked_for_scores_before_its_statistics(data: Path, tmp_path: Path):
    members = [{"name": "dae", "options": METHODS["dae"]}, {"name": "knn", "options": {"neighbours": 2}}]
    fit(tiny_config(data, name="ensemble", members=members), tmp_path / "run", resume=False)
    _config, method, _splits = load_run(tmp_path / "run")
    assert torch.isfinite(method(torch.rand(1, 1, 32, 32)).score).all()


def test_the_same_seed_gives_the_same_weights(data: Path, tmp_path: Path):
    config = tiny_config(data, name="dae", **METHODS["dae"])
    fit(config, tmp_path / "a", resume=False)
    fit(config, tmp_path / "b", resume=False)
    assert equal(weights(tmp_path / "a"), weights(tmp_path / "b"))


def test_another_seed_gives_other_weights(data: Path, tmp_path: Path):
    config = tiny_config(data, name="dae", **METHODS["dae"])
    fit(config, tmp_path / "a", resume=False)
    fit(config.model_copy(update={"seed": 1}), tmp_path / "b", resume=False)
    assert not equal(weights(tmp_path / "a"), weights(tmp_path / "b"))


def test_resuming_another_configs_run_is_refused(data: Path, tmp_path: Path):
    config = tiny_config(data)
    fit(config, tmp_path / "run", resume=False)
    with pytest.raises(ConfigError, match="holds the run of another config"):
        fit(config.model_copy(update={"seed": 1}), tmp_path / "run", resume=True)


def test_a_run_that_has_not_ended_cannot_be_loaded(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = tiny_config(data, name="dae", **METHODS["dae"])
    monkeypatch.setattr(Loop, "_observe", lambda *_: (_ for _ in ()).throw(InterruptedRunError))
    with pytest.raises(InterruptedRunError):
        fit(config, tmp_path / "run", resume=False)
    with pytest.raises(ConfigError, match="has not ended; go on with `atypia-train fit --resume`"):
        load_run(tmp_path / "run")


def test_two_processes_end_with_one_set_of_weights(data: Path, tmp_path: Path):
    script = Path(__file__).parent / "two_processes.py"
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), str(data), str(tmp_path)]
    subprocess.run(command, env=environment, check=True, timeout=200, capture_output=True)
    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    assert equal(first, second)
