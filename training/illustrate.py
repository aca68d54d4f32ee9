"""`illustrate`: a few test images with their heatmaps, into the bundle and its card.

Which ones is a rule, so that nobody picks the beautiful: of each class the images whose scores lie nearest to
its 10th, 50th and 90th percentile.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from imaging.overlay import grey_picture, paint_overlay
from inference.bundle import CARD, Bundle, load_bundle
from inference.manifest import Example
from inference.predictor import Predictor
from inference.scoring import ImageResult
from training.card import measured_part, write_card
from training.data.data_set import ANOMALOUS, NORMAL, Sample
from training.export import write_manifest
from training.fit import Splits
from training.scoring import ScoredSplit, score_split

PERCENTILES = (10, 50, 90)
_KINDS = {NORMAL: "Normal", ANOMALOUS: "Anomalous"}
# For the eye: a sixth of the bytes of a PNG, so that a card loads at once and a repository stays small.
_QUALITY = 88


def illustrate(folder: Path, splits: Splits, limitations: Sequence[str]) -> Bundle:
    """Add examples to a bundle, or replace those that it has; its digest changes.

    Raises:
        BundleError: The bundle is incomplete or was altered, or computes something else here.
        DataError: There is no test split, or a mask does not fit its image.
    """
    bundle = load_bundle(folder)
    scored = score_split(Predictor.load(bundle), splits.test)
    for old in bundle.manifest.examples:
        (folder / old.file).unlink()
    examples = []
    for number, (place, percentile) in enumerate(chosen(scored), start=1):
        sample, result = scored.samples[place], scored.results[place]
        file = f"example-{number}.jpg"
        (folder / file).write_bytes(_picture(sample, result))
        examples.append(
            Example(
                file=file,
                gt_label=sample.gt_label,
                score=result.score,
                percentile=result.percentile,
                caption=f"{_KINDS[sample.gt_label]}: its score, {result.score:.3g}, is at the {percentile}th "
                f"percentile of its class and above {result.percentile:.0f} % of held-out normals.",
            )
        )
    manifest = bundle.manifest.model_copy(update={"examples": tuple(examples)})
    report = measured_part((folder / CARD).read_text())
    (folder / CARD).write_text(write_card(manifest, limitations, report))
    write_manifest(folder, manifest)
    return load_bundle(folder)


def chosen(scored: ScoredSplit) -> Iterator[tuple[int, int]]:
    """Which images are shown, and for which percentile of their class's scores."""
    for label in _KINDS:
        places = np.flatnonzero(scored.labels == label)
        if not len(places):
            continue
        scores = scored.scores[places]
        for percentile in PERCENTILES:
            yield int(places[np.abs(scores - np.percentile(scores, percentile)).argmin()]), percentile


def _picture(sample: Sample, result: ImageResult) -> bytes:
    worst = result.worst_slice
    plane = result.map_planes.plane(worst)
    drawn = paint_overlay(grey_picture(sample.image, worst), plane, limit=result.full_colour)
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()
