"""What an exported bundle reaches on a scored test split: figures, baselines beside them, and the audit."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from inference.bundle import Bundle
from inference.manifest import Metric
from training import metrics
from training.audit import Audit, audit, auroc_figure
from training.bootstrap import Difference, Figure, paired_difference, with_interval
from training.data.data_set import ANOMALOUS
from training.metrics import Levels
from training.scoring import ScoredSplit


class Evaluation(BaseModel):
    """What was measured, ready to be written down. Figures that are undefined here are left out.

    `selection` says how the weights were chosen; `unfitted_baselines` why a baseline is not there.
    """

    model_config = ConfigDict(frozen=True)

    bundle: str
    bundle_digest: str
    method: str
    images: int
    anomalous: int
    patients: int
    out_of_scope: int
    ms_per_image: float
    metrics: dict[str, Metric]
    baselines: dict[str, dict[str, Metric]]
    unfitted_baselines: dict[str, str] = {}
    beyond_best_baseline: Difference | None = None
    audit: Audit
    selection: str = ""

    @property
    def best_baseline(self) -> str | None:
        """That of the highest image AUROC."""
        known = {name: figures["image_auroc"].value for name, figures in self.baselines.items()
                 if "image_auroc" in figures}  # fmt: skip
        return max(known, key=lambda name: known[name]) if known else None

    @property
    def is_inverted(self) -> bool:
        """Whether normals score higher than anomalous images: shown as it is, never flipped."""
        figure = self.metrics.get("image_auroc")
        return figure is not None and figure.value < 0.5


def measure(
    bundle: Bundle,
    scored: ScoredSplit,
    baseline_scores: Mapping[str, np.ndarray],
    low_passed_scores: np.ndarray | None = None,
) -> Evaluation:
    """Measure a scored split beside what each baseline says of the same images, `(N,)`.

    `low_passed_scores` `(N,)` are the bundle's for the same images without detail.
    """
    manifest = bundle.manifest
    labels, patients = scored.labels, scored.patients
    figures = image_metrics(scored.scores, labels, patients)
    figures |= _pixel_metrics(scored)
    figures |= _operating_points(scored, [point.name for point in manifest.operating_points])
    evaluation = Evaluation(
        bundle=bundle.reference,
        bundle_digest=bundle.digest,
        method=manifest.method,
        images=len(labels),
        anomalous=int((labels == ANOMALOUS).sum()),
        patients=len(set(patients)),
        out_of_scope=sum(
            any(warning.startswith("out of scope") for warning in result.warnings)
            for result in scored.results
        ),
        ms_per_image=1000 * scored.seconds / len(labels),
        metrics=figures,
        baselines={name: image_metrics(scores, labels, patients) for name, scores in baseline_scores.items()},
        audit=audit(scored, low_passed_scores),
        selection=manifest.selection,
    )
    best = evaluation.best_baseline
    if best is None:
        return evaluation
    ours, theirs = auroc_figure(scored.scores, labels), auroc_figure(baseline_scores[best], labels)
    return evaluation.model_copy(update={"beyond_best_baseline": paired_difference(ours, theirs, patients)})


def image_metrics(scores: np.ndarray, labels: np.ndarray, patients: Sequence[str]) -> dict[str, Metric]:
    """Every metric of images, with its interval."""

    def levels(weights: np.ndarray) -> Levels:
        return metrics.levels_of_scores(scores, labels, weights)

    return _figures(metrics.IMAGE_METRICS, levels, patients)


def _pixel_metrics(scored: ScoredSplit) -> dict[str, Metric]:
    """Those of images whose reference mask is known; a normal image's is empty."""
    known = [
        (sample.patient, result.anomaly_map, sample.gt_mask)
        for sample, result in zip(scored.samples, scored.results, strict=True)
        if sample.gt_mask is not None
    ]
    if not any(mask.any() for _patient, _anomaly_map, mask in known):
        return {}
    patients, maps, masks = (list(column) for column in zip(*known, strict=True))
    per_image = metrics.levels_of_pixels(maps, masks)
    figures = _figures(metrics.PIXEL_METRICS, per_image.pooled, patients)
    figures |= _figures(metrics.COMPONENT_METRICS, per_image.by_component, patients)
    dice = with_interval(metrics.dice_at(maps, masks, scored.results[0].map_threshold), patients)
    return figures if dice is None else {**figures, "pixel_dice": dice}


def _figures(
    chosen: Mapping[str, Callable[[Levels], np.ndarray]],
    levels: Callable[[np.ndarray], Levels],
    patients: Sequence[str],
) -> dict[str, Metric]:
    found = {}
    for name, metric in chosen.items():
        figure = with_interval(_composed(metric, levels), patients)
        if figure is not None:
            found[name] = figure
    return found


def _composed(metric: Callable[[Levels], np.ndarray], levels: Callable[[np.ndarray], Levels]) -> Figure:
    return lambda weights: metric(levels(weights))


def _operating_points(scored: ScoredSplit, names: Sequence[str]) -> dict[str, Metric]:
    is_anomalous = scored.labels == ANOMALOUS
    found = {}
    for name in names:
        decisions = [result.decisions[name] for result in scored.results]
        if None in decisions:
            continue
        flagged = np.array(decisions, bool)
        for kind, chosen in (("false_alarm_rate", ~is_anomalous), ("sensitivity", is_anomalous)):
            part = [patient for patient, inside in zip(scored.patients, chosen, strict=True) if inside]
            if part and (figure := with_interval(metrics.share_of(flagged[chosen]), part)):
                found[f"{kind}_at_{name}"] = figure
    return found
