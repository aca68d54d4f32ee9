"""A bundle on disk: its manifest, checked against its files and against its own parity file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
from pydantic import ValidationError

from inference.errors import BundleError
from inference.manifest import Manifest
from inference.session import Session

MANIFEST = "manifest.json"
MODEL = "model.onnx"
TORCHSCRIPT = "model.ts"
PARITY = "parity.npz"
CARD = "card.md"

# Another device or processor may round otherwise, but no further than this share of the largest value.
PARITY_TOLERANCE = 1e-3
# The parity file's images are not those that a smaller graph was measured on.
SMALLER_TOLERANCE = 2.0

Variant = Literal["whole", "fp16", "int8"]
"""Which graph of a bundle is run: the one that was trained, or a smaller one made of it."""


@dataclass(frozen=True)
class Bundle:
    """`digest` is the sha256 of the manifest, which itself holds that of every other file."""

    folder: Path
    manifest: Manifest
    digest: str

    @property
    def reference(self) -> str:
        """`name@version`, how people call it."""
        return f"{self.manifest.name}@{self.manifest.version}"

    def nearest(self, variant: Variant) -> Variant:
        """The variant, or the whole graph where the bundle has no such one."""
        return variant if variant in self.manifest.smaller_graphs else "whole"

    def graph(self, variant: Variant) -> Path:
        """The file of a variant that the bundle has."""
        if variant == "whole":
            return self.folder / MODEL
        return self.folder / self.manifest.smaller_graphs[variant].file

    def tolerance(self, variant: Variant) -> float:
        """How far a variant may be off the parity file: as far as was measured where it was made, twice."""
        if variant == "whole":
            return PARITY_TOLERANCE
        measured = self.manifest.smaller_graphs[variant]
        off = max(measured.largest_score_difference, measured.largest_map_difference)
        return max(PARITY_TOLERANCE, SMALLER_TOLERANCE * off)


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and check every file's sha256.

    Raises:
        BundleError: The manifest is missing, of another schema, or a file is missing, altered or extra.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"{folder.name} has no {MANIFEST}: it is no bundle")
    text = path.read_bytes()
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{folder.name}/{MANIFEST} is not valid at {where}: {first['msg']}") from error
    _check_files(folder, manifest)
    return Bundle(folder, manifest, hashlib.sha256(text).hexdigest())


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def largest_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest absolute difference, relative to the largest absolute value of `theirs`.

    Infinite where either holds a value that is not finite: comparisons with nan would let it pass.
    """
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return float("inf")
    scale = max(float(np.abs(theirs).max()), float(np.finfo(np.float32).tiny))
    return float(np.abs(np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)).max()) / scale


def check_parity(bundle: Bundle, session: Session, *, tolerance: float = PARITY_TOLERANCE) -> float:
    """Run the parity file's images and return the largest relative difference to its outputs.

    Raises:
        BundleError: The difference is above `tolerance`: this device does not compute what was trained.
    """
    image, score, anomaly_map = _parity_arrays(bundle)
    output = session.run(image)
    difference = max(
        largest_difference(output.score, score), largest_difference(output.anomaly_map, anomaly_map)
    )
    if not difference <= tolerance:
        raise BundleError(
            f"{bundle.reference} does not reproduce its parity file on {session.providers[0]}: "
            f"off by {difference:.2g} of the largest value, {tolerance:g} allowed"
        )
    return difference


def _parity_arrays(bundle: Bundle) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    try:
        with np.load(bundle.folder / PARITY, allow_pickle=False) as parity:
            return parity["image"], parity["score"], parity["anomaly_map"]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise BundleError(f"{bundle.reference} has a {PARITY} that cannot be read: {error}") from error


def _check_files(folder: Path, manifest: Manifest) -> None:
    found = {path.name for path in folder.iterdir()} - {MANIFEST}
    if missing := sorted({MODEL, PARITY, CARD, *manifest.files} - found):
        raise BundleError(f"{folder.name} lacks {', '.join(missing)}")
    # A file that the manifest does not know could be external data that replaces the graph's weights.
    if extra := sorted(found - set(manifest.files)):
        raise BundleError(f"{folder.name} holds files that its manifest does not list: {', '.join(extra)}")
    for name, digest in manifest.files.items():
        if sha256_of(folder / name) != digest:
            raise BundleError(f"{folder.name}/{name} was altered: its sha256 is not the manifest's")
