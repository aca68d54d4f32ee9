import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from benchmarks.one_class import (
    Pictures,
    Source,
    contrast_range,
    one_class_table,
    read_source,
    run,
    write_class,
)
from models.method import InputShape
from tests.training.tiny import discs
from training.graph import reference_images


@pytest.fixture
def source() -> Source:
    """Discs are class 0, their negatives class 1."""
    train, test = discs(40, seed=0), discs(12, seed=1)
    halves = [np.concatenate([part, 255 - part]) for part in (train, test)]
    return Source(*(Pictures(part, np.repeat(["0", "1"], len(part) // 2)) for part in halves))


def test_the_other_classes_are_anomalous(source: Source, tmp_path: Path):
    with np.load(write_class(source, "1", tmp_path, train_limit=0, test_limit=0)) as file:
        np.testing.assert_array_equal(file["train_normal"], source.train.images[40:])
        assert file["test_label"].tolist() == [1] * 12 + [0] * 12
        assert "train_anomalous" not in file.files


def test_limits_draw_the_same_images_every_time(source: Source, tmp_path: Path):
    paths = [write_class(source, "0", tmp_path / x, train_limit=10, test_limit=6) for x in "ab"]
    first, second = (dict(np.load(path)) for path in paths)
    assert (len(first["train_normal"]), len(first["test"])) == (10, 6)
    assert all(np.array_equal(first[key], second[key]) for key in first)


def test_the_range_is_that_of_the_normalised_training_images():
    # Means 2 and 1, mean deviations 3 and 1: from -2/3 to 2, and from -1 to 1.
    images = np.array([[[0, 0], [0, 8]], [[0, 2], [2, 0]]], np.uint8)
    assert contrast_range(images) == pytest.approx((-1, 2))


def test_a_zip_of_class_folders_is_read(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("train/frog/0.png", "test/frog/0.png", "test/ship/0.png"):
            picture = BytesIO()
            Image.fromarray(np.full((4, 4, 3), 9, np.uint8)).save(picture, "png")
            archive.writestr(name, picture.getvalue())
    source = read_source(tmp_path / "set.zip")
    assert source.train.classes.tolist() == ["frog"]
    assert source.test.classes.tolist() == ["frog", "ship"]
    assert source.test.images.shape == (2, 4, 4, 3)


def test_the_table_ends_with_the_mean_over_classes():
    table = one_class_table({"3": [0.9, 0.5], "8": [0.7, 0.6]}, ["knn", "pca"])
    assert table.splitlines()[2:] == [
        "| 3 | 90.0 | 50.0 |",
        "| 8 | 70.0 | 60.0 |",
        "| **mean** | 80.0 | 55.0 |",
    ]


def test_a_graph_can_be_held_against_torch_at_the_classic_28_pixels():
    assert reference_images(InputShape(1, 28, 28), np.zeros((2, 1, 28, 28))).shape == (4, 1, 28, 28)


@pytest.fixture
def file(source: Source, tmp_path: Path) -> Path:
    parts = source._asdict().items()
    arrays = {f"{axis}_{part}": value for part, p in parts for axis, value in zip("xy", p, strict=True)}
    np.savez(tmp_path / "set.npz", **arrays)
    return tmp_path / "set.npz"


def table_of(file: Path, method: str, *words: str) -> list[str]:
    """The lines of the table that the command leaves."""
    app = typer.Typer()
    app.command()(run)
    out = file.with_name("runs")
    words = ("--data", str(file), "--methods", method, "--out", str(out), *words)
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    return (out / "one-class.md").read_text().splitlines()


def test_a_run_measures_every_class(file: Path):
    rows = table_of(file, "mean_intensity")[2:]
    assert [row.split("|")[1].strip() for row in rows] == ["0", "1", "**mean**"]


def test_a_variant_is_a_column_of_its_own(file: Path):
    axes = file.with_name("axes.toml")
    axes.write_text('[[variant]]\nmethod = "knn"\noptions = { neighbours = 3 }\n')
    header = table_of(file, "knn", "--classes", "0", "--axes", str(axes))[0]
    assert header == "| normal class | knn | knn neighbours=3 |"
