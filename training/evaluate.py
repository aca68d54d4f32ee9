"""`evaluate`: from a bundle and a data set to a report, and the report into the bundle's own card."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from lightning_fabric import Fabric
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from inference.bundle import CARD, MODEL, Bundle, load_bundle
from inference.predictor import Predictor
from inference.session import Session
from models.method import AnomalyMethod
from training.audit import low_passed
from training.card import write_card
from training.config import MethodSection, build_method
from training.data.data_set import ANOMALOUS, Sample
from training.errors import ConfigError
from training.evaluation import Evaluation, measure
from training.export import write_manifest
from training.fit import Splits, input_shape
from training.loop import Loop, Pace, Shown
from training.monitor import Monitor
from training.pictures import SHOWN, plot_normals, plot_reconstructions
from training.prepare import Prepared, prepare
from training.report import NORMALS, RECONSTRUCTIONS, markdown, write_report
from training.scoring import ScoredSplit, score_split

# Methods that take seconds, and that every other has to beat: on some sets one of them wins.
TRIVIAL = ("mean_intensity", "pca", "knn")
AT_ONCE = 64


def evaluate(
    bundle: Bundle, splits: Splits, out: Path, *, made: Mapping[str, Tensor] | None = None
) -> Evaluation:
    """Score the test split with the bundle and leave tables and plots in `out`.

    Args:
        made: Batches of images that the method makes, by name, for the report.

    Raises:
        BundleError: The graph cannot be run here.
        DataError: There is no test split, or a mask does not fit its image.
    """
    predictor = Predictor.load(bundle)
    scored, low_passed_scores = _score_twice(predictor, splits.test)
    train = prepare(splits.train, bundle.manifest.preprocessing)
    test = prepare(splits.test, bundle.manifest.preprocessing)
    baselines: dict[str, np.ndarray] = {}
    unfitted: dict[str, str] = {}
    for name in TRIVIAL:
        try:
            baselines[name] = baseline_scores(name, train, test)
        except (ConfigError, ValueError) as error:
            unfitted[name] = str(error)
    evaluation = measure(bundle, scored, baselines, low_passed_scores)
    evaluation = evaluation.model_copy(update={"unfitted_baselines": unfitted})
    write_report(evaluation, scored, baselines, manifest=bundle.manifest, out=out)
    named = {name: images.numpy() for name, images in (made or {}).items()}
    plot_normals(train.images, named, out / NORMALS)
    level = bundle.manifest.graph_optimization_level
    session = Session(bundle.folder / MODEL, optimization_level=level)
    plot_reconstructions(session, _looked_at(bundle, splits, scored), out / RECONSTRUCTIONS)
    return evaluation


def baseline_scores(name: str, train: Prepared, test: Prepared) -> np.ndarray:
    """Fit a registered method with its defaults and score the test samples; a volume by its highest slice.

    Raises:
        ConfigError: The method does not take images of this size.
        ValueError: There are too few training images for it.
    """
    method = _fitted(build_method(MethodSection(name=name), input_shape(train)), train)
    with torch.no_grad():
        parts = [method(part).score for part in torch.from_numpy(test.images).split(AT_ONCE)]
    slices = torch.cat(parts).numpy()
    return np.array([slices[test.owner == index].max() for index in np.unique(test.owner)])


def write_into_bundle(folder: Path, evaluation: Evaluation, limitations: Sequence[str]) -> Bundle:
    """Put the figures into the bundle's manifest and card; its digest changes with them.

    Raises:
        BundleError: The bundle is incomplete or was altered.
        ValueError: The evaluation is another bundle's.
    """
    bundle = load_bundle(folder)
    if evaluation.bundle_digest != bundle.digest:
        raise ValueError(f"the evaluation is not of this {bundle.reference}; evaluate it again")
    manifest = bundle.manifest.model_copy(update={"eval_metrics": evaluation.metrics})
    (folder / CARD).write_text(write_card(manifest, limitations, markdown(evaluation)))
    write_manifest(folder, manifest)
    return load_bundle(folder)


def _looked_at(bundle: Bundle, splits: Splits, scored: ScoredSplit) -> dict[str, np.ndarray]:
    """Held-out normals, and anomalous test images of middle scores; all slices of a volume in a row."""
    order = [int(index) for index in np.argsort(scored.scores) if scored.labels[index] == ANOMALOUS]
    first = max(0, (len(order) - SHOWN) // 2)
    middle = [scored.samples[index] for index in order[first : first + SHOWN]]
    kinds = {"Held-out normals": splits.calibration[:SHOWN], "Anomalous test images": middle}
    return {
        kind: prepare(samples, bundle.manifest.preprocessing).images
        for kind, samples in kinds.items()
        if samples
    }


def _score_twice(predictor: Predictor, samples: Sequence[Sample]) -> tuple[ScoredSplit, np.ndarray]:
    """The split as it is, and the scores of all its images without detail."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"scoring with {predictor.bundle.reference}", total=2 * len(samples))
        scored = score_split(predictor, samples, progress=lambda: progress.advance(task))
        smooth = []
        for sample in samples:
            smooth.append(predictor.predict(low_passed(sample.image), scope="warn").score)
            progress.advance(task)
    return scored, np.array(smooth)


def _fitted(method: AnomalyMethod, train: Prepared) -> AnomalyMethod:
    """The method after the training loop, of which nothing is kept."""
    images = torch.from_numpy(train.images)
    with TemporaryDirectory() as name, Monitor(Path(name), is_silent=True) as monitor:
        Loop(
            Fabric(accelerator="cpu", devices=1),
            method,
            Shown(normals=images, anomalous=images[:0], held_out=images[:0]),
            folder=Path(name),
            pace=Pace(batch_size=1, seed=0, checkpoint_every=1),
        ).run(monitor, resume=False)
    return method
