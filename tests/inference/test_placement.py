from pathlib import Path

import pytest

from inference.placement import CPU, CUDA, TENSORRT, Placement, batch_sizes, device_of


@pytest.mark.parametrize(
    ("most", "sizes"), [(1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6)), (16, (1, 2, 4, 8, 16))]
)
def test_batches_are_filled_up_to_powers_of_two_and_to_the_largest(most: int, sizes: tuple[int, ...]):
    assert batch_sizes(most) == sizes


def test_cuda_is_told_of_graphs_only_when_they_are_asked_for():
    assert Placement(binding="cuda_graph").options_of(CUDA) == {"enable_cuda_graph": "1"}
    assert Placement(binding="io").options_of(CUDA) == {}


def test_tensorrt_keeps_its_engines_where_it_is_told():
    options = Placement(engine_cache=Path("engines")).options_of(TENSORRT)
    assert options == {"trt_engine_cache_enable": "1", "trt_engine_cache_path": "engines"}


def test_a_gpu_keeps_its_own_memory():
    assert [device_of(name) for name in (TENSORRT, CUDA, CPU)] == ["cuda", "cuda", "cpu"]
