"""The 3D Slicer module: its scoring with a real service, its shell with stand-ins for Slicer."""

import importlib
import shutil
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock

import nibabel
import numpy as np
import pytest

from integrations.slicer.atypia_scoring import ScoringError, Service, summary
from tests.service.uploads_builder import nifti_bytes

MODULE = Path(__file__).parents[2] / "integrations" / "slicer"


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "volume.nii"
    path.write_bytes(nifti_bytes())
    return path


def test_the_heatmap_lies_on_the_volumes_grid(address: str, volume: Path, tmp_path: Path):
    heatmap = tmp_path / "heatmap.nii.gz"
    result = Service(address).score(volume, heatmap, model="tiny")
    sent, got = nibabel.load(volume), nibabel.load(heatmap)
    assert got.shape == sent.shape
    np.testing.assert_allclose(got.affine, sent.affine, atol=1e-5)
    assert "percentile" in summary(result) and summary(result).endswith("Research use only.")


def test_what_is_wrong_is_one_sentence(address: str, tmp_path: Path):
    words = tmp_path / "words.nii"
    words.write_text("no image at all, only some words")
    with pytest.raises(ScoringError, match=r"\w+ .*\w"):
        Service(address).score(words, tmp_path / "heatmap.nii.gz")
    with pytest.raises(ScoringError, match="does not answer at"):
        Service("http://127.0.0.1:9").score(words, tmp_path / "heatmap.nii.gz")


@pytest.fixture
def slicer(monkeypatch: pytest.MonkeyPatch, volume: Path) -> MagicMock:
    """Slicer, as far as the module asks for it: it has one volume, shown in the background."""
    slicer, base = MagicMock(), ModuleType("slicer.ScriptedLoadableModule")
    base.ScriptedLoadableModule = base.ScriptedLoadableModuleWidget = type("Base", (), {})  # type: ignore[attr-defined]
    slicer.util.exportNode.side_effect = lambda _node, path: bool(shutil.copy(volume, path))
    for name, stand_in in (
        ("slicer", slicer),
        ("slicer.ScriptedLoadableModule", base),
        ("qt", MagicMock()),
        ("ctk", MagicMock()),
    ):
        monkeypatch.setitem(sys.modules, name, stand_in)
    monkeypatch.syspath_prepend(str(MODULE))
    return slicer


def test_the_shell_sends_what_is_shown_and_lays_the_map_over_it(address: str, slicer: MagicMock):
    module = importlib.import_module("AtypiaHeatmap")
    try:
        text = module.overlay_heatmap(Service(address), "tiny")
    finally:
        sys.modules.pop("AtypiaHeatmap")
    layers = slicer.util.setSliceViewerLayers.call_args.kwargs
    assert layers["background"] is slicer.mrmlScene.GetNodeByID.return_value
    assert layers["foreground"] is slicer.util.loadVolume.return_value
    assert text.startswith("Score ")


def test_without_a_volume_it_says_so(slicer: MagicMock):
    slicer.mrmlScene.GetNodeByID.return_value = None
    module = importlib.import_module("AtypiaHeatmap")
    try:
        with pytest.raises(module.ScoringError, match="no volume is shown"):
            module.overlay_heatmap(Service("http://127.0.0.1:9"), "")
    finally:
        sys.modules.pop("AtypiaHeatmap")
