"""What the clients send: studies of any size, each another one."""

import io

import nibabel
import numpy as np
from PIL import Image
from scipy import ndimage

from benchmarks.serving.dicom import ENCODERS, x_ray


def volumes(count: int, *, side: int, depth: int, seed: int = 0) -> list[bytes]:
    """NIfTI volumes of int16, smooth as scans are, uncompressed."""
    rng = np.random.default_rng(seed)
    ground = ndimage.gaussian_filter(rng.random((side, side, depth)), 4)
    ground = 1000 * (ground - ground.min()) / (ground.max() - ground.min())
    shifts = rng.integers(0, side, count)
    return [
        nibabel.Nifti1Image(np.roll(ground, shift, 0).astype(np.int16) + number, np.eye(4)).to_bytes()
        for number, shift in enumerate(shifts)
    ]


def pictures(count: int, *, side: int, seed: int = 0) -> list[bytes]:
    """PNGs of one slice, 8 bits."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        smooth = ndimage.gaussian_filter(rng.random((side, side)), 4)
        grey = 255 * (smooth - smooth.min()) / (smooth.max() - smooth.min())
        out = io.BytesIO()
        Image.fromarray(grey.astype(np.uint8)).save(out, "PNG")
        found.append(out.getvalue())
    return found


def x_rays(count: int, *, side: int, seed: int = 0) -> list[bytes]:
    """DICOM radiographs of 12 bits, uncompressed; each has a few pixels of its own."""
    content = bytearray(ENCODERS["Explicit VR Little Endian"][1](x_ray(side, bits=12)))
    found = []
    for number in range(count):
        content[-8:] = (seed << 32 | number).to_bytes(8, "little")
        found.append(bytes(content))
    return found
