from pathlib import Path

import numpy as np
import pytest
import torch

from inference import scoring
from inference.bundle import MODEL, Bundle, load_bundle
from inference.predictor import Predictor
from models.method import AnomalyMethod, InputShape, Prediction, Stage
from tests.training.tiny import tiny_config, write_data
from training.config import MethodSection, build_method
from training.errors import ExportError
from training.export import export
from training.fit import fit, load_run
from training.graph import TOLERANCE, Reference, refer, reference_images, write_onnx, write_torchscript

SHAPE = InputShape(1, 32, 32)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    fit(tiny_config(write_data(folder)), folder / "run", resume=False)
    return folder / "run"


@pytest.fixture(scope="module")
def bundle(run: Path) -> Bundle:
    return load_bundle(export(run, run.parent / "bundles"))


def reference_of(method: AnomalyMethod) -> Reference:
    return refer(method, reference_images(SHAPE, np.random.default_rng(0).random((9, 1, 32, 32), np.float32)))


def test_a_score_by_the_highest_share_can_be_exported_both_ways(tmp_path: Path):
    method = build_method(MethodSection(name="dae", options={"score": "top", "width": 4}), SHAPE).eval()
    reference = reference_of(method.requires_grad_(False))
    assert write_onnx(method, reference, tmp_path / MODEL) <= TOLERANCE
    assert write_torchscript(method, reference, tmp_path / "model.ts") <= TOLERANCE


def test_a_graph_that_computes_something_else_is_not_exported(tmp_path: Path):
    method = build_method(MethodSection(name="dae", options={"width": 4}), SHAPE).eval()
    reference = reference_of(method.requires_grad_(False))
    with pytest.raises(ExportError, match="ONNX Runtime and torch disagree by 0"):
        write_onnx(method, reference._replace(score=reference.score * 2), tmp_path / MODEL)


def test_a_method_that_cannot_be_traced_is_refused_in_a_sentence(tmp_path: Path):
    class Undecided(AnomalyMethod):
        def __init__(self) -> None:
            super().__init__(SHAPE, None)

        def stages(self) -> list[Stage]:
            return []

        def forward(self, images: torch.Tensor) -> Prediction:
            score = images.mean(dim=(1, 2, 3))
            return Prediction(score if bool(score.sum() > 0) else -score, images[:, :1], None)

    with pytest.raises(ExportError, match="torch cannot export the method"):
        write_onnx(Undecided(), reference_of(Undecided()), tmp_path / MODEL)


def test_a_method_that_torchscript_cannot_carry_is_refused_in_a_sentence(tmp_path: Path):
    class Rounding(AnomalyMethod):
        def __init__(self) -> None:
            super().__init__(SHAPE, None)

        def stages(self) -> list[Stage]:
            return []

        def forward(self, images: torch.Tensor) -> Prediction:
            # A size is a tensor while torch.jit traces, and a tensor cannot be rounded so.
            rows = round(0.5 * images.shape[2])
            return Prediction(images[:, :, :rows].mean(dim=(1, 2, 3)), images[:, :1], None)

    with pytest.raises(ExportError, match="torch cannot trace the method: TypeError"):
        write_torchscript(Rounding(), reference_of(Rounding()), tmp_path / "model.ts")


def test_a_bundle_holds_what_the_design_names(bundle: Bundle):
    files = {path.name for path in bundle.folder.iterdir()}
    assert files == {"manifest.json", "model.onnx", "model.ts", "parity.npz", "card.md"}


def test_the_predictor_scores_as_the_trained_method_does(run: Path, bundle: Bundle):
    _config, method, splits = load_run(run)
    predictor = Predictor.load(bundle)
    sample = splits.test[-1]
    prepared = scoring.prepare(predictor.bundle, sample.image)
    with torch.no_grad():
        expected = float(method(torch.from_numpy(prepared.batch)).score)
    assert predictor.predict(sample.image).score == pytest.approx(expected, rel=TOLERANCE)


def test_exporting_twice_gives_the_same_graph(run: Path, bundle: Bundle, tmp_path: Path):
    again = load_bundle(export(run, tmp_path))
    for name in ("model.onnx", "parity.npz"):
        assert again.manifest.files[name] == bundle.manifest.files[name]


def test_patients_are_calibrated_not_slices(run: Path, bundle: Bundle):
    _config, _method, splits = load_run(run)
    assert len(splits.calibration) == 42
    assert len(bundle.manifest.calibration.scores) == 21


def test_one_percent_needs_99_normals_and_is_left_open_with_21(bundle: Bundle):
    thresholds = {point.name: point.threshold for point in bundle.manifest.operating_points}
    assert thresholds["1%"] is None
    assert thresholds["5%"] == bundle.manifest.calibration.scores[-1]


def test_about_the_named_share_of_normal_pixels_is_above_the_maps_threshold(run: Path, bundle: Bundle):
    _config, _method, splits = load_run(run)
    predictor = Predictor.load(bundle)
    masks = [predictor.predict(sample.image).pred_mask for sample in splits.calibration]
    assert np.mean(masks) == pytest.approx(0.01, abs=0.003)


def test_the_card_says_what_it_was_trained_on_and_is_for(bundle: Bundle):
    card = (bundle.folder / "card.md").read_text()
    assert "18 normal images of 9 patients" in card
    assert "Research use only" in card
    assert "Not evaluated yet." in card
