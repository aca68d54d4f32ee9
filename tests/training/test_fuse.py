import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inference import scoring
from inference.bundle import CARD, MODEL, TORCHSCRIPT, Bundle, load_bundle
from inference.predictor import Predictor
from tests.training.tiny import tables, tiny_config, write_data
from training.cli import main
from training.config import Config, parse_config
from training.errors import ConfigError
from training.evaluate import evaluate
from training.export import export, write_manifest
from training.fit import fit, read_splits
from training.fuse import fuse
from training.fusion import Maps
from training.graph import read_torchscript

GEOMETRIC = Maps.GEOMETRIC
CONFIG = """
name = "both"
data = { path = "nowhere.npz", patient_pattern = '^([pt]\\d+)-' }
preprocessing = [{ name = "resize", height = 32, width = 32 }, { name = "percentile_stretch" }]
method = { name = "ensemble" }
calibration = { share = 0.7 }
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def members(data: Path) -> list[Path]:
    """An atlas, and the principal components."""
    lines = parse_config(tables(data, name="pca", components=8) | {"name": "lines"})
    return [bundle_of(tiny_config(data), data.parent), bundle_of(lines, data.parent)]


@pytest.fixture(scope="module")
def fused(data: Path, members: list[Path]) -> Bundle:
    return load_bundle(fuse(named(data), members, data.parent, weights=(1, 3), maps=GEOMETRIC))


def named(data: Path, **changes: Any) -> Config:
    return parse_config(tables(data) | {"name": "both"} | changes)


def bundle_of(config: Config, folder: Path) -> Path:
    fit(config, folder / f"run-{config.name}", resume=False)
    return export(folder / f"run-{config.name}", folder)


def altered(folder: Path, copy: Path, **changes: Any) -> Path:
    """A copy of a bundle with another manifest."""
    shutil.copytree(folder, copy)
    write_manifest(copy, load_bundle(folder).manifest.model_copy(update=changes))
    return copy


def test_a_fused_bundle_names_its_members_and_is_calibrated_anew(fused: Bundle, members: list[Path]):
    manifest = fused.manifest
    assert (manifest.method, fused.reference) == ("ensemble", "both@1.0.0")
    assert [(member.name, member.weight) for member in manifest.members] == [("discs", 1), ("lines", 3)]
    assert [member.digest for member in manifest.members] == [load_bundle(path).digest for path in members]
    assert len(manifest.calibration.scores) == 21


def test_the_card_names_the_members_and_says_how_their_maps_were_fused(fused: Bundle):
    card = (fused.folder / CARD).read_text()
    assert "| fused from | lines@1.0.0, a `pca` of weight 3 |" in card
    assert "the map is their geometric mean" in card
    assert "not calibrated by those normals" not in card


def test_the_fused_score_is_the_weighted_mean_of_the_members(data: Path, fused: Bundle, members: list[Path]):
    image = read_splits(named(data)).test[-1].image
    expected = 0.0
    for folder, share in zip(members, (0.25, 0.75), strict=True):
        bundle = load_bundle(folder)
        scores = np.array(bundle.manifest.calibration.scores)
        deviation = np.median(np.abs(scores - np.median(scores)))
        distance = Predictor.load(bundle).predict(image).score - np.median(scores)
        expected += share * np.arcsinh(distance / (1.4826 * deviation))
    assert Predictor.load(fused).predict(image).score == pytest.approx(expected, rel=1e-4)


def test_the_fused_graph_tells_nothing_of_the_machine_that_made_it(fused: Bundle):
    text = (fused.folder / MODEL).read_bytes()
    assert b".py" not in text and str(Path.cwd()).encode() not in text


def test_the_torchscript_says_what_the_graph_says_with_the_reconstruction(data: Path, fused: Bundle):
    predictor = Predictor.load(fused)
    batch = scoring.prepare(predictor.bundle, read_splits(named(data)).test[-1].image).batch
    score, anomaly_map, drawn = read_torchscript(fused.folder / TORCHSCRIPT)(torch.from_numpy(batch))
    output = predictor.session.run(batch)
    np.testing.assert_allclose(output.score, score, rtol=1e-4)
    np.testing.assert_allclose(output.anomaly_map, anomaly_map[:, 0], rtol=1e-4)
    np.testing.assert_allclose(output.reconstruction, drawn, rtol=1e-4)


def test_a_fused_bundle_is_evaluated_as_any_other(data: Path, fused: Bundle, tmp_path: Path):
    evaluation = evaluate(fused, read_splits(named(data)), tmp_path)
    assert evaluation.method == "ensemble"
    assert evaluation.metrics["image_auroc"].value == 1.0


def test_a_fused_bundle_can_be_fused_again(data: Path, fused: Bundle, members: list[Path], tmp_path: Path):
    again = load_bundle(fuse(named(data), [fused.folder, members[1]], tmp_path, maps=Maps.MEAN))
    assert [member.method for member in again.manifest.members] == ["ensemble", "pca"]


def test_a_member_without_torchscript_leaves_it_out_and_says_so(
    data: Path, members: list[Path], tmp_path: Path
):
    bare = Path(shutil.copytree(members[1], tmp_path / "bare"))
    (bare / TORCHSCRIPT).unlink()
    write_manifest(bare, load_bundle(members[1]).manifest)
    folder = fuse(named(data), [members[0], bare], tmp_path, maps=GEOMETRIC)
    assert not (folder / TORCHSCRIPT).exists()
    assert "There is no TorchScript of it: lines@1.0.0 has none." in (folder / CARD).read_text()


def test_the_card_warns_when_a_member_was_calibrated_by_others(
    data: Path, members: list[Path], tmp_path: Path
):
    folder = fuse(named(data, seed=1), members, tmp_path, maps=GEOMETRIC)
    card = (folder / CARD).read_text()
    assert "not calibrated by those normals that calibrated discs@1.0.0, lines@1.0.0" in card


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [((1,), "2 bundles need as many weights, not 1"), ((1, 0), "a weight is a number above 0, not 0")],
)
def test_weights_that_do_not_fit_are_refused(
    weights: tuple[float, ...], sentence: str, data: Path, members: list[Path], tmp_path: Path
):
    with pytest.raises(ConfigError, match=sentence):
        fuse(named(data), members, tmp_path, weights=weights, maps=GEOMETRIC)


def test_a_member_that_prepares_otherwise_is_refused(data: Path, members: list[Path], tmp_path: Path):
    steps = [{"name": "resize", "height": 32, "width": 32}]
    with pytest.raises(ConfigError, match=r"discs@1\.0\.0 prepares images otherwise than the config"):
        fuse(named(data, preprocessing=steps), members, tmp_path, maps=GEOMETRIC)


def test_members_of_two_sizes_are_refused(data: Path, members: list[Path], tmp_path: Path):
    formats = load_bundle(members[1]).manifest.network_data_format
    small = formats.inputs["image"].model_copy(update={"spatial_shape": (16, 16)})
    other = altered(
        members[1],
        tmp_path / "other",
        network_data_format=formats.model_copy(update={"inputs": {"image": small}}),
    )
    with pytest.raises(
        ConfigError, match=r"discs@1\.0\.0 takes 1 x 32 x 32 and lines@1\.0\.0 takes 1 x 16 x 16"
    ):
        fuse(named(data), [members[0], other], tmp_path, maps=GEOMETRIC)


def test_a_member_without_a_scale_is_named(data: Path, members: list[Path], tmp_path: Path):
    flat = load_bundle(members[1]).manifest.calibration.model_copy(update={"scores": (1.0, 1.0)})
    other = altered(members[1], tmp_path / "other", calibration=flat)
    with pytest.raises(ConfigError, match=r"lines@1\.0\.0 cannot be fused: its 2 calibration scores"):
        fuse(named(data), [members[0], other], tmp_path, maps=GEOMETRIC)


def test_a_fused_bundle_never_replaces_its_member(data: Path, members: list[Path]):
    with pytest.raises(ConfigError, match=r"discs@1\.0\.0 would replace its own member"):
        fuse(named(data, name="discs"), members, members[0].parent, maps=GEOMETRIC)
    assert load_bundle(members[0]).manifest.method == "atlas"


def test_one_bundle_is_not_fused(data: Path, members: list[Path], tmp_path: Path):
    with pytest.raises(ConfigError, match="name at least two bundles"):
        fuse(named(data), members[:1], tmp_path, maps=GEOMETRIC)


def test_the_command_fuses_as_the_page_says(
    data: Path, members: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "both.toml").write_text(CONFIG)
    words = ["fuse", tmp_path / "both.toml", *members, "--bundles", tmp_path, "--set", f"data.path={data}"]
    words += ["--weight", 2, "--weight", 1, "--maps", "mean"]
    monkeypatch.setattr(sys, "argv", ["atypia-train", *(str(word) for word in words)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert [member.weight for member in load_bundle(tmp_path / "both-1.0.0").manifest.members] == [2, 1]
