"""`evaluate`: from a bundle and a data set to a report, and the report into the bundle's own card."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from inference.bundle import CARD, Bundle, load_bundle
from inference.predictor import Predictor
from training.baselines import score_baselines
from training.card import write_card
from training.evaluation import Evaluation, measure, score_split
from training.export import write_manifest
from training.fit import Splits
from training.report import markdown, write_report


def evaluate(bundle: Bundle, splits: Splits, out: Path) -> Evaluation:
    """Score the test split with the bundle and leave tables and plots in `out`.

    Raises:
        BundleError: The graph cannot be run here.
        DataError: There is no test split, or a mask does not fit its image.
    """
    predictor = Predictor.load(bundle)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"scoring with {bundle.reference}", total=len(splits.test))
        scored = score_split(predictor, splits.test, progress=lambda: progress.advance(task))
    baselines = score_baselines(splits.train, splits.test, bundle.manifest.preprocessing)
    evaluation = measure(bundle, scored, baselines)
    write_report(evaluation, scored, baselines, manifest=bundle.manifest, out=out)
    return evaluation


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
