"""Which graph of a bundle is run, and that a smaller one is held against the parity file too."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from inference.bundle import MODEL, PARITY, Bundle, load_bundle, sha256_of
from inference.errors import BundleError
from inference.predictor import Predictor
from tests.service.bundle_builder import make_bundle

COST = {
    "file": "model.int8.onnx",
    "megabytes": 1,
    "whole_megabytes": 4,
    "graph_ms_per_image": 1,
    "whole_graph_ms_per_image": 2,
    "largest_score_difference": 0.001,
    "largest_map_difference": 0.01,
}


def with_int8(folder: Path, *, off: float = 0.0) -> Bundle:
    """A bundle with a smaller graph that claims 1 %, and a parity file whose map is off by that share."""
    shutil.copy(folder / MODEL, folder / "model.int8.onnx")
    with np.load(folder / PARITY) as parity:
        arrays = dict(parity)
    np.savez(folder / PARITY, **{**arrays, "anomaly_map": arrays["anomaly_map"] / (1 + off)})
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["smaller_graphs"] = {"int8": COST}
    for name in ("model.int8.onnx", PARITY):
        manifest["files"][name] = sha256_of(folder / name)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return load_bundle(folder)


def test_the_smaller_graph_is_run_where_it_is_asked_for(tmp_path: Path):
    bundle = with_int8(make_bundle(tmp_path))
    assert bundle.graph("int8").name == "model.int8.onnx"
    assert Predictor.load(bundle, variant="int8").variant == "int8"
    assert Predictor.load(bundle).variant == "whole"


def test_a_bundle_without_such_a_graph_is_run_whole(tmp_path: Path):
    assert Predictor.load(with_int8(make_bundle(tmp_path)), variant="fp16").variant == "whole"


def test_a_smaller_graph_may_be_off_by_twice_what_was_measured_and_no_more(tmp_path: Path):
    near, far = (
        with_int8(make_bundle(tmp_path, name=name), off=off) for name, off in (("near", 0.015), ("far", 0.03))
    )
    assert Predictor.load(near, variant="int8").variant == "int8"
    with pytest.raises(BundleError, match=r"off by 0\.03 of the largest value, 0\.02 allowed"):
        Predictor.load(far, variant="int8")


def test_the_whole_graph_is_given_no_such_room(tmp_path: Path):
    with pytest.raises(BundleError, match=r"0\.001 allowed"):
        Predictor.load(with_int8(make_bundle(tmp_path), off=0.015))
