"""`evaluate`: score a test split with an exported bundle, through the very predictor of the service."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from inference.manifest import Metric
from inference.predictor import ImageResult, Predictor
from inference.steps import Step
from training import metrics
from training.audit import Nuisance, audit, auroc_of, border_mean
from training.baselines import BASELINES
from training.bootstrap import with_interval
from training.data.data_set import ANOMALOUS, Sample
from training.errors import DataError
from training.prepare import prepare


class Evaluation(BaseModel):
    """What was measured, ready to be written down. Metrics that are undefined here are left out."""

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
        DataError: There is nothing to score.
    """
    if not samples:
        raise DataError("the data set has no test images; it needs a test split")
    results = []
    start = time.perf_counter()
    for sample in samples:
        results.append(predictor.predict(sample.image, scope="warn"))
        progress()
    return ScoredSplit(tuple(samples), tuple(results), time.perf_counter() - start)


def evaluate(predictor: Predictor, scored: ScoredSplit, normals: Sequence[Sample]) -> Evaluation:
    """Measure a scored split; the baselines are fitted on `normals`, the training images."""
    manifest = predictor.bundle.manifest
    labels, patients = scored.labels, scored.patients
    figures = image_metrics(scored.scores, labels, patients)
    figures |= _pixel_metrics(scored)
    figures |= _operating_points(scored, [point.name for point in manifest.operating_points])
    return Evaluation(
        bundle=predictor.bundle.reference,
        bundle_digest=predictor.bundle.digest,
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
        baselines=_baselines(scored, normals, manifest.preprocessing),
        nuisances=audit([sample.image for sample in scored.samples], scored.scores, labels),
        map_border_auroc=auroc_of(
            np.array([border_mean(result.anomaly_map.mean(axis=0)) for result in scored.results]), labels
        ),
    )


def image_metrics(scores: np.ndarray, labels: np.ndarray, patients: Sequence[str]) -> dict[str, Metric]:
    """Every metric of images, with its interval."""
    return {
        name: figure
        for name, metric in metrics.IMAGE_METRICS.items()
        if (
            figure := with_interval(
                lambda weights, metric=metric: metric(metrics.levels_of_scores(scores, labels, weights)),
                patients,
            )
        )
    }


def _pixel_metrics(scored: ScoredSplit) -> dict[str, Metric]:
    """Those of images whose reference mask is known; a normal image's is empty."""
    known = [
        (sample, result)
        for sample, result in zip(scored.samples, scored.results, strict=True)
        if sample.gt_mask is not None
    ]
    if not any(sample.gt_mask is not None and sample.gt_mask.any() for sample, _result in known):
        return {}
    masks = [np.asarray(sample.gt_mask) for sample, _result in known]
    maps = [result.anomaly_map for _sample, result in known]
    if wrong := [
        sample.name
        for (sample, result), mask in zip(known, masks, strict=True)
        if mask.shape != result.anomaly_map.shape
    ]:
        raise DataError(f"the mask of {wrong[0]} has another size than its image")
    patients = [sample.patient for sample, _result in known]
    per_image = metrics.levels_of_pixels(maps, masks, np.eye(len(maps)))
    threshold = known[0][1].map_threshold
    figures = {
        name: with_interval(
            lambda weights, metric=metric: metric(
                metrics.Levels(weights @ per_image.anomalous, weights @ per_image.normal)
            ),
            patients,
        )
        for name, metric in metrics.PIXEL_METRICS.items()
    }
    figures["pixel_dice"] = with_interval(metrics.dice_at(maps, masks, threshold), patients)
    return {name: figure for name, figure in figures.items() if figure is not None}


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


def _baselines(
    scored: ScoredSplit, normals: Sequence[Sample], chain: Sequence[Step]
) -> dict[str, dict[str, Metric]]:
    train, test = prepare(normals, chain), prepare(scored.samples, chain)
    found = {}
    for name, build in BASELINES.items():
        slices = build(train.images)(test.images)
        scores = np.array([slices[test.owner == index].max() for index in range(len(scored.samples))])
        found[name] = image_metrics(scores, scored.labels, scored.patients)
    return found
