from pathlib import Path

import pytest

from service.cores import inference_threads, usable_cores


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 2), (4, 3), (16, 12)])
def test_one_of_four_cores_is_left_to_decoding(cores: int, threads: int):
    assert inference_threads(cores) == threads


def test_workers_of_one_machine_share_its_cores():
    assert inference_threads(16, workers=4) == 3
    assert inference_threads(2, workers=8) == 1


def test_a_containers_share_of_a_core_counts_as_one(tmp_path: Path):
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert usable_cores(tmp_path) == 1


def test_the_first_control_groups_share_is_read_too(tmp_path: Path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("100000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(tmp_path) == 1


@pytest.mark.parametrize("text", ["max 100000\n", "99900000 100000\n"])
def test_a_share_without_limit_leaves_the_machines_cores(tmp_path: Path, text: str):
    (tmp_path / "cpu.max").write_text(text)
    assert usable_cores(tmp_path) == usable_cores(tmp_path / "nothing here")
