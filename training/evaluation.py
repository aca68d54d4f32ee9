"""What an exported bundle reaches on a test split, scored through the very predictor of the service."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from inference.bundle import Bundle
from inference.manifest import Metric
from inference.predictor import ImageResult, Predictor
from training import metrics
from training.audit import Nuisance, audit, auroc_of, map_border_mean
from training.bootstrap import with_interval
from training.data.data_set import ANOMALOUS, Sample
from training.errors import DataError
from training.metrics import Levels


class Evaluation(BaseModel):
    """What was measured, ready to be written down. Figures that are undefined here are left out."""

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
    nuisances: dict[str, Nuisance]
    map_border_auroc: float

    @property
    def is_inverted(self) -> bool:
        """Whether normals score higher than anomalous images: shown as it is, never flipped."""
        figure = self.metrics.get("image_auroc")
        return figure is not None and figure.value < 0.5


@dataclass(frozen=True)
class ScoredSplit:
    """A test split beside what the predictor said of it, in the same order."""

    samples: tuple[Sample, ...]
    results: tuple[ImageResult, ...]
    seconds: float

    @property
    def labels(self) -> np.ndarray:
        return np.array([sample.gt_label for sample in self.samples])

    @property
    def scores(self) -> np.ndarray:
        return np.array([result.score for result in self.results])

    @property
    def patients(self) -> list[str]:
        return [sample.patient for sample in self.samples]


def score_split(
    predictor: Predictor, samples: Sequence[Sample], *, progress: Callable[[], None] = lambda: None
) -> ScoredSplit:
    """Score every image, those out of the bundle's scope too; `progress` is called after each.

    Raises:
        DataError: There is nothing to score, or a mask does not fit its image.
    """
    if not samples:
        raise DataError("the data set has no test images; it needs a test split")
    for sample in samples:
        _check_mask(sample)
    results = []
    start = time.perf_counter()
    for sample in samples:
        results.append(predictor.predict(sample.image, scope="warn"))
        progress()
    return ScoredSplit(tuple(samples), tuple(results), time.perf_counter() - start)


def measure(bundle: Bundle, scored: ScoredSplit, baseline_scores: Mapping[str, np.ndarray]) -> Evaluation:
    """Measure a scored split beside what each baseline says of the same images, `(N,)`."""
    manifest = bundle.manifest
    labels, patients = scored.labels, scored.patients
    figures = image_metrics(scored.scores, labels, patients)
    figures |= _pixel_metrics(scored)
    figures |= _operating_points(scored, [point.name for point in manifest.operating_points])
    return Evaluation(
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
        nuisances=audit([sample.image for sample in scored.samples], scored.scores, labels),
        map_border_auroc=auroc_of(
            np.array([map_border_mean(result.anomaly_map) for result in scored.results]), labels
        ),
    )


def image_metrics(scores: np.ndarray, labels: np.ndarray, patients: Sequence[str]) -> dict[str, Metric]:
    """Every metric of images, with its interval."""

    def levels(weights: np.ndarray) -> Levels:
        return metrics.levels_of_scores(scores, labels, weights)

    return _figures(metrics.IMAGE_METRICS, levels, patients)


def _check_mask(sample: Sample) -> None:
    depth, _channels, height, width = sample.image.slices.shape
    if sample.gt_mask is not None and sample.gt_mask.shape != (depth, height, width):
        raise DataError(
            f"the mask of {sample.name} is {sample.gt_mask.shape}, its image {(depth, height, width)}; "
            f"both are (slices, rows, columns)"
        )


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

    def levels(weights: np.ndarray) -> Levels:
        return Levels(weights @ per_image.anomalous, weights @ per_image.normal)

    figures = _figures(metrics.PIXEL_METRICS, levels, patients)
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


def _composed(
    metric: Callable[[Levels], np.ndarray], levels: Callable[[np.ndarray], Levels]
) -> Callable[[np.ndarray], np.ndarray]:
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
