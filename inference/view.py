"""From an image to the slices that a bundle looks at: its plane, its spacing, its region, its slab.

Training and the service call this same code, and `View.lattice` is the way back for the anomaly map.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np

from imaging.image import Image
from inference import steps
from inference.errors import OutOfScopeError
from inference.kernels import along, weights
from inference.lattice import Lattice
from inference.region import find_region

# Two gigabytes of float32, four times a CT of 512 x 512 x 500.
MAX_VOXELS = 512 * 1024 * 1024

# The patient's axis (0 to 2 for left, back, head) of depth, height and width, and whether it runs backwards.
PLANES = {
    "axial": ((2, 1, 0), (False, False, False)),
    "coronal": ((1, 2, 0), (False, True, False)),
    "sagittal": ((0, 2, 1), (False, True, False)),
}


@dataclass(frozen=True)
class View:
    """A volume as a bundle wants to see it; `chosen` are the slices that it scores.

    `lattice` says how those lie in the image; None where they are its own slices, all of them.
    """

    pixels: np.ndarray  # (C, D, H, W)
    chosen: range
    mask: np.ndarray | None = None  # (D, H, W) bool
    lattice: Lattice | None = None


@dataclass(frozen=True)
class _Draft:
    pixels: np.ndarray  # (C, D, H, W)
    affine: np.ndarray  # (4, 4): (depth, height, width) to LPS millimetres
    lattice: Lattice
    chosen: range
    mask: np.ndarray | None = None

    @property
    def spacing(self) -> np.ndarray:
        """Millimetres along depth, height and width."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))


def view_of(image: Image, chain: Sequence[steps.Step]) -> View:
    """Run the steps of whole volumes.

    Raises:
        OutOfScopeError: The image has no such plane, spacing, region or slab.
    """
    asked = steps.volume_steps(chain)
    pixels = image.pixels if image.is_volume else image.pixels[:, None]
    depth, height, width = pixels.shape[1:]
    whole = range(depth)
    if not asked:
        return View(pixels, whole)
    if image.geometry == "none" and any(_needs_millimetres(step) for step in asked):
        raise OutOfScopeError(
            "the file does not say how large its pixels are and how they lie, which the model must know; "
            "send it as DICOM or NIfTI"
        )
    draft = _Draft(pixels, image.affine[:, [2, 1, 0, 3]], Lattice.of((depth, height, width)), whole)
    for step in asked:
        draft = _APPLY[type(step)](draft, step)
    return View(draft.pixels, draft.chosen, draft.mask, draft.lattice.sliced(draft.chosen))


def _needs_millimetres(step: steps.VolumeStep) -> bool:
    return not (isinstance(step, steps.Mask) or (isinstance(step, steps.Slab) and step.unit == "fraction"))


def _reorient(draft: _Draft, step: steps.Reorient) -> _Draft:
    wanted, backwards = PLANES[step.plane]
    nearest = _nearest_axes(draft.affine)  # by the patient's axis: ours, and its sign
    order = tuple(nearest[axis][0] for axis in wanted)
    if draft.pixels.shape[1] == 1 and order[0] != 0:
        raise OutOfScopeError(f"the image is a single slice, and not {step.plane}; send the whole series")
    flips = tuple(
        (nearest[axis][1] < 0) != backward for axis, backward in zip(wanted, backwards, strict=True)
    )
    lattice = draft.lattice.turned((order[0], order[1], order[2]), (flips[0], flips[1], flips[2]))
    turned = draft.pixels.transpose(0, *(1 + axis for axis in order))
    turned = np.flip(turned, tuple(1 + axis for axis, flip in enumerate(flips) if flip))
    return replace(
        draft,
        pixels=turned,
        affine=_turned_affine(draft, lattice),
        lattice=lattice,
        chosen=range(turned.shape[1]),
    )


def _nearest_axes(affine: np.ndarray) -> list[tuple[int, int]]:
    """For each of the patient's axes the volume's that lies nearest, each once, and 1 or -1."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    best = max(permutations(range(3)), key=lambda order: sum(abs(directions[range(3), order])))
    return [(ours, 1 if directions[world, ours] >= 0 else -1) for world, ours in enumerate(best)]


def _turned_affine(draft: _Draft, lattice: Lattice) -> np.ndarray:
    """The affine of a lattice in the image's own indices, which the draft still has."""
    affine = np.eye(4)
    affine[:3, 3] = draft.affine[:3, 3]
    for number, axis in enumerate(lattice.axes):
        affine[:3, number] = draft.affine[:3, axis.source] * axis.step
        affine[:3, 3] += draft.affine[:3, axis.source] * axis.start
    return affine


