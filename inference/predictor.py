"""From an image to a calibrated score and an anomaly map on the image's own voxels."""

from collections.abc import Callable

from imaging.image import Image
from inference import scoring
from inference.bundle import MODEL, Bundle, check_parity
from inference.scoring import ImageResult, PreparedImage, ScopePolicy
from inference.session import GraphOutput, Session

# Slices that go through the graph at once.
MAX_BATCH = 16


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
