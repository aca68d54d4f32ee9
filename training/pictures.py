"""What a method has learned, for the eye: normals as it saw them, what it makes, and what it reconstructs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.session import Session
from training.plots import STYLE, save

COLUMNS, ROWS = 8, 2
SHOWN = 6
RGB = 3


def plot_normals(normals: np.ndarray, made: Mapping[str, np.ndarray], path: Path) -> None:
    """Training normals `(N, C, h, w)` in [0, 1], and batches of images that the method made, by name."""
    grids = {"Normals it was trained on, prepared": normals[:: max(1, len(normals) // (COLUMNS * ROWS))]}
    grids |= {f"Made by it: {name}": images for name, images in made.items()}
    grids = {title: images[: COLUMNS * ROWS] for title, images in grids.items()}
    heights = [-(-len(images) // COLUMNS) for images in grids.values()]
    with rc_context(STYLE):
        figure = Figure((COLUMNS, sum(heights) + 0.4 * len(grids)), layout="constrained")
        parts = figure.subfigures(len(grids), 1, squeeze=False, height_ratios=heights)[:, 0]
        for part, (title, images), rows in zip(parts, grids.items(), heights, strict=True):
            part.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
            _fill(part.subplots(rows, COLUMNS, squeeze=False).ravel(), images)
        save(figure, path)


def plot_reconstructions(session: Session, kinds: Mapping[str, np.ndarray], path: Path) -> None:
    """Some images `(N, C, h, w)` of each kind, what the graph makes of them, and their maps, side by side.

    All maps share one scale, to the highest value of the first kind.
    """
    outputs = {kind: session.run(images[:SHOWN]) for kind, images in kinds.items()}
    full = max(float(next(iter(outputs.values())).anomaly_map.max()), 1e-12)
    with rc_context(STYLE):
        figure = Figure((SHOWN * 1.3, len(kinds) * 4.2), layout="constrained")
        parts = figure.subfigures(len(kinds), 1, squeeze=False)[:, 0]
        for part, (kind, images) in zip(parts, kinds.items(), strict=True):
            part.suptitle(kind, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
            output = outputs[kind]
            made = output.reconstruction
            grid = part.subplots(2 if made is None else 3, SHOWN, squeeze=False)
            _fill(grid[0], images)
            if made is not None:
                _fill(grid[1], made)
            _fill(grid[-1], output.anomaly_map[:, None] / full, colours="inferno")
        figure.supxlabel(
            "Top: image as prepared. Middle, if it has one: reconstruction. Bottom: anomaly map, its colours "
            f"full at {full:.3g}, the highest value of the first rows.",
            fontsize=7,
        )
        save(figure, path)


def _fill(cells: Sequence[Axes] | np.ndarray, images: np.ndarray, *, colours: str = "gray") -> None:
    for cell in cells:
        cell.axis("off")
    for cell, image in zip(cells, images, strict=False):
        cell.imshow(_picture(image), cmap=colours, vmin=0, vmax=1, interpolation="nearest")


def _picture(image: np.ndarray) -> np.ndarray:
    """`(C, h, w)` as colours where it has three channels, and else its last channel."""
    return image.transpose(1, 2, 0).clip(0, 1) if len(image) == RGB else image[-1]
