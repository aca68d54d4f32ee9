"""Frames to one stack: checked, sorted along the normal, and placed by one affine.

Source: PS3.3 C.7.6.2.1.1 (the affine), with positions rather than instance numbers as the truth. What is
odd but readable becomes a warning with its numbers; what forms no volume is an error.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imaging.dicom_elements import label, text
from imaging.dicom_file import DicomFile
from imaging.dicom_frames import Frame, frames_of
from imaging.errors import ImageTooLargeError, InconsistentSeriesError, UnreadableImageError
from imaging.image import Geometry
from imaging.limits import Limits
from imaging.plausible import check_affine, check_places

_SAME_POSITION_MM = 0.01
_SAME_DIRECTION = 1e-3  # of a cosine: a twentieth of a degree
_TILT_DEGREES = 0.5
_UNEVEN = 0.02  # of the usual step
_GAP = 1.5  # usual steps
_MOST_DIRECTIONS = 10  # that are told apart, for each frame is held against all of them


@dataclass(frozen=True)
class Stack:
    """Frames in slice order; `affine` maps (column, row, slice) to LPS millimetres as `geometry` says."""

    frames: tuple[Frame, ...]
    affine: np.ndarray  # (4, 4)
    geometry: Geometry
    warnings: tuple[str, ...]


def arrange(files: Sequence[DicomFile], *, limits: Limits) -> Stack:
    """Form one image of the instances.

    Raises:
        InconsistentSeriesError: several series, sizes or orientations, or several images without a position.
        ImageTooLargeError: together they are more than `limits` allow.
    """
    files, warnings = _without_repeats(files)
    _check_one("series", [text(file.header, "SeriesInstanceUID") for file in files])
    _check_one("image sizes", [(file.rows, file.columns) for file in files])
    frames = [frame for file in files for frame in frames_of(file)]
    check_places(value for frame in frames for value in frame.position or ())
    _check_budget(frames, limits=limits)
    if len(frames) == 1:
        return Stack((frames[0],), *_plane_affine(frames[0]), warnings)
    if any(frame.position is None or frame.orientation is None for frame in frames):
        return _unplaced(files, frames, warnings)
    _check_one("orientations", _direction_groups(frames))
    normal = _normal(frames[0])
    chosen, repeated = _one_per_position(frames, normal)
    return _placed(chosen, normal, (*warnings, *repeated))


def _without_repeats(files: Sequence[DicomFile]) -> tuple[list[DicomFile], tuple[str, ...]]:
    kept: dict[object, DicomFile] = {}
    for number, file in enumerate(files):
        kept.setdefault(text(file.header, "SOPInstanceUID") or number, file)
    if not (repeats := len(files) - len(kept)):
        return list(files), ()
    return list(kept.values()), (f"{repeats} of {len(files)} files repeat another instance and are left out",)


def _check_one(what: str, values: Sequence[object]) -> None:
    counts = Counter(values)
    if len(counts) > 1:
        shares = ", ".join(str(count) for count in sorted(counts.values(), reverse=True)[:5])
        more = ", …" if len(counts) > 5 else ""
        raise InconsistentSeriesError(
            f"the {len(values)} images are of {len(counts)} {what} ({shares}{more}); send those of one alone"
        )


def _check_budget(frames: list[Frame], *, limits: Limits) -> None:
    file = frames[0].file
    needed = 4 * file.rows * file.columns * len(frames)
    if needed > limits.max_decoded_bytes or len(frames) > limits.max_slices:
        raise ImageTooLargeError(
            f"the {len(frames):,} slices ask for {needed:,} bytes, more than {limits.max_slices:,} and"
            f" {limits.max_decoded_bytes:,}; send fewer"
        )


def _unplaced(files: Sequence[DicomFile], frames: list[Frame], warnings: tuple[str, ...]) -> Stack:
    if len(files) > 1:
        lacking = len({id(f.file) for f in frames if f.position is None or f.orientation is None})
        raise InconsistentSeriesError(
            f"{lacking} of the {len(files)} files have no {label('ImagePositionPatient')} or"
            f" {label('ImageOrientationPatient')}, so they form no volume; send each image alone"
        )
    warning = (
        f"the {len(frames)} frames have no position in the patient; they are stacked in the order of the file"
    )
    return Stack(tuple(frames), np.eye(4), "none", (*warnings, warning))


def _direction_groups(frames: list[Frame]) -> list[int]:
    """Which of the orientations met so far each frame has."""
    seen: list[np.ndarray] = []
    groups = []
    for frame in frames:
        direction = np.array(frame.orientation)
        same = [n for n, other in enumerate(seen) if np.abs(direction - other).max() < _SAME_DIRECTION]
        if not same and len(seen) < _MOST_DIRECTIONS:
            seen.append(direction)
        groups.append(same[0] if same else len(seen) - 1)
    return groups


def _normal(frame: Frame) -> np.ndarray:
    across, down = _axes(frame)
    normal: np.ndarray = np.cross(across, down)
    unit: np.ndarray = normal / np.linalg.norm(normal)
    return unit


def _axes(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors along a row and along a column."""
    axes = np.array(frame.orientation).reshape(2, 3)
    lengths = np.linalg.norm(axes, axis=1)
    if np.abs(lengths - 1).max() > 0.01 or abs(axes[0] @ axes[1]) > 0.01:
        raise UnreadableImageError(
            f"{label('ImageOrientationPatient')} is not two perpendicular unit vectors; correct the header"
        )
    return axes[0] / lengths[0], axes[1] / lengths[1]


