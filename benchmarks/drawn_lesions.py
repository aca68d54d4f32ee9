"""Healthy scans with lesions drawn into them: a data set of volumes whose truth is known voxel by voxel.

Source: our own. In each scan of the test part three lesions are drawn, one in each of three copies, which
lighten, darken or blur an ellipsoid of the head that spans 3 to 6 slices; the scan itself is the normal. What
is drawn here is easier than disease: figures compare methods, and promise nothing of patients.

    python -m benchmarks.drawn_lesions --data ptbp_t1_healthy --out ptbp-t1-volumes

reads `train/SCAN/T1.nii.gz` and `test/SCAN/T1.nii.gz` and leaves volumes, masks and `volumes.csv`, which
`atypia-train` reads. A scan is a patient.
"""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import nibabel
import numpy as np
import typer
from scipy import ndimage

from inference.preprocess import head_mask

TABLE = "volumes.csv"
RADIUS_MM = (8.0, 18.0)  # in the plane
SLICES = (3, 6)
STRENGTH = (0.3, 0.7)  # of the range from the head's 5th to its 95th percentile
BLUR_MM = 3.0
# The outermost part of the radius over which a lesion fades.
EDGE = 0.2


def lighten(volume: np.ndarray, strength: float, _pixel_mm: float) -> np.ndarray:
    return volume + strength


def darken(volume: np.ndarray, strength: float, _pixel_mm: float) -> np.ndarray:
    return volume - strength


def blur(volume: np.ndarray, _strength: float, pixel_mm: float) -> np.ndarray:
    return np.asarray(ndimage.gaussian_filter(volume, BLUR_MM / pixel_mm, axes=(0, 1)))


KINDS: dict[str, Callable[[np.ndarray, float, float], np.ndarray]] = {
    "lighter": lighten,
    "darker": darken,
    "blurred": blur,
}


def with_lesion(
    volume: np.ndarray, kind: str, *, pixel_mm: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A copy of a volume `(x, y, slices)` with one lesion, and the lesion's mask of 0 and 1.

    Raises:
        ValueError: The volume has too few slices, or no head that is wide enough.
    """
    if volume.shape[2] < SLICES[0]:
        raise ValueError(f"the volume has {volume.shape[2]} slices; a lesion needs at least {SLICES[0]}")
    depth = int(rng.integers(SLICES[0], min(SLICES[1], volume.shape[2]) + 1))
    first = int(rng.integers(0, volume.shape[2] - depth + 1))
    radii = rng.uniform(*RADIUS_MM, size=2) / pixel_mm
    values = volume.astype(np.float32)
    heads = [head_mask(values[:, :, index], erode=0) for index in range(first, first + depth)]
    places = np.argwhere(ndimage.distance_transform_edt(np.all(heads, axis=0)) > radii.max())
    if not len(places):
        raise ValueError(f"there is no head of more than {radii.max() * pixel_mm:.0f} mm around a point")
    centre = (*places[rng.integers(len(places))], first + (depth - 1) / 2)
    share = _ellipsoid(volume.shape, centre, (*radii, depth / 2))
    low, high = np.percentile(values[:, :, first : first + depth][np.stack(heads, axis=2)], (5, 95))
    changed = KINDS[kind](values, float(rng.uniform(*STRENGTH) * (high - low)), pixel_mm)
    drawn = np.clip(values + share * (changed - values), values.min(), values.max())
    if np.issubdtype(volume.dtype, np.integer):
        drawn = np.rint(drawn)
    return drawn.astype(volume.dtype), (share > 0).astype(np.uint8)


def write_volumes(data: Path, out: Path, *, file: str, seed: int) -> Path:
    """Leave the data set in `out` and return its table.

    Raises:
        FileNotFoundError: There are no such scans.
    """
    rng = np.random.default_rng(seed)
    rows = [("path", "patient", "split", "label", "mask")]
    for folder in ("train", "test", "masks"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for split in ("train", "test"):
        for path in _scans(data / split, file):
            name = path.parent.name
            copy = f"{split}/{name}.nii.gz"
            shutil.copyfile(path, out / copy)
            rows.append((copy, name, split, "normal", ""))
            if split == "test":
                rows += [_draw(path, out, kind, rng) for kind in KINDS]
    with (out / TABLE).open("w", newline="") as table:
        csv.writer(table).writerows(rows)
    return out / TABLE


def run(
    *,
    data: Annotated[Path, typer.Option(help="Folder of train/SCAN/FILE and test/SCAN/FILE, all healthy.")],
    out: Annotated[Path, typer.Option(help="Folder of the data set.")],
    file: Annotated[str, typer.Option(help="Name of the file of every scan.")] = "T1.nii.gz",
    seed: Annotated[int, typer.Option(help="Draws the lesions.")] = 0,
) -> None:
    """Draw lesions into healthy test scans."""
    typer.echo(f"the data set is in {write_volumes(data, out, file=file, seed=seed)}")


def _scans(folder: Path, file: str) -> list[Path]:
    found = sorted(folder.glob(f"*/{file}"))
    if not found:
        raise FileNotFoundError(f"there is no {file} in the folders of {folder}")
    return found


def _draw(path: Path, out: Path, kind: str, rng: np.random.Generator) -> tuple[str, str, str, str, str]:
    """Write a copy with a lesion and its mask, and return its row of the table."""
    scan: Any = nibabel.load(path)  # nibabel has no types
    volume = np.asanyarray(scan.dataobj)
    drawn, mask = with_lesion(volume, kind, pixel_mm=float(scan.header.get_zooms()[0]), rng=rng)
    name = path.parent.name
    image, truth = f"test/{name}-{kind}.nii.gz", f"masks/{name}-{kind}.nii.gz"
    for place, voxels in ((image, drawn), (truth, mask)):
        nibabel.Nifti1Image(voxels, scan.affine).to_filename(out / place)
    return image, name, "test", "anomalous", truth


def _ellipsoid(shape: tuple[int, ...], centre: tuple[float, ...], radii: tuple[float, ...]) -> np.ndarray:
    """1 inside, falling to 0 at the surface over the outermost part of the radius."""
    places = zip(np.indices(shape), centre, radii, strict=True)
    distance = np.sqrt(sum(((index - middle) / radius) ** 2 for index, middle, radius in places))
    return np.asarray(np.clip((1 - distance) / EDGE, 0, 1), np.float32)


if __name__ == "__main__":
    typer.run(run)
