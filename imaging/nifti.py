"""NIfTI volumes in, turned to the nearest LPS axes, and maps and images out on the source's own grid.

Source: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h; headers are parsed by nibabel.
"""

import gzip
import io
import math
from dataclasses import dataclass
from typing import Any, BinaryIO

import nibabel
import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.orientations import io_orientation

from imaging.errors import ImageTooLargeError, UnreadableImageError, UnsupportedImageError
from imaging.finite import fill_gaps, gap_warning
from imaging.foreign_errors import translated
from imaging.header import Header
from imaging.image import Image, Source, SourceGrid
from imaging.inflate import GZIP, inflate_start
from imaging.kinds import Buffer, detect_kind
from imaging.limits import Limits
from imaging.luma import luma
from imaging.plausible import check_affine

HEADER_BYTES = 540  # of NIfTI-2, the longer one
_LONGEST_SIDE = 32767  # that NIfTI-1 can write down
_DAMAGED = "the NIfTI header is damaged or truncated; send the file again"
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_KINDS_OF_NUMBER = "iuf"
# nibabel has no types.
_NIFTI_1: Any = nibabel.Nifti1Image
_NIFTI_2: Any = nibabel.Nifti2Image
_ORIENTATION: Any = io_orientation


@dataclass(frozen=True)
class _Layout:
    """Where the first volume lies and what its numbers mean; `shape` is the source's own (x, y, z)."""

    shape: tuple[int, int, int]
    volume_count: int
    dtype: np.dtype
    start: int
    slope: float
    intercept: float
    affine: np.ndarray  # (4, 4), to RAS
    has_orientation: bool

    @property
    def volume_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def total_bytes(self) -> int:
        return self.volume_bytes * self.volume_count


def read_nifti(content: Buffer, *, limits: Limits) -> Image:
    """Read the first volume; one a single voxel thick becomes a 2-D image.

    Raises:
        UnreadableImageError: the header is damaged, or there are fewer bytes than it asks for.
        UnsupportedImageError: the voxels are complex or of another type that is no picture.
        ImageTooLargeError: the header asks for more than `limits` allow.
    """
    layout = _layout(content, limits=limits)
    grid = _grid(layout, limits=limits)
    values, gaps = fill_gaps(_values(content, layout))
    pixels = _turned(values, grid)  # (D, H, W)
    return Image(
        pixels=pixels if len(pixels) == 1 else pixels[None],
        affine=_affine(grid),
        geometry="patient",
        source=Source(format="nifti"),
        grid=grid,
        warnings=(*_warnings(layout), *((gap_warning(gaps),) if gaps else ())),
    )


def inspect_nifti(content: Buffer, *, limits: Limits) -> Header:
    """What `read_nifti` would return, from the header alone."""
    grid = _grid(_layout(content, limits=limits), limits=limits)
    columns, rows, slices = (grid.shape[grid.axes.index(axis)] for axis in range(3))
    return Header(format="nifti", modality=None, body_part=None, rows=rows, columns=columns, slices=slices)


def voxel_bytes(content: Buffer, *, limits: Limits) -> range:
    """Where the voxels of all volumes lie in an unpacked file, as read from its header.

    Raises:
        ImagingError: As `read_nifti`.
    """
    layout = _layout(content, limits=limits)
    return range(layout.start, layout.start + layout.total_bytes)


def write_nifti(volume: np.ndarray, grid: SourceGrid, *, level: int = 9) -> bytes:
    """A map `(D, H, W)` or `(H, W)` as float32 `.nii.gz` on the source's own grid, packed at gzip's `level`.

    The same map gives the same bytes. A side of more than 32,767 voxels makes it a NIfTI-2. A sheared grid
    (a tilted gantry) fits the sform only, so that the qform is then left out.
    """
    nifti = _nifti(volume if volume.ndim == 3 else volume[None], grid, np.float32)
    return gzip.compress(nifti.to_bytes(), level, mtime=0)


def write_image(image: Image, file: BinaryIO) -> None:
    """The first channel's rescaled values as `.nii.gz` on the source's own grid.

    int16 where all values are whole and fit, float32 else. It is packed fast, for whoever is waiting.
    """
    volume = image.slices[:, 0]  # (D, H, W)
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, mtime=0) as packed:
        _nifti(volume, image.grid, np.int16 if _fits_int16(volume) else np.float32).to_stream(packed)


def _nifti(volume: np.ndarray, grid: SourceGrid, dtype: type[np.generic]) -> Any:
    """A volume `(D, H, W)` on the grid, not yet packed."""
    source_order = grid.lay_back(volume).astype(dtype, copy=False)
    if source_order.shape != grid.shape:
        raise ValueError(f"the map has {source_order.shape} voxels in the source's order, not {grid.shape}")
    kind = _NIFTI_1 if max(grid.shape) <= _LONGEST_SIDE else _NIFTI_2
    nifti = kind(source_order, grid.affine)
    nifti.header.set_xyzt_units("mm")
    nifti.set_sform(grid.affine, code="scanner")
    if _is_orthogonal(grid.affine):
        nifti.set_qform(grid.affine, code="scanner")
    else:
        nifti.set_qform(None)
    return nifti


def _fits_int16(volume: np.ndarray) -> bool:
    known = np.iinfo(np.int16)
    if volume.min() < known.min or volume.max() > known.max:
        return False
    # Slice by slice: the first of most float volumes tells.
    return all(bool((plane == np.rint(plane)).all()) for plane in volume)


def _is_orthogonal(affine: np.ndarray) -> bool:
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(directions.T @ directions - np.eye(3)).max() < 1e-4)


