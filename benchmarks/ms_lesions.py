"""Lesions of multiple sclerosis: what T1 bundles find of them, beside two plain intensity baselines.

Reads `CASE/T1.nii.gz`, `CASE/FLAIR.nii.gz` and `CASE/lesion_mask.nii.gz`, and for the dark baseline's
threshold the healthy scans `*/T1.nii.gz` of another folder.

    python -m benchmarks.ms_lesions --data ms_lesions_mni --healthy ptbp_t1_healthy/train \\
        --bundle bundles/brain-t1-1.0.0

No threshold is chosen on the patients. A bundle's is its own, from the healthy scans that calibrated it; that
of the dark baseline is taken from the healthy scans at the same share of voxels; no healthy FLAIR is at hand,
so that its baseline has three robust standard deviations, fixed before anything was scored. Everything is
counted inside the brain's mask, in the slices that the bundle looks at and, with `--whole`, in all of them;
of a lesion that reaches beyond them the part within is counted. What flags much of the brain finds lesions
by chance: read the share that is flagged beside the recall.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from imaging.image import Image
from imaging.read import read_image
from inference.bundle import Bundle, load_bundle
from inference.predictor import Predictor
from inference.preprocess import MAD_TO_SD
from inference.region import find_region
from inference.steps import Slab
from training.lesions import SIZE_CLASSES, LesionCount, count_lesions
from training.metrics import auprc, levels_of_scores

FLAIR_LIMIT = 3.0
# Smaller regions are specks for every detector alike.
MIN_VOXELS = 3


@dataclass(frozen=True)
class Case:
    name: str
    t1: Image
    flair: Image
    gt_mask: np.ndarray  # (D, H, W) bool
    brain: np.ndarray  # (D, H, W) bool


@dataclass(frozen=True)
class Detector:
    """`detect` makes a map `(D, H, W)` of a case, of which what lies above `threshold` is found."""

    name: str
    threshold: float
    detect: Callable[[Case], np.ndarray]


def main(
    *,
    data: Annotated[Path, typer.Option(help="Folder of CASE/{T1,FLAIR,lesion_mask}.nii.gz.")],
    healthy: Annotated[Path, typer.Option(help="Folder of healthy SCAN/T1.nii.gz.")],
    bundle: Annotated[list[Path], typer.Option(help="Folder of a T1 bundle; several may be given.")],
    whole: Annotated[bool, typer.Option(help="Score all slices, not the bundle's slab alone.")] = False,
) -> None:
    """Print the table."""
    cases = [read_case(folder) for folder in sorted(data.iterdir()) if folder.is_dir()]
    bundles = [_without_slab(load_bundle(path)) if whole else load_bundle(path) for path in bundle]
    predictors = [Predictor.load(loaded) for loaded in bundles]
    slices = {case.name: _looked_at(predictors[0], case) for case in cases}
    rate = bundles[0].manifest.calibration.map_false_alarm_rate
    dark = healthy_threshold([_read(path) for path in sorted(healthy.glob("*/T1.nii.gz"))], rate)
    detectors = [*(_of_bundle(predictor) for predictor in predictors), *baselines(dark)]
    typer.echo(table(cases, detectors, slices))


def read_case(folder: Path) -> Case:
    t1, flair, mask = (_read(folder / f"{name}.nii.gz") for name in ("T1", "FLAIR", "lesion_mask"))
    return Case(folder.name, t1, flair, mask.pixels[0] > 0, _brain(t1))


def baselines(dark_threshold: float) -> list[Detector]:
    """What is dark in T1, and what is bright in FLAIR, by robust z inside the brain."""
    return [
        Detector("T1, dark", dark_threshold, lambda case: -robust_z(case.t1.pixels[0], case.brain)),
        Detector("FLAIR, bright", FLAIR_LIMIT, lambda case: robust_z(case.flair.pixels[0], case.brain)),
    ]


def robust_z(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Deviations from the median inside the mask, in robust standard deviations."""
    median = np.median(values[mask])
    return np.asarray((values - median) / (MAD_TO_SD * np.median(np.abs(values[mask] - median))))


