"""All of scoring but the graph: an image to the network's input, and the network's output to a result.

Apart from the session, so that a server can do both in other processes than the one that runs the graph.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from imaging.image import Image
from inference import calibration
from inference.bundle import Bundle
from inference.errors import OutOfScopeError
from inference.findings import Finding, find_regions
from inference.lattice import Lattice
from inference.map_planes import MapPlanes
from inference.preprocess import PreparedSlice, prepare_view
from inference.reconstruction import Reconstruction
from inference.scope import departures_of_header, departures_of_pixels
from inference.session import GraphOutput
from inference.steps import neighbours
from inference.view import view_of
from inference.volume_score import volume_score

ScopePolicy = Literal["enforce", "warn"]
"""What to do with an image outside the bundle's scope: refuse it, or score it and say so."""

# What a warning begins with that takes a score its meaning.
OUT_OF_SCOPE = "out of scope: "

# A region of fewer pixels of the network's own map is a speck.
MIN_REGION_OF_MAP = 4


@dataclass(frozen=True)
class PreparedImage:
    """An image as the network takes it, with the way back.

    `lattice` says how the slices lie in the image; None where they are its own. `shown` is the channel to
    look at: the first contrast, of the slice itself where its neighbours are channels too.
    """

    slices: tuple[PreparedSlice, ...]
    warnings: tuple[str, ...]
    lattice: Lattice | None = None
    shown: int = 0

    @property
    def batch(self) -> np.ndarray:
        """`(D, C, h, w)` float32, one row a slice."""
        return np.stack([part.pixels for part in self.slices])


@dataclass(frozen=True)
class ImageResult:
    """A scored image. `score` is raw (higher is more anomalous) and no probability."""

    score: float
    percentile: float  # 0 to 100, among held-out normals
    p_value: float
    decisions: dict[str, bool | None]  # by operating point; None where it has no threshold
    pred_label: bool | None  # the decision at the default operating point
    slice_scores: tuple[float, ...]  # of the slices that the network saw
    scores_by_slice: dict[int, float]  # of the image's own slices; empty where others were cut through it
    anomaly_map: np.ndarray  # (D, H, W) float32, on the image's voxels
    map_planes: MapPlanes  # the same before it was enlarged to them
    map_threshold: float
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    reconstruction: Reconstruction | None = None

    @property
    def worst_slice(self) -> int:
        """The image's slice that scores highest, or holds the map's peak where its own have no scores."""
        if self.scores_by_slice:
            return max(self.scores_by_slice, key=self.scores_by_slice.__getitem__)
        return int(self.anomaly_map.max(axis=(1, 2)).argmax())

    @property
    def full_colour(self) -> float:
        """The map's value at a heatmap's last colour: the threshold lies in the middle of the scale."""
        peak = float(self.anomaly_map.max())
        return 2 * self.map_threshold if self.map_threshold > 0 else max(peak, 1e-6)

    @property
    def pred_mask(self) -> np.ndarray:
        """The region above the map's threshold, `(D, H, W)` bool."""
        return self.anomaly_map > self.map_threshold


def prepare(
    bundle: Bundle,
    image: Image,
    *,
    scope: ScopePolicy = "enforce",
) -> PreparedImage:
    """Preprocess every slice and compare the image with the bundle's scope.

    Raises:
        OutOfScopeError: It is out of scope, or has other channels, and the policy is to enforce.
    """
    manifest = bundle.manifest
    _check_channels(bundle, image)
    view = view_of(image, manifest.preprocessing)
    slices = tuple(prepare_view(view, image, manifest.preprocessing))
    departures = departures_of_header(
        manifest.scope, modality=image.modality, body_part=image.body_part, spacing=image.spacing
    )
    departures += departures_of_pixels(manifest.scope, [part.pixels for part in slices])
    if departures and scope == "enforce":
        raise OutOfScopeError(
            f"out of scope for {bundle.reference}: {'; '.join(departures)}; scope=warn scores it all the same"
        )
    warnings = [f"{OUT_OF_SCOPE}{departure}" for departure in departures]
    if manifest.scope.modalities and image.modality is None:
        warnings.append(
            f"the file does not say its modality; the model is for {', '.join(manifest.scope.modalities)}"
        )
    warnings += _resampling(image, view.lattice)
    before, _after = neighbours(manifest.preprocessing)
    # The contrasts of a slice lie together.
    shown = before * len(slices[0].vois)
    return PreparedImage(slices, (*image.warnings, *warnings), view.lattice, shown)


