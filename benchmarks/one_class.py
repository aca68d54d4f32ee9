"""The classic one-class tables: one class is normal, all others anomalous; a row a class, a column a method.

Source: the protocol of Ruff et al., Deep One-Class Classification, 2018,
https://proceedings.mlr.press/v80/ruff18a.html: train on one class of the training part, test on the whole
test part, after global contrast normalisation and with the training class's range at [0, 1].

Differs from the protocol: the images of the calibration come out of the training class, 5 % of it; values
outside of the training class's range are clipped.

    python -m benchmarks.one_class --data mnist.npz --methods deep_svdd,knn --out runs/one-class
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Annotated, NamedTuple

import numpy as np
import typer
from PIL import Image as Pillow
from pydantic import TypeAdapter

from inference.preprocess import contrast
from training.axes import read_axes
from training.compare import TABLE, chosen_methods, compare
from training.comparison import Outcome
from training.config import load_config
from training.data.arrays import image_of_array

CONFIG = """name = "one-class-{name}"
[data]
path = {path}
[[preprocessing]]
name = "contrast_normalise"
low = {low:.6f}
high = {high:.6f}
[[preprocessing]]
name = "resize"
height = {side}
width = {side}
[method]
name = "deep_svdd"
[calibration]
share = 0.05
"""


class Pictures(NamedTuple):
    """Images `(N, H, W)` or `(N, H, W, C)` and the name of each one's class `(N,)`."""

    images: np.ndarray
    classes: np.ndarray


class Source(NamedTuple):
    train: Pictures
    test: Pictures


def read_source(path: Path) -> Source:
    """Read an `.npz` (`x_train`, `y_train`, `x_test`, `y_test`) or a zip of `train/CLASS/`, `test/CLASS/`."""
    if path.suffix != ".zip":
        with np.load(path, allow_pickle=False) as file:
            return Source(
                *(Pictures(file[f"x_{part}"], file[f"y_{part}"].astype(str)) for part in Source._fields)
            )
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if not name.endswith("/"))
        return Source(*(_part(archive, names, part) for part in Source._fields))


def write_class(source: Source, normal: str, folder: Path, *, train_limit: int, test_limit: int) -> Path:
    """Leave the data set in which `normal` is the normal class in `folder`, as an `.npz`.

    Limits are numbers of images, drawn without a look at their class; 0 is no limit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    train = _drawn(source.train.images[source.train.classes == normal], train_limit)
    chosen = _drawn(np.arange(len(source.test.images)), test_limit)
    classes = source.test.classes[chosen]
    path = folder / "images.npz"
    np.savez(
        path,
        train_normal=train,
        test=source.test.images[chosen],
        test_label=(classes != normal).astype(np.uint8),
        test_kind=classes,
    )
    return path


def contrast_range(images: np.ndarray) -> tuple[float, float]:
    """The lowest and the highest value of all images after their contrast normalisation."""
    ends = [
        (found.min(), found.max())
        for image in images
        for found in [contrast(image_of_array(image).slices[0])]
    ]
    return float(min(low for low, _high in ends)), float(max(high for _low, high in ends))


def one_class_table(figures: Mapping[str, Sequence[float]], methods: Sequence[str]) -> str:
    """Image AUROC as Markdown: a row a class and one for their mean, a column a method."""
    rows = {**figures, "**mean**": np.mean(list(figures.values()), axis=0)}
    lines = ["| normal class | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    for name, row in rows.items():
        lines.append("| " + " | ".join([name, *(f"{100 * figure:.1f}" for figure in row)]) + " |")
    return "\n".join(lines) + "\n"


def run(  # noqa: PLR0913  # the options of a command
    *,
    data: Annotated[Path, typer.Option(help="MNIST as .npz, or a zip of train/CLASS/ and test/CLASS/.")],
    classes: Annotated[
        str, typer.Option(help="Names separated by commas, or all that can be trained.")
    ] = "all",
    methods: Annotated[str, typer.Option(help="Names separated by commas, or all.")] = "deep_svdd",
    seeds: Annotated[int, typer.Option(min=1)] = 1,
    side: Annotated[
        int, typer.Option(help="Of the network's input; most methods need a multiple of 16.")
    ] = 32,
    train_limit: Annotated[int, typer.Option(min=0, help="Training images a class; 0: all.")] = 0,
    test_limit: Annotated[int, typer.Option(min=0, help="Test images; 0: all.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs/one-class"),
    axes: Annotated[Path | None, typer.Option(help="A TOML file of variants to combine.")] = None,
    override: Annotated[list[str] | None, typer.Option("--set", help="As atypia-train fit has it.")] = None,
) -> None:
    """Train every method on every class; what is finished is not done again."""
    source, names = read_source(data), chosen_methods(methods)
    variants = read_axes(axes) if axes else ()
    known = sorted(set(source.train.classes))
    chosen = known if classes == "all" else classes.split(",")
    if unknown := sorted(set(chosen) - set(known)):
        raise typer.BadParameter(f"no class {unknown[0]!r} can be trained; choose from {', '.join(known)}")
    figures: dict[str, list[float]] = {}
    for name in chosen:
        folder = out / name
        images = write_class(source, name, folder, train_limit=train_limit, test_limit=test_limit)
        config = _write_config(folder, name, images, side)
        compare(load_config(config, override or []), names, seeds=seeds, out=folder, variants=variants)
        outcomes = TypeAdapter(list[Outcome]).validate_json((folder / f"{TABLE}.json").read_text())
        columns = _aurocs(outcomes)
        figures[name] = list(columns.values())
        table = one_class_table(figures, list(columns))
        (out / "one-class.md").write_text(table)
        typer.echo(table)


def _write_config(folder: Path, name: str, images: Path, side: int) -> Path:
    with np.load(images) as file:
        low, high = contrast_range(file["train_normal"])
    path = folder / "config.toml"
    path.write_text(CONFIG.format(name=name, path=json.dumps(str(images)), low=low, high=high, side=side))
    return path


def _part(archive: zipfile.ZipFile, names: Sequence[str], part: str) -> Pictures:
    ours = [name for name in names if PurePosixPath(name).parts[0] == part]
    images = [np.asarray(Pillow.open(BytesIO(archive.read(name)))) for name in ours]
    return Pictures(np.stack(images), np.array([PurePosixPath(name).parts[1] for name in ours]))


def _drawn(items: np.ndarray, limit: int) -> np.ndarray:
    """`limit` of the items in their order, the same every time."""
    if not limit or limit >= len(items):
        return items
    return items[np.sort(np.random.default_rng(0).permutation(len(items))[:limit])]


def _aurocs(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """By method and variant, the mean over seeds; nan where one of them has no figure."""
    found: dict[str, list[float]] = {}
    for run in outcomes:
        figure = run.evaluation.metrics["image_auroc"].value if run.evaluation is not None else float("nan")
        found.setdefault(f"{run.method} {run.variant}".strip(), []).append(figure)
    return {column: float(np.mean(figures)) for column, figures in found.items()}


if __name__ == "__main__":
    typer.run(run)