def _one_per_position(frames: list[Frame], normal: np.ndarray) -> tuple[list[Frame], tuple[str, ...]]:
    """Sort along the normal; of several images at one place keep the first in time."""
    places = np.array([frame.position for frame in frames]) @ normal
    ranked = sorted(range(len(frames)), key=lambda n: places[n])
    groups: list[list[int]] = []
    for n in ranked:
        if groups and places[n] - places[groups[-1][0]] < _SAME_POSITION_MM:
            groups[-1].append(n)
        else:
            groups.append([n])
    chosen = [frames[min(group, key=lambda n: frames[n].order)] for group in groups]
    if len(groups) == len(frames):
        return chosen, ()
    sizes = sorted({len(group) for group in groups})
    each = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    warning = (
        f"there are {len(frames)} images at {len(groups)} positions ({each} at each);"
        " the first in time at each position is used"
    )
    return chosen, (warning,)


def _placed(frames: list[Frame], normal: np.ndarray, warnings: tuple[str, ...]) -> Stack:
    affine, geometry = _plane_affine(frames[0])
    if len(frames) == 1:
        return Stack((frames[0],), affine, geometry, warnings)
    positions = np.array([frame.position for frame in frames])
    step = (positions[-1] - positions[0]) / (len(frames) - 1)
    placed = affine.copy()
    placed[:3, 2] = step
    return Stack(tuple(frames), placed, geometry, (*warnings, *_oddities(positions, normal, step)))


def _oddities(positions: np.ndarray, normal: np.ndarray, step: np.ndarray) -> list[str]:
    """Gaps, uneven steps and a tilted gantry, in words."""
    distances = np.diff(positions @ normal)
    usual = float(np.median(distances))
    found = []
    gaps = distances[distances > _GAP * usual]
    if len(gaps):
        found.append(
            f"slices are missing: {len(gaps)} gaps, the widest {gaps.max():.2f} mm; {usual:.2f} mm is usual"
        )
    elif np.ptp(distances) > _UNEVEN * usual:
        found.append(
            f"the slices are unevenly spaced, {distances.min():.2f} to {distances.max():.2f} mm;"
            f" their mean of {distances.mean():.2f} mm is used"
        )
    tilt = math.degrees(math.acos(min(1.0, abs(float(step @ normal)) / float(np.linalg.norm(step)))))
    if tilt > _TILT_DEGREES:
        found.append(
            f"the gantry was tilted by {tilt:.1f} degrees: the volume is sheared, and its affine says so"
        )
    return found


def _plane_affine(frame: Frame) -> tuple[np.ndarray, Geometry]:
    """The affine of one plane; its third column is the slice's thickness, or 1 mm where it is not given."""
    affine = np.eye(4)
    if frame.spacing is None:
        return affine, "none"
    between_rows, between_columns = frame.spacing
    if frame.position is None or frame.orientation is None:
        affine[0, 0], affine[1, 1] = between_columns, between_rows
        check_affine(affine)
        return affine, "detector"
    across, down = _axes(frame)
    # PS3.3 C.7.6.2.1.1: columns are counted along a row, so they are `between_columns` apart.
    affine[:3, 0], affine[:3, 1] = across * between_columns, down * between_rows
    thickness = frame.thickness if frame.thickness and frame.thickness > 0 else 1.0
    affine[:3, 2] = np.cross(across, down) * thickness
    affine[:3, 3] = frame.position
    check_affine(affine)
    return affine, "patient"