def finish(bundle: Bundle, image: Image, prepared: PreparedImage, output: GraphOutput) -> ImageResult:
    """Make the calibrated result of what the graph said of the image's slices."""
    manifest = bundle.manifest
    score = volume_score(output.score, manifest.volume_score)
    map_planes = MapPlanes.of(output.anomaly_map, prepared.slices, prepared.lattice)
    anomaly_map = map_planes.whole()
    known = manifest.calibration
    decisions = calibration.decide(score, manifest.operating_points)
    return ImageResult(
        score=score,
        percentile=calibration.percentile(score, known.scores),
        p_value=calibration.p_value(score, known.scores),
        decisions=decisions,
        pred_label=decisions[manifest.default_operating_point],
        slice_scores=tuple(float(value) for value in output.score),
        scores_by_slice=_by_slice(output.score, prepared.lattice),
        anomaly_map=anomaly_map,
        map_planes=map_planes,
        map_threshold=known.map_threshold,
        findings=tuple(
            find_regions(
                anomaly_map,
                threshold=known.map_threshold,
                affine=None if image.geometry == "none" else image.affine,
                min_voxels=_voxels_of(MIN_REGION_OF_MAP, prepared),
            )
        ),
        warnings=prepared.warnings,
        reconstruction=_reconstruction_of(prepared, output),
    )


def _resampling(image: Image, lattice: Lattice | None) -> list[str]:
    """What is to be said where the network's voxels have another size than the image's."""
    if lattice is None or image.spacing is None:
        return []
    sizes = image.spacing[::-1]  # depth, height, width
    own = [sizes[axis.source] for axis in lattice.axes]
    seen = [abs(axis.step) * size for axis, size in zip(lattice.axes, own, strict=True)]
    if np.allclose(seen, own, rtol=0.01):
        return []
    ours, theirs = (" x ".join(f"{size:.3g}" for size in voxel) for voxel in (seen, own))
    return [f"resampled: the model looks at voxels of {ours} mm, those of the image are {theirs} mm"]


def _check_channels(bundle: Bundle, image: Image) -> None:
    manifest, found = bundle.manifest, image.pixels.shape[0]
    if found != manifest.image_channels:
        raise OutOfScopeError(
            f"the image has {found} channels, {bundle.reference} takes {manifest.image_channels}"
        )
    names = tuple(contrast.name for contrast in image.contrasts)
    if manifest.has_contrasts and names != manifest.contrasts:
        raise OutOfScopeError(
            f"the image has the contrasts {', '.join(names) or 'that nobody has named'}, "
            f"{bundle.reference} takes {', '.join(manifest.contrasts)}, in this order"
        )


def _reconstruction_of(prepared: PreparedImage, output: GraphOutput) -> Reconstruction | None:
    made = output.made(prepared.shown)
    if made is None:
        return None
    return Reconstruction(np.stack([part.pixels[prepared.shown] for part in prepared.slices]), made)


def _by_slice(scores: np.ndarray, lattice: Lattice | None) -> dict[int, float]:
    """The score of each of the image's slices: that of the scored one nearest to it, if one is near.

    Where several scored slices lie nearest to one of the image's, it has the highest of theirs.
    """
    if lattice is None:
        return {index: float(score) for index, score in enumerate(scores)}
    nearest = lattice.slices_of_source()
    if nearest is None:
        return {}
    found = {index: float(scores[place]) for index, place in enumerate(nearest) if place >= 0}
    axis = lattice.axes[0]
    for number, score in enumerate(scores):
        index = round(axis.start + number * axis.step)
        if index in found:
            found[index] = max(found[index], float(score))
    return found


def _voxels_of(map_pixels: int, prepared: PreparedImage) -> int:
    """How many of the image's voxels so many pixels of the network's map cover."""
    part = prepared.slices[0]
    _top, _left, height, width = part.box
    _channels, rows, columns = part.pixels.shape
    seen = map_pixels * height * width / (rows * columns)
    voxels: int = max(1, round(seen * (prepared.lattice.source_voxels if prepared.lattice else 1)))
    return voxels
