import json
from pathlib import Path

import numpy as np
import pytest

from inference.bundle import check_parity, largest_difference, load_bundle
from inference.errors import BundleError
from inference.predictor import Predictor
from inference.session import Session
from tests.service.bundle_builder import make_bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bundle(tmp_path)


def edit(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_whole_bundle_loads_and_keeps_its_digest(folder: Path):
    bundle = load_bundle(folder)
    assert bundle.reference == "tiny@1.0.0"
    assert load_bundle(folder).digest == bundle.digest


def test_an_altered_graph_is_refused(folder: Path):
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(BundleError, match=r"tiny/model\.onnx was altered"):
        load_bundle(folder)


def test_a_missing_file_is_named(folder: Path):
    (folder / "parity.npz").unlink()
    with pytest.raises(BundleError, match=r"tiny lacks parity\.npz"):
        load_bundle(folder)


def test_a_file_that_the_manifest_does_not_list_is_refused(folder: Path):
    (folder / "model.onnx.data").write_bytes(b"weights")
    with pytest.raises(BundleError, match=r"does not list: model\.onnx\.data"):
        load_bundle(folder)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path):
    with pytest.raises(BundleError, match="it is no bundle"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema_version": "2"}, "schema_version"),
        ({"surprise": 1}, "surprise"),
        ({"default_operating_point": "50%"}, "50%"),
        ({"calibration": {"scores": [2, 1], "map_threshold": 1, "map_false_alarm_rate": 0.01}}, "ascending"),
        ({"preprocessing": [{"name": "sharpen"}]}, "sharpen"),
    ],
)
def test_a_manifest_that_is_not_valid_says_where(folder: Path, changes: dict[str, object], words: str):
    edit(folder, **changes)
    with pytest.raises(BundleError, match=words):
        load_bundle(folder)


def test_a_threshold_can_be_changed_after_export(folder: Path):
    before = load_bundle(folder).digest
    edit(folder, operating_points=[{"name": "fa-5", "false_alarm_rate": 0.05, "threshold": 0.5}])
    bundle = load_bundle(folder)
    assert bundle.manifest.operating_points[0].threshold == 0.5
    assert bundle.digest != before


def test_a_graph_that_does_not_reproduce_its_parity_file_is_refused(folder: Path):
    bundle = load_bundle(folder)
    with np.load(folder / "parity.npz") as parity:
        arrays = dict(parity)
    np.savez(folder / "parity.npz", **arrays | {"score": arrays["score"] * 1.01})
    with pytest.raises(BundleError, match="does not reproduce its parity file on CPUExecutionProvider"):
        check_parity(bundle, Session(folder / "model.onnx"))


def test_a_map_of_nan_is_no_parity(folder: Path):
    bundle = load_bundle(folder)
    with np.load(folder / "parity.npz") as parity:
        arrays = dict(parity)
    np.savez(folder / "parity.npz", **arrays | {"anomaly_map": arrays["anomaly_map"] * np.nan})
    with pytest.raises(BundleError, match="does not reproduce its parity file"):
        check_parity(bundle, Session(folder / "model.onnx"))


def test_the_difference_is_relative_to_the_largest_value():
    assert largest_difference(np.array([1.0, 10.5]), np.array([1.0, 10.0])) == pytest.approx(0.05)


def test_a_predictor_starts_only_on_a_bundle_that_holds(folder: Path):
    assert Predictor.load(load_bundle(folder)).session.providers == ["CPUExecutionProvider"]