def healthy_threshold(scans: Sequence[Image], rate: float) -> float:
    """What a share `rate` of the brain's voxels of healthy scans exceeds in darkness."""
    found = []
    for scan in scans:
        brain = _brain(scan)
        found.append(-robust_z(scan.pixels[0], brain)[brain])
    return float(np.quantile(np.concatenate(found), 1 - rate))


def table(cases: Sequence[Case], detectors: Sequence[Detector], slices: dict[str, np.ndarray]) -> str:
    """A row for each detector and case, and for all cases together."""
    classes = " | ".join(f"found of {name}" for name in SIZE_CLASSES)
    lines = [
        f"| detector | case | {classes} | false alarms | brain flagged | Dice at threshold | "
        "voxel AP | share of lesion voxels |",
        "|" + "---|" * (len(SIZE_CLASSES) + 7),
    ]
    for detector in detectors:
        total = LesionCount()
        for case in cases:
            inside = case.brain & slices[case.name][:, None, None]
            found = detector.detect(case)
            count, cells = _measure(case, found, detector.threshold, inside)
            total += count
            lines.append(f"| {detector.name} | {case.name} | {_recall(count)} | {cells} |")
        lines.append(
            f"| {detector.name} | all | {_recall(total)} | {total.false_alarms / len(cases):.1f} a scan "
            "| | | | |"
        )
    return "\n".join(lines)


def _measure(case: Case, found: np.ndarray, threshold: float, inside: np.ndarray) -> tuple[LesionCount, str]:
    predicted, gt_mask = (found > threshold) & inside, case.gt_mask & inside
    voxel_mm3 = abs(float(np.linalg.det(case.t1.affine[:3, :3])))
    count = count_lesions(predicted, gt_mask, voxel_mm3=voxel_mm3, min_voxels=MIN_VOXELS)
    labels = gt_mask[inside].astype(int)
    precision = float(auprc(levels_of_scores(found[inside], labels, np.ones((1, len(labels)))))[0])
    sizes = int(predicted.sum()) + int(gt_mask.sum())
    dice = 2 * int((predicted & gt_mask).sum()) / sizes if sizes else float("nan")
    flagged = predicted.sum() / inside.sum()
    return count, (
        f"{count.false_alarms} | {flagged:.2%} | {dice:.3f} | {precision:.3f} | {labels.mean():.2%}"
    )


def _recall(count: LesionCount) -> str:
    return " | ".join(f"{count.found[name]} of {count.lesions[name]}" for name in SIZE_CLASSES)


def _of_bundle(predictor: Predictor) -> Detector:
    manifest = predictor.bundle.manifest

    def detect(case: Case) -> np.ndarray:
        return predictor.predict(case.t1, scope="warn").anomaly_map

    return Detector(manifest.name, manifest.calibration.map_threshold, detect)


def _looked_at(predictor: Predictor, case: Case) -> np.ndarray:
    """Which slices of the case the bundle scores, `(D,)` bool."""
    scored = predictor.predict(case.t1, scope="warn").scores_by_slice
    return np.isin(np.arange(case.t1.size[2]), list(scored))


def _without_slab(bundle: Bundle) -> Bundle:
    chain = tuple(step for step in bundle.manifest.preprocessing if not isinstance(step, Slab))
    return Bundle(bundle.folder, bundle.manifest.model_copy(update={"preprocessing": chain}), bundle.digest)


def _brain(image: Image) -> np.ndarray:
    columns, rows, between = image.spacing or (1.0, 1.0, 1.0)
    return find_region(image.pixels[0], "brain", spacing=(between, rows, columns))


def _read(path: Path) -> Image:
    return read_image([path.read_bytes()])


if __name__ == "__main__":
    typer.run(main)
