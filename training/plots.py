"""An evaluation drawn: the ROC curve, the scores of both classes, and examples with their heatmaps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from imaging.image import Image
from imaging.voi import apply_voi
from inference.manifest import Manifest, Metric
from inference.scoring import ImageResult
from training.data.data_set import ANOMALOUS, NORMAL, Sample
from training.evaluation import Evaluation
from training.scoring import ScoredSplit

NORMAL_COLOUR, ANOMALOUS_COLOUR, INK, FAINT = "#2b6c99", "#d1552b", "#22262b", "#b9bec5"
DOTS_PER_INCH = 160
EXAMPLES = 5
# The heatmap is at full colour at so many times the map's threshold.
FULL_COLOUR = 2.0
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


def plot_roc(
    evaluation: Evaluation,
    scored: ScoredSplit,
    baseline_scores: Mapping[str, np.ndarray],
    *,
    manifest: Manifest,
    path: Path,
) -> None:
    """The method's ROC curve with its operating points, over those of the baselines."""
    labels = scored.labels
    with mpl.rc_context(STYLE):
        figure = Figure((5.0, 5.0), layout="constrained")
        axes = figure.add_subplot()
        axes.plot((0, 1), (0, 1), color=FAINT, linewidth=0.8, linestyle=(0, (2, 3)))
        for shade, (name, scores) in zip(
            ("#6f7f8f", "#93a3b1", "#b9c4cd"), baseline_scores.items(), strict=False
        ):
            axes.plot(
                *_roc(scores, labels),
                color=shade,
                linewidth=1.1,
                label=f"{name}, {_auroc(evaluation.baselines[name])}",
            )
        label = f"{evaluation.bundle}, {_auroc(evaluation.metrics)}"
        axes.plot(*_roc(scored.scores, labels), color=ANOMALOUS_COLOUR, linewidth=2.2, label=label)
        _mark_operating_points(axes, scored, manifest)
        axes.set(
            xlim=(-0.01, 1), ylim=(0, 1.01), aspect="equal", xlabel="false-alarm rate", ylabel="sensitivity"
        )
        axes.set_title(f"ROC on {evaluation.images} test images")
        handles, names = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], names[::-1], loc="lower right", title="image AUROC", alignment="left")
        save(figure, path)


def plot_scores(scored: ScoredSplit, manifest: Manifest, path: Path) -> None:
    """Histograms of both classes' scores, and the thresholds of the operating points."""
    scores, labels = scored.scores, scored.labels
    low, high = np.quantile(scores, (0.0, 0.99))
    high = max(high, low + 1e-9)  # all scores may be the same
    bins = np.linspace(low, high, 41)
    with mpl.rc_context(STYLE):
        figure = Figure((6.4, 3.2), layout="constrained")
        axes = figure.add_subplot()
        kinds = ((NORMAL, "normal", NORMAL_COLOUR), (ANOMALOUS, "anomalous", ANOMALOUS_COLOUR))
        for label, name, colour in kinds:
            part = np.minimum(scores[labels == label], high)  # the last bar holds what lies beyond
            axes.hist(part, bins=bins.tolist(), color=colour, alpha=0.55, label=f"{name} ({len(part)})")
        top = axes.get_ylim()[1]
        for point in manifest.operating_points:
            if point.threshold is None or point.threshold > high:
                continue
            is_default = point.name == manifest.default_operating_point
            axes.axvline(
                point.threshold, color=INK, linewidth=1.2 if is_default else 0.7, linestyle=(0, (4, 3))
            )
            axes.annotate(point.name, (point.threshold, top), xytext=(3, -2), textcoords="offset points",
                          va="top", fontsize=8, fontweight="bold" if is_default else "normal")  # fmt: skip
        axes.set(xlabel="score", ylabel="test images", xlim=(low, high))
        axes.set_title("Scores, with the thresholds at false-alarm rates of held-out normals")
        axes.legend(loc="upper right")
        save(figure, path)


def plot_examples(scored: ScoredSplit, manifest: Manifest, path: Path) -> None:
    """The highest and lowest scores of both classes: image, heatmap, and the reference's outline."""
    rows = [row for row in _chosen(scored) if row[1]]
    with mpl.rc_context(STYLE):
        figure = Figure((1.0 + 2.5 * EXAMPLES, 1.62 * len(rows)), layout="constrained", facecolor="white")
        grid = figure.subplots(len(rows), EXAMPLES, squeeze=False)
        for axes_row, (title, indices) in zip(grid, rows, strict=True):
            for axes in axes_row:
                axes.axis("off")
            for axes, index in zip(axes_row, indices, strict=False):
                _draw_example(axes, scored.samples[index], scored.results[index])
            axes_row[0].set_title(title)
        threshold = manifest.calibration.map_threshold
        has_masks = any(sample.gt_mask is not None for sample in scored.samples)
        outlined = "; the reference outlined in cyan" if has_masks else ""
        figure.supxlabel(
            f"Left: image. Right: anomaly map, full colour at {FULL_COLOUR:g} times its threshold "
            f"({threshold:.3g}){outlined}.",
            fontsize=8,
        )
        save(figure, path)