def _layout(content: Buffer, *, limits: Limits) -> _Layout:
    is_packed = detect_kind(content) == "gzip"
    head = inflate_start(content, HEADER_BYTES, wbits=GZIP) if is_packed else bytes(content[:HEADER_BYTES])
    with translated(_DAMAGED):
        layout = _parse(head)
    _check_type(layout.dtype)
    budget = limits.expanded_bytes(len(content)) if is_packed else limits.max_decoded_bytes
    needed = max(layout.start + layout.volume_bytes, 4 * math.prod(layout.shape))
    if needed > budget:
        raise ImageTooLargeError(
            f"the NIfTI header asks for {needed:,} bytes, more than {budget:,}; send a smaller volume"
        )
    if not is_packed and layout.start + layout.total_bytes > len(content):
        raise _truncated(len(content), layout.start + layout.total_bytes)
    return layout


def _parse(head: bytes) -> _Layout:
    sizes = (int.from_bytes(head[:4], order) for order in ("little", "big"))
    kind: Any = Nifti2Header if HEADER_BYTES in sizes else Nifti1Header
    header = kind.from_fileobj(io.BytesIO(head), check=False)
    shape = header.get_data_shape()
    slope, intercept = header.get_slope_inter()
    affine = np.asarray(header.get_best_affine(), np.float64)
    start = int(header.get_data_offset())
    spatial = (*shape, 1, 1, 1)[:3]
    is_sound = 0 < len(shape) <= 7 and min(shape) > 0 and start >= header.sizeof_hdr
    if not is_sound or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-12:
        raise ValueError
    check_affine(affine)
    return _Layout(
        shape=(int(spatial[0]), int(spatial[1]), int(spatial[2])),
        volume_count=math.prod(int(n) for n in shape[3:]),
        dtype=header.get_data_dtype(),
        start=start,
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
        affine=affine,
        has_orientation=bool(header["sform_code"] > 0 or header["qform_code"] > 0),
    )


def _check_type(dtype: np.dtype) -> None:
    is_number = dtype.kind in _KINDS_OF_NUMBER and dtype.itemsize <= 8
    if not is_number and dtype.names is None:
        raise UnsupportedImageError(
            f"NIfTI voxels of type {dtype.name} are no picture; send integers or floats"
        )


def _truncated(received: int, needed: int) -> UnreadableImageError:
    return UnreadableImageError(
        f"the NIfTI file is truncated: {received:,} of {needed:,} bytes arrived; send the file again"
    )


def _values(content: Buffer, layout: _Layout) -> np.ndarray:
    """The first volume, float32, in the source's order `(x, y, z)`."""
    end = layout.start + layout.volume_bytes
    is_packed = detect_kind(content) == "gzip"
    unpacked = inflate_start(content, end, wbits=GZIP) if is_packed else memoryview(content)[:end]
    if len(unpacked) < end:
        raise _truncated(len(unpacked), end)
    voxels = np.frombuffer(unpacked, layout.dtype, offset=layout.start).reshape(layout.shape, order="F")
    if voxels.dtype.names is not None:
        return luma(np.stack([voxels[channel] for channel in ("R", "G", "B")], axis=-1))
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows float32 is a gap, and is warned of
        if (layout.slope, layout.intercept) == (1.0, 0.0):
            return voxels.astype(np.float32)
        return (voxels * np.float64(layout.slope) + layout.intercept).astype(np.float32)


def _grid(layout: _Layout, *, limits: Limits) -> SourceGrid:
    turns = _ORIENTATION(_RAS_TO_LPS @ layout.affine)  # per source axis: the nearest LPS axis, and 1 or -1
    if np.isnan(turns).any():
        raise UnreadableImageError("the NIfTI affine is flat; correct the header and send the file again")
    axes = [int(axis) for axis in turns[:, 0]]
    flips = [bool(sign < 0) for sign in turns[:, 1]]
    if 1 in layout.shape and layout.shape[axes.index(2)] > 1:
        # One voxel thick, but not axial: the thin axis becomes the slice axis, so that the plane stays whole.
        thin = layout.shape.index(1)
        in_plane = sorted((n for n in range(3) if n != thin), key=lambda n: axes[n])
        axes = [2 if n == thin else in_plane.index(n) for n in range(3)]
    if (slices := layout.shape[axes.index(2)]) > limits.max_slices:
        raise ImageTooLargeError(
            f"the volume has {slices:,} slices, more than {limits.max_slices:,}; send fewer"
        )
    return SourceGrid(
        layout.shape, (axes[0], axes[1], axes[2]), (flips[0], flips[1], flips[2]), layout.affine
    )


def _turned(values: np.ndarray, grid: SourceGrid) -> np.ndarray:
    """The source's order to `(D, H, W)`, the inverse of `grid.lay_back`."""
    flipped = np.flip(values, tuple(axis for axis, flip in enumerate(grid.flips) if flip))
    return np.ascontiguousarray(flipped.transpose(np.argsort(grid.axes)).transpose(2, 1, 0))


def _affine(grid: SourceGrid) -> np.ndarray:
    """Our (column, row, slice) to LPS millimetres, through the source's own indices."""
    to_source = np.zeros((4, 4))
    to_source[3, 3] = 1
    for axis, (ours, flip) in enumerate(zip(grid.axes, grid.flips, strict=True)):
        to_source[axis, ours] = -1 if flip else 1
        to_source[axis, 3] = grid.shape[axis] - 1 if flip else 0
    affine: np.ndarray = _RAS_TO_LPS @ grid.affine @ to_source
    return affine


def _warnings(layout: _Layout) -> list[str]:
    found = []
    if layout.volume_count > 1:
        found.append(f"the file holds {layout.volume_count} volumes; the first is used")
    if not layout.has_orientation:
        found.append(
            "the header states no orientation (sform and qform codes are 0); left and right may be exchanged"
        )
    return found
