"""From an image to a calibrated score and an anomaly map on the image's own voxels."""

from collections.abc import Callable

from imaging.image import Image
from inference import scoring
from inference.bundle import Bundle, Variant, check_parity
from inference.placement import Placement
from inference.scoring import ImageResult, PreparedImage, ScopePolicy
from inference.session import GraphOutput, Session

# Slices that go through the graph at once.
MAX_BATCH = 16

_ANYWHERE = Placement()


class Predictor:
    """One bundle, ready to score; the same in training's evaluation and in the service."""

    def __init__(
        self, bundle: Bundle, session: Session, *, variant: Variant = "whole", max_batch: int = MAX_BATCH
    ) -> None:
        self.bundle = bundle
        self.session = session
        self.variant = variant
        self._max_batch = max_batch

    @classmethod
    def load(
        cls,
        bundle: Bundle,
        *,
        placement: Placement = _ANYWHERE,
        variant: Variant = "whole",
        max_batch: int = MAX_BATCH,
    ) -> "Predictor":
        """Start a session for the bundle, hold it against the bundle's parity file and warm it.

        Args:
            variant: The whole graph is taken where the bundle has no such one; `variant` then says so.

        Raises:
            BundleError: The graph cannot be loaded, or computes something else here.
            PlacementError: It cannot run where, or in the way that, it is asked to.
        """
        variant = bundle.nearest(variant)
        session = Session(
            bundle.graph(variant),
            optimization_level=bundle.manifest.graph_optimization_level,
            placement=placement,
        )
        session.warm(
            (bundle.manifest.input.num_channels, *bundle.manifest.input.spatial_shape), most=max_batch
        )
        # After warming: what is then bound and replayed is what the parity file must see.
        check_parity(bundle, session, tolerance=bundle.tolerance(variant))
        return cls(bundle, session, variant=variant, max_batch=max_batch)

    def run(self, prepared: PreparedImage, *, progress: Callable[[float], None] | None = None) -> GraphOutput:
        """Run the graph over an image's slices; `progress` is told the share done, 0 to 1."""
        batch, parts = prepared.batch, []
        for start in range(0, len(batch), self._max_batch):
            parts.append(self.session.run(batch[start : start + self._max_batch]))
            if progress is not None:
                progress(min(start + self._max_batch, len(batch)) / len(batch))
        return GraphOutput.join(parts)

    def predict(
        self,
        image: Image,
        *,
        scope: ScopePolicy = "enforce",
        progress: Callable[[float], None] | None = None,
    ) -> ImageResult:
        """Score one image.

        Raises:
            OutOfScopeError: See `scoring.prepare`.
        """
        prepared = scoring.prepare(self.bundle, image, scope=scope)
        return scoring.finish(self.bundle, image, prepared, self.run(prepared, progress=progress))