def _chosen(scored: ScoredSplit) -> list[tuple[str, list[int]]]:
    order = np.argsort(scored.scores, kind="stable")
    normal = [int(index) for index in order if scored.labels[index] == NORMAL]
    anomalous = [int(index) for index in order if scored.labels[index] == ANOMALOUS]
    middle = max(0, (len(anomalous) - EXAMPLES) // 2)
    return [
        ("Anomalous, highest scores", anomalous[::-1][:EXAMPLES]),
        ("Anomalous, middle scores", anomalous[middle : middle + EXAMPLES]),
        ("Anomalous, lowest scores (missed)", anomalous[:EXAMPLES]),
        ("Normal, highest scores (false alarms)", normal[::-1][:EXAMPLES]),
        ("Normal, lowest scores", normal[:EXAMPLES]),
    ]


def _draw_example(axes: Axes, sample: Sample, result: ImageResult) -> None:
    worst = result.worst_slice
    grey = _grey(sample.image, worst)
    full_colour = max(FULL_COLOUR * result.map_threshold, 1e-12)
    strength = np.clip(result.anomaly_map[worst] / full_colour, 0, 1)
    # What is normal stays untouched grey, as in the service's overlay.
    ramp = np.clip((strength - 0.2) / 0.6, 0, 1)
    alpha = 0.7 * (ramp * ramp * (3 - 2 * ramp))[..., None]
    colours = mpl.colormaps["inferno"](0.2 + 0.8 * strength)[..., :3]
    heat = grey[..., None] * (1 - alpha) + colours * alpha
    gap = np.ones((grey.shape[0], max(1, grey.shape[1] // 32), 3))
    pair = np.concatenate([np.repeat(grey[..., None], 3, axis=2), gap, heat], axis=1)
    axes.imshow(pair.clip(0, 1))
    if sample.gt_mask is not None and sample.gt_mask[worst].any():
        columns = np.arange(grey.shape[1]) + grey.shape[1] + gap.shape[1]
        axes.contour(columns, np.arange(grey.shape[0]), sample.gt_mask[worst], levels=[0.5],
                     colors="#35d0e0", linewidths=0.9)  # fmt: skip
    axes.text(
        0.5, -0.03, f"score {result.score:.3g}", transform=axes.transAxes, ha="center", va="top", fontsize=8
    )


def _grey(image: Image, index: int) -> np.ndarray:
    plane = image.slices[index].mean(axis=0)
    if image.voi is not None:
        return np.asarray(apply_voi(plane, image.voi))
    low, high = np.percentile(plane, (1, 99))
    return np.asarray(np.clip((plane - low) / max(float(high - low), 1e-12), 0, 1))


def _mark_operating_points(axes: Axes, scored: ScoredSplit, manifest: Manifest) -> None:
    normal, anomalous = scored.scores[scored.labels == NORMAL], scored.scores[scored.labels == ANOMALOUS]
    for point in manifest.operating_points:
        if point.threshold is not None and len(normal) and len(anomalous):
            place = ((normal > point.threshold).mean(), (anomalous > point.threshold).mean())
            axes.plot(*place, "o", color=INK, markersize=4.5, zorder=5)
            axes.annotate(point.name, place, xytext=(7, -9), textcoords="offset points", fontsize=8)


def _roc(scores: np.ndarray, labels: np.ndarray) -> tuple[Sequence[float], Sequence[float]]:
    """False-alarm rate and sensitivity from the highest threshold to the lowest."""
    thresholds = np.unique(scores)[::-1]
    curves = []
    for label in (NORMAL, ANOMALOUS):
        part = np.sort(scores[labels == label])
        above = len(part) - np.searchsorted(part, thresholds, side="left")
        curves.append([0.0, *(above / max(len(part), 1)).tolist()])
    return curves[0], curves[1]


def _auroc(figures: Mapping[str, Metric]) -> str:
    return f"{figures['image_auroc'].value:.3f}" if "image_auroc" in figures else "undefined"


def save(figure: Figure, path: Path) -> None:
    """Write the figure as a PNG; no screen is needed."""
    FigureCanvasAgg(figure).print_figure(path, dpi=DOTS_PER_INCH)
