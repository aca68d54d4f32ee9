"""Volumes with a bright ball at a known place of the patient, scanned every which way."""

from collections.abc import Sequence

import numpy as np

from imaging.image import Image, Source, SourceGrid


def scan(
    affine: np.ndarray,
    shape: tuple[int, int, int],
    *,
    ball_mm: Sequence[float] | None = None,
    radius_mm: float = 9.0,
    modality: str | None = None,
) -> Image:
    """A volume `(D, H, W)` of zeros with a soft ball of 100 at an LPS point."""
    pixels = np.zeros(shape)
    if ball_mm is not None:
        distance = np.linalg.norm(places_of(affine, shape) - np.asarray(ball_mm), axis=-1)
        pixels = 100 * np.clip((radius_mm - distance) / 3 + 0.5, 0, 1)
    return image_of(pixels, affine, modality=modality)


def image_of(pixels: np.ndarray, affine: np.ndarray, *, modality: str | None = None) -> Image:
    depth, height, width = pixels.shape
    grid = SourceGrid.straight((width, height, depth), affine)
    source = Source("nifti")
    return Image(pixels[None].astype(np.float32), affine, "patient", source, grid, modality=modality)


def places_of(affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """LPS millimetres of every voxel, `(D, H, W, 3)`."""
    depth, height, width = np.meshgrid(*(np.arange(count) for count in shape), indexing="ij")
    indices = np.stack([width, height, depth, np.ones(shape)], axis=-1)
    return np.asarray((indices @ affine.T)[..., :3])


def centre_of(values: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """The LPS point that the values `(D, H, W)` weigh most around."""
    return np.asarray(
        np.average(places_of(affine, values.shape).reshape(-1, 3), axis=0, weights=values.ravel())
    )


def centred(directions: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The affine whose columns, rows and slices run along `directions` `(3, 3)`, around the origin."""
    depth, height, width = shape
    affine = np.eye(4)
    affine[:3, :3] = directions
    affine[:3, 3] = -directions @ (np.array([width, height, depth]) - 1) / 2
    return affine