def _resample(draft: _Draft, step: steps.Resample) -> _Draft:
    wanted = [step.between_mm, step.in_plane_mm, step.in_plane_mm]
    if draft.pixels.shape[1] == 1:
        wanted[0] = None
    factors = [
        1.0 if value is None else float(value / spacing)
        for value, spacing in zip(wanted, draft.spacing, strict=True)
    ]
    changed = [axis for axis in range(3) if abs(factors[axis] - 1) > 1e-4]
    lattice, affine = draft.lattice, draft.affine.copy()
    for axis in changed:
        lattice = lattice.coarsened(axis, factors[axis])
        shift = (draft.pixels.shape[1 + axis] - 1 - factors[axis] * (lattice.shape[axis] - 1)) / 2
        affine[:3, 3] += affine[:3, axis] * shift
        affine[:3, axis] *= factors[axis]
    if (voxels := float(np.prod(lattice.shape, dtype=float)) * len(draft.pixels)) > MAX_VOXELS:
        raise OutOfScopeError(
            f"at the model's spacing the volume would have {voxels:,.0f} voxels, more than {MAX_VOXELS:,}; "
            f"send a part of it"
        )
    # What gets smaller first: the volume in between stays as small as it can.
    order = sorted(changed, key=lambda axis: -factors[axis])
    pixels = np.stack([_read(volume, order, lattice, step, factors) for volume in draft.pixels])
    return replace(draft, pixels=pixels, affine=affine, lattice=lattice, chosen=range(lattice.shape[0]))


def _read(
    volume: np.ndarray, order: Sequence[int], lattice: Lattice, step: steps.Resample, factors: Sequence[float]
) -> np.ndarray:
    for axis in order:
        count, asked = volume.shape[axis], lattice.shape[axis]
        places = (count - 1) / 2 + factors[axis] * (np.arange(asked) - (asked - 1) / 2)
        widening = max(1.0, factors[axis]) if step.antialias else 1.0
        matrix = weights(places, count, interpolation=step.interpolation, widening=widening)
        volume = along(volume, axis, matrix)
    return volume


def _mask(draft: _Draft, step: steps.Mask) -> _Draft:
    mean = draft.pixels[0] if len(draft.pixels) == 1 else draft.pixels.mean(axis=0)
    mask = find_region(mean, step.region, spacing=[float(value) for value in draft.spacing])
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    if not len(slices):
        raise OutOfScopeError(f"no {step.region} was found in the image")
    lowest = draft.pixels.min(axis=(1, 2, 3), keepdims=True)
    return replace(
        draft,
        pixels=np.where(mask, draft.pixels, lowest),
        mask=mask,
        chosen=range(int(slices[0]), int(slices[-1]) + 1),
    )


def _slab(draft: _Draft, step: steps.Slab) -> _Draft:
    low, high = sorted(_PLACES[step.unit](draft, step))
    inside = [index for index in draft.chosen if low - 1e-6 <= index <= high + 1e-6]
    if not inside:
        raise OutOfScopeError(
            f"the image has no slice in the slab that the model looks at ({step.start} to {step.stop}, "
            f"{step.unit})"
        )
    return replace(draft, chosen=range(inside[0], inside[-1] + 1, step.stride))


def _by_fraction(draft: _Draft, step: steps.Slab) -> tuple[float, float]:
    """Where the slab starts and stops, as indices of slices."""
    first, extent = draft.chosen[0] - 0.5, len(draft.chosen)
    stop = 1.0 if step.stop is None else step.stop
    return first + (step.start or 0.0) * extent, first + stop * extent


def _by_mm(draft: _Draft, step: steps.Slab) -> tuple[float, float]:
    def place(value: float) -> float:
        end = draft.chosen[-1] if value < 0 else draft.chosen[0]
        return end + value / float(draft.spacing[0])

    return place(step.start or 0.0), np.inf if step.stop is None else place(step.stop)


def _by_lps(draft: _Draft, step: steps.Slab) -> tuple[float, float]:
    """By the patient's axis that lies nearest to the slices' own, in the middle of the volume."""
    along_slices = draft.affine[:3, 0]
    axis = int(np.argmax(np.abs(along_slices)))
    height, width = (np.array(draft.pixels.shape[2:]) - 1) / 2
    first = float((draft.affine @ [0, height, width, 1])[axis])
    start = -np.inf if step.start is None else step.start
    stop = np.inf if step.stop is None else step.stop
    return (start - first) / float(along_slices[axis]), (stop - first) / float(along_slices[axis])


_PLACES: dict[str, Callable[[_Draft, steps.Slab], tuple[float, float]]] = {
    "fraction": _by_fraction,
    "mm": _by_mm,
    "lps_mm": _by_lps,
}

_APPLY: dict[type, Callable[[_Draft, Any], _Draft]] = {
    steps.Reorient: _reorient,
    steps.Resample: _resample,
    steps.Mask: _mask,
    steps.Slab: _slab,
}
