from pathlib import Path

import numpy as np
import pytest

from inference.errors import BundleError, PlacementError
from inference.placement import CPU, Placement
from inference.session import GraphOutput, Session
from tests.service.bundle_builder import GRAPH, SIDE

IMAGES = np.random.default_rng(1).random((5, 1, SIDE, SIDE), np.float32)


def test_a_batch_gives_a_score_and_a_map_for_every_image():
    output = Session(GRAPH).run(IMAGES)
    assert output.score.shape == (5,)
    assert output.anomaly_map.shape == (5, SIDE, SIDE)


def test_an_image_scores_the_same_to_the_bit_alone_and_in_a_batch():
    session = Session(GRAPH)
    together, alone = session.run(IMAGES), [session.run(image[None]) for image in IMAGES]
    np.testing.assert_array_equal(together.score, [output.score[0] for output in alone])
    np.testing.assert_array_equal(together.anomaly_map, GraphOutput.join(alone).anomaly_map)


def test_a_provider_that_is_not_there_is_passed_over_and_not_reported():
    session = Session(GRAPH, placement=Placement(("NoSuchProvider", CPU)))
    assert session.providers == ["CPUExecutionProvider"]


def test_a_session_is_refused_where_none_of_its_providers_starts():
    with pytest.raises(PlacementError, match=r"none of the providers NoSuchProvider can be started here"):
        Session(GRAPH, placement=Placement(("NoSuchProvider",)))


def test_cuda_graphs_are_refused_where_no_gpu_runs_the_graph():
    with pytest.raises(
        PlacementError, match=r"needs CUDAExecutionProvider, but CPUExecutionProvider runs here"
    ):
        Session(GRAPH, placement=Placement((CPU,), binding="cuda_graph"))


def test_a_graph_bound_to_memory_scores_as_an_unbound_one_to_the_bit():
    bound, plain = Session(GRAPH, placement=Placement(binding="io")), Session(GRAPH)
    bound.warm((1, SIDE, SIDE), most=6)
    assert bound.sizes == (1, 2, 4, 6)
    for count in (1, 3, 5):  # 3 and 5 are filled up
        ours, theirs = bound.run(IMAGES[:count]), plain.run(IMAGES[:count])
        np.testing.assert_array_equal(ours.score, theirs.score)
        np.testing.assert_array_equal(ours.anomaly_map, theirs.anomaly_map)


def test_a_bound_graph_leaves_earlier_outputs_alone():
    session = Session(GRAPH, placement=Placement(binding="io"))
    session.warm((1, SIDE, SIDE), most=1)
    first = session.run(IMAGES[:1])
    before = first.anomaly_map.copy()
    session.run(IMAGES[1:2])
    np.testing.assert_array_equal(first.anomaly_map, before)


def test_a_bound_graph_runs_larger_batches_and_other_shapes_too():
    session = Session(GRAPH, placement=Placement(binding="io"))
    session.warm((1, SIDE, SIDE), most=2)
    assert session.run(IMAGES).score.shape == (5,)
    assert session.run(IMAGES[:1, :, :8, :8]).anomaly_map.shape == (1, 8, 8)


def test_a_processor_runs_batches_as_they_come():
    session = Session(GRAPH)
    session.warm((1, SIDE, SIDE), most=16)
    assert session.sizes == ()


def test_bytes_that_are_no_graph_are_refused(tmp_path: Path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"ONNX Runtime cannot load model\.onnx"):
        Session(path)
