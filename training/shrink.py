"""`shrink`: a bundle's graph in fewer bits beside the whole one, and what that costs, into the bundle."""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from inference.bundle import CARD, MODEL, Bundle, largest_difference, load_bundle
from inference.manifest import Metric, SmallerGraph
from inference.predictor import Predictor
from inference.session import GraphOutput, Session
from training.audit import auroc_figure
from training.bootstrap import paired_difference, with_interval
from training.card import measured_part, write_card
from training.errors import ExportError
from training.export import write_manifest
from training.fit import Splits
from training.precision import Precision, lower_precision
from training.prepare import prepare
from training.scoring import ScoredSplit, score_split
from training.timing import graph_ms_per_image

AT_ONCE = 16
# A graph whose scores or maps of normals are off by more, as a share of the largest, is another detector.
MOST_OFF = 0.25


def shrink(folder: Path, splits: Splits, precision: Precision, limitations: Sequence[str]) -> Bundle:
    """Add the graph in another precision to a bundle; manifest and card say what it costs.

    The image AUROC of both graphs is measured on the test split where there is one.

    Raises:
        BundleError: The bundle is incomplete, was altered or computes something else here.
        DataError: A mask does not fit its image.
        ExportError: The graph cannot be written so, or loses too much.
    """
    bundle = load_bundle(folder)
    name = f"model.{precision}.onnx"
    with TemporaryDirectory() as drafts:
        draft = Path(drafts) / name
        normals = prepare(splits.train, bundle.manifest.preprocessing).images
        lower_precision(folder / MODEL, draft, precision, normals)
        measured = _measure(bundle, draft, splits)
        shutil.copyfile(draft, folder / name)
    graphs = {**bundle.manifest.smaller_graphs, precision.value: measured}
    manifest = bundle.manifest.model_copy(update={"smaller_graphs": graphs})
    report = measured_part((folder / CARD).read_text())
    (folder / CARD).write_text(write_card(manifest, limitations, report))
    write_manifest(folder, manifest)
    return load_bundle(folder)


def _measure(bundle: Bundle, smaller: Path, splits: Splits) -> SmallerGraph:
    whole = Predictor.load(bundle)
    session = Session(smaller, optimization_level=bundle.manifest.graph_optimization_level)
    images = prepare(splits.calibration, bundle.manifest.preprocessing).images
    ours, theirs = (
        GraphOutput.join(
            [graph.run(images[start : start + AT_ONCE]) for start in range(0, len(images), AT_ONCE)]
        )
        for graph in (session, whole.session)
    )
    off = {
        "score": largest_difference(ours.score, theirs.score),
        "map": largest_difference(ours.anomaly_map, theirs.anomaly_map),
    }
    for part, share in off.items():
        if share > MOST_OFF:
            far = (
                f"is off by {share:.2g} of the largest, {MOST_OFF:g} allowed"
                if math.isfinite(share)
                else "is not finite"
            )
            raise ExportError(
                f"{smaller.name} is not kept: a {part} of a held-out normal {far}; serve {MODEL}"
            )
    measured = SmallerGraph(
        file=smaller.name,
        megabytes=smaller.stat().st_size / 1e6,
        whole_megabytes=(bundle.folder / MODEL).stat().st_size / 1e6,
        graph_ms_per_image=graph_ms_per_image(bundle, session),
        whole_graph_ms_per_image=graph_ms_per_image(bundle, whole.session),
        largest_score_difference=off["score"],
        largest_map_difference=off["map"],
    )
    if not splits.test:
        return measured
    before = score_split(whole, splits.test)
    return measured.model_copy(update=_aurocs(score_split(Predictor(bundle, session), splits.test), before))


def _aurocs(smaller: ScoredSplit, whole: ScoredSplit) -> dict[str, object]:
    ours, theirs = (auroc_figure(split.scores, split.labels) for split in (smaller, whole))
    change = paired_difference(ours, theirs, whole.patients)
    return {
        "image_auroc": with_interval(ours, whole.patients),
        "image_auroc_change": change and Metric(value=change.value, low=change.low, high=change.high),
    }
