import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from inference.bundle import Bundle
from training.evaluate import evaluate
from training.fit import Splits


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Bundle, tiny_splits: Splits) -> Path:
    folder = tmp_path_factory.mktemp("evaluated")
    made = {"samples": torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))}
    evaluate(tiny_bundle, tiny_splits, folder, made=made)
    return folder


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Pillow.open(path).convert("L"), float)


def test_every_picture_of_the_report_is_there_with_something_on_it(out: Path):
    names = re.findall(r"!\[\w+\]\((\S+)\)", (out / "report.md").read_text())
    assert {"normals.png", "reconstructions.png", "examples.png"} <= set(names)
    assert all(pixels(out / name).std() > 5 for name in names)


def test_made_images_stand_below_the_normals(out: Path, tiny_bundle: Bundle, tiny_splits: Splits):
    evaluate(tiny_bundle, tiny_splits, out / "bare")
    assert pixels(out / "normals.png").shape[0] > pixels(out / "bare" / "normals.png").shape[0]
