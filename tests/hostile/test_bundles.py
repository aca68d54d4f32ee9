"""Bundles that reach for files of the machine: the catalog or the session refuses them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from inference.bundle import load_bundle
from inference.errors import BundleError
from inference.predictor import Predictor
from inference.session import Session
from tests.service.bundle_builder import make_bundle


def graph_with_weights_in(location: str) -> bytes:
    """A graph of our form whose one weight lies in another file."""
    weight = TensorProto(name="weight", data_type=TensorProto.FLOAT, dims=[1])
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "4")):
        weight.external_data.add(key=key, value=value)
    image, score, plane = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (
            ("image", ["B", 1, 4, 4]),
            ("score", ["B", 1, 4, 4]),
            ("anomaly_map", ["B", 1, 4, 4]),
        )
    )
    nodes = [helper.make_node("Add", ["image", "weight"], [name]) for name in ("score", "anomaly_map")]
    graph = helper.make_graph(nodes, "hostile", [image], [score, plane], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("where", ["secret.bin", "../secret.bin", "{folder}/secret.bin"])
def test_a_graph_cannot_take_its_weights_from_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for folder in (tmp_path, bundle):
        (folder / "secret.bin").write_bytes(np.float32(7).tobytes())
    (bundle / "model.onnx").write_bytes(graph_with_weights_in(where.format(folder=tmp_path)))
    monkeypatch.chdir(bundle)
    with pytest.raises(BundleError, match="cannot load"):
        Session(bundle / "model.onnx")


def rewrite(folder: Path, change: Callable[[dict[str, str]], None]) -> None:
    """Change the manifest's list of files."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest["files"])
    path.write_text(json.dumps(manifest))


def test_a_listed_file_outside_the_bundle_is_refused(tmp_path: Path):
    folder = make_bundle(tmp_path)
    outside = tmp_path / "secret.bin"
    outside.write_bytes(b"secret")
    digest = hashlib.sha256(b"secret").hexdigest()
    for name in ("../secret.bin", str(outside)):
        rewrite(folder, lambda files, name=name: files.update({name: digest}))  # type: ignore[misc]
        with pytest.raises(BundleError, match="lacks"):
            load_bundle(folder)


def test_weights_beside_the_graph_that_nobody_listed_are_refused(tmp_path: Path):
    folder = make_bundle(tmp_path)
    (folder / "weights.bin").write_bytes(b"other weights")
    with pytest.raises(BundleError, match=r"does not list: weights\.bin"):
        load_bundle(folder)


def test_a_parity_file_of_pickled_objects_is_refused(tmp_path: Path):
    folder = make_bundle(tmp_path)
    np.savez(folder / "parity.npz", image=np.array([object()], object), allow_pickle=True)
    digest = hashlib.sha256((folder / "parity.npz").read_bytes()).hexdigest()
    rewrite(folder, lambda files: files.update({"parity.npz": digest}))
    with pytest.raises(BundleError, match="parity"):
        Predictor.load(load_bundle(folder))
