from pathlib import Path

import numpy as np
import pytest

from inference.errors import BundleError
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
    session = Session(GRAPH, providers=("NoSuchProvider", "CPUExecutionProvider"))
    assert session.providers == ["CPUExecutionProvider"]


def test_bytes_that_are_no_graph_are_refused(tmp_path: Path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"ONNX Runtime cannot load model\.onnx"):
        Session(path)
