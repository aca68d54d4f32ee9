"""The fusion law worked out by hand, and two graphs in one."""

import math
from pathlib import Path

import numpy as np
import onnx
import pytest

from inference.manifest import Calibration, TensorFormat
from inference.runtime import ort
from inference.session import GraphOutput, Session
from training.errors import ConfigError, ExportError
from training.fusion import Balance, Fusion, Maps, balance_of, fuse_outputs, merge_graphs

PICTURE = TensorFormat(num_channels=1, spatial_shape=(2, 2))
HALVES = (Balance(1, 2, 4, 0.5), Balance(3, 1, 2, 0.5))

# Both loop and read a default from the body; the names are those of each other.
GRAPH = """<ir_version: 8, opset_import: ["": 20]>
member (float[batch, 1, 2, 2] image, float factor) => (float[batch] score, float[batch, 1, 2, 2] anomaly_map)
<float factor = {FACTOR}, int64 turns = {2}, int64[3] axes = {1, 2, 3}> {
    go = Constant <value = bool {1}> ()
    anomaly_map = Loop (turns, go, image) <body = once (int64 turn, bool on, float[batch, 1, 2, 2] before)
        => (bool still, float[batch, 1, 2, 2] after) { still = Identity (on) after = Mul (before, factor) }>
    score = ReduceMax <keepdims = 0> (anomaly_map, axes)
}"""


def member(factor: float) -> onnx.ModelProto:
    """Twice times `factor`: the map. Its highest value: the score."""
    return onnx.parser.parse_model(GRAPH.replace("FACTOR", str(factor)))


def output(score: float, pixel: float) -> GraphOutput:
    return GraphOutput(np.array([score], np.float32), np.full((1, 2, 2), pixel, np.float32), None)


def calibration(*scores: float, threshold: float = 1.0) -> Calibration:
    return Calibration(scores=scores, map_threshold=threshold, map_false_alarm_rate=0.01)


def test_a_member_is_measured_by_its_median_and_the_median_of_the_distances_to_it():
    balance = balance_of(calibration(1, 2, 4, 5, 9, threshold=0.5), 0.25)
    assert balance == Balance(median=4, spread=pytest.approx(1.4826 * 2), scale=0.5, share=0.25)


def test_scores_that_do_not_vary_give_no_scale():
    with pytest.raises(ConfigError, match="its 3 calibration scores do not vary"):
        balance_of(calibration(1, 1, 5), 1)


def test_a_map_whose_threshold_is_zero_has_no_scale():
    with pytest.raises(ConfigError, match="threshold, 0, gives its map no scale"):
        balance_of(calibration(1, 2, 4, threshold=0), 1)


def test_scores_are_standardised_squashed_and_averaged():
    fused = fuse_outputs([output(5, 0), output(2, 0)], Fusion(HALVES, Maps.MEAN))
    assert fused.score == pytest.approx([(math.asinh(2) + math.asinh(-1)) / 2])


@pytest.mark.parametrize(("maps", "expected"), [("geometric", math.sqrt(2.001 * 0.001)), ("mean", 1.0)])
def test_maps_are_scaled_and_averaged_and_what_is_below_0_is_0(maps: str, expected: float):
    fused = fuse_outputs([output(0, 8), output(0, -6)], Fusion(HALVES, Maps(maps)))
    np.testing.assert_allclose(fused.anomaly_map, np.full((1, 2, 2), expected), rtol=1e-6)


@pytest.mark.parametrize("maps", Maps)
def test_the_merged_graph_says_what_the_members_say_fused(maps: Maps, tmp_path: Path):
    (tmp_path / "both.onnx").write_bytes(merged(maps).SerializeToString())
    images = np.random.default_rng(0).normal(size=(3, 1, 2, 2)).astype(np.float32)
    outputs = [GraphOutput((images * k).max(axis=(1, 2, 3)), (images * k)[:, 0], None) for k in (4, 9)]
    expected = fuse_outputs(outputs, Fusion(HALVES, maps))
    found = Session(tmp_path / "both.onnx").run(images)
    np.testing.assert_allclose(found.score, expected.score, rtol=1e-5)
    np.testing.assert_allclose(found.anomaly_map, expected.anomaly_map, rtol=1e-5)


def test_a_members_own_input_with_a_default_stays_an_input_under_its_prefix():
    quiet = ort.SessionOptions()
    quiet.log_severity_level = 3
    session = ort.InferenceSession(merged(Maps.MEAN).SerializeToString(), quiet)
    names = [value.name for value in session.get_overridable_initializers()]
    image = np.ones((1, 1, 2, 2), np.float32)
    plain = session.run(["anomaly_map"], {"image": image})[0]
    turned = session.run(["anomaly_map"], {"image": image, "member2_factor": np.array(5, np.float32)})[0]
    assert names == ["member1_factor", "member2_factor"]
    assert (plain.max(), turned.max()) == pytest.approx((4 / 8 + 9 / 4, 4 / 8 + 25 / 4))


def test_graphs_of_other_operator_sets_are_not_merged():
    older = member(2)
    older.opset_import[0].version = 19
    with pytest.raises(ExportError, match=r"versions 20 and 19 of the operators ai\.onnx"):
        merge_graphs([member(2), older], PICTURE, Fusion(HALVES, Maps.MEAN))


def merged(maps: Maps) -> onnx.ModelProto:
    model = merge_graphs([member(2), member(3)], PICTURE, Fusion(HALVES, maps))
    onnx.checker.check_model(model, full_check=True)
    return model
