"""From an image to a calibrated score and an anomaly map on the image's own voxels.

`prepare`, a session's `run` and `finish` are separate so that a server can batch the slices of many images
in front of one session; `predict` is all three for one image.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from imaging.image import Image
from inference import calibration
from inference.bundle import MODEL, Bundle, check_parity
from inference.errors import OutOfScopeError
from inference.findings import Finding, find_regions
from inference.preprocess import PreparedSlice, prepare_image, restore_map
from inference.scope import departures_of_header, departures_of_pixels
from inference.session import GraphOutput, Session

ScopePolicy = Literal["enforce", "warn"]
"""What to do with an image outside the bundle's scope: refuse it, or score it and say so."""

# Slices that go through the graph at once.
MAX_BATCH = 16
# A region of fewer pixels of the network's own map is a speck.
MIN_REGION_OF_MAP = 4


@dataclass(frozen=True)
class PreparedImage:
    """An image as the network takes it, with the way back."""

    slices: tuple[PreparedSlice, ...]
    warnings: tuple[str, ...]

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
    slice_scores: tuple[float, ...]
    anomaly_map: np.ndarray  # (D, H, W) float32, on the image's voxels
    map_threshold: float
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]

    @property
    def pred_mask(self) -> np.ndarray:
        """The region above the map's threshold, `(D, H, W)` bool."""
        return self.anomaly_map > self.map_threshold


class Predictor:
    """One bundle, ready to score; the same in training's evaluation and in the service."""

    def __init__(self, bundle: Bundle, session: Session, *, max_batch: int = MAX_BATCH) -> None:
        self.bundle = bundle
        self.session = session
        self._max_batch = max_batch

    @classmethod
    def load(
        cls,
        bundle: Bundle,
        *,
        providers: tuple[str, ...] = ("CPUExecutionProvider",),
        threads: int = 0,
        max_batch: int = MAX_BATCH,
    ) -> "Predictor":
        """Start a session for the bundle and hold it against the bundle's parity file.

        Raises:
            BundleError: The graph cannot be loaded, or computes something else here.
        """
        session = Session(
            bundle.folder / MODEL,
            optimization_level=bundle.manifest.graph_optimization_level,
            providers=providers,
            threads=threads,
        )
        check_parity(bundle, session)
        return cls(bundle, session, max_batch=max_batch)

    def prepare(
        self,
        image: Image,
        *,
        scope: ScopePolicy = "enforce",
        progress: Callable[[float], None] | None = None,
    ) -> PreparedImage:
        """Preprocess every slice and compare the image with the bundle's scope.

        `progress` is told the share done, 0 to 1, after each slice; it may raise to stop.

        Raises:
            OutOfScopeError: It is out of scope, or has other channels, and the policy is to enforce.
        """
        manifest = self.bundle.manifest
        self._check_channels(image)
        slices = []
        for part in prepare_image(image, manifest.preprocessing):
            slices.append(part)
            if progress is not None:
                progress(len(slices) / len(image.slices))
        departures = departures_of_header(
            manifest.scope, modality=image.modality, body_part=image.body_part, spacing=image.spacing
        )
        departures += departures_of_pixels(manifest.scope, [part.pixels for part in slices])
        if departures and scope == "enforce":
            raise OutOfScopeError(
                f"out of scope for {self.bundle.reference}: {'; '.join(departures)}; "
                f"scope=warn scores it all the same"
            )
        warnings = [f"out of scope: {departure}" for departure in departures]
        if manifest.scope.modalities and image.modality is None:
            warnings.append(
                f"the file does not say its modality; the model is for {', '.join(manifest.scope.modalities)}"
            )
        return PreparedImage(tuple(slices), (*image.warnings, *warnings))

    def _check_channels(self, image: Image) -> None:
        manifest, found = self.bundle.manifest, image.pixels.shape[0]
        if found != manifest.image_channels:
            raise OutOfScopeError(
                f"the image has {found} channels, {self.bundle.reference} takes {manifest.image_channels}"
            )
        names = tuple(contrast.name for contrast in image.contrasts)
        if manifest.has_contrasts and names != manifest.contrasts:
            raise OutOfScopeError(
                f"the image has the contrasts {', '.join(names) or 'that nobody has named'}, "
                f"{self.bundle.reference} takes {', '.join(manifest.contrasts)}, in this order"
            )

    def run(self, prepared: PreparedImage, *, progress: Callable[[float], None] | None = None) -> GraphOutput:
        """Run the graph over an image's slices; `progress` is told the share done, 0 to 1."""
        batch, parts = prepared.batch, []
        for start in range(0, len(batch), self._max_batch):
            parts.append(self.session.run(batch[start : start + self._max_batch]))
            if progress is not None:
                progress(min(start + self._max_batch, len(batch)) / len(batch))
        return GraphOutput.join(parts)

    def finish(self, image: Image, prepared: PreparedImage, output: GraphOutput) -> ImageResult:
        """Make the calibrated result of what the graph said of the image's slices."""
        manifest = self.bundle.manifest
        score = float(output.score.max() if manifest.volume_score == "max" else output.score.mean())
        anomaly_map = np.stack(
            [
                restore_map(plane, part)
                for plane, part in zip(output.anomaly_map, prepared.slices, strict=True)
            ]
        )
        known = manifest.calibration
        decisions = calibration.decide(score, manifest.operating_points)
        return ImageResult(
            score=score,
            percentile=calibration.percentile(score, known.scores),
            p_value=calibration.p_value(score, known.scores),
            decisions=decisions,
            pred_label=decisions[manifest.default_operating_point],
            slice_scores=tuple(float(value) for value in output.score),
            anomaly_map=anomaly_map,
            map_threshold=known.map_threshold,
            findings=tuple(
                find_regions(
                    anomaly_map,
                    threshold=known.map_threshold,
                    affine=None if image.geometry == "none" else image.affine,
                    min_voxels=_voxels_of(MIN_REGION_OF_MAP, prepared.slices[0]),
                )
            ),
            warnings=prepared.warnings,
        )

    def predict(
        self,
        image: Image,
        *,
        scope: ScopePolicy = "enforce",
        progress: Callable[[float], None] | None = None,
    ) -> ImageResult:
        """Score one image.

        Raises:
            OutOfScopeError: See `prepare`.
        """
        prepared = self.prepare(image, scope=scope)
        return self.finish(image, prepared, self.run(prepared, progress=progress))


def _voxels_of(map_pixels: int, part: PreparedSlice) -> int:
    """How many source pixels so many pixels of the network's map cover."""
    _top, _left, height, width = part.box
    _channels, rows, columns = part.pixels.shape
    voxels: int = max(1, round(map_pixels * height * width / (rows * columns)))
    return voxels
