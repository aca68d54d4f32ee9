"""The models of one worker."""

import logging
from collections.abc import Iterable
from typing import Self

from inference.bundle import Bundle
from inference.errors import BundleNotFoundError
from inference.predictor import Predictor
from service.settings import Settings

logger = logging.getLogger(__name__)


class Models:
    """The predictors of a worker, by bundle digest."""

    def __init__(self, predictors: Iterable[Predictor]) -> None:
        self._predictors = {predictor.bundle.digest: predictor for predictor in predictors}

    @classmethod
    def load(cls, bundles: Iterable[Bundle], settings: Settings) -> Self:
        """Load every bundle and hold it against its parity file.

        Raises:
            BundleError: One cannot be loaded, or computes something else on this device.
            PlacementError: One cannot run where, or in the way that, the settings say.
        """
        predictors = [
            Predictor.load(
                bundle, placement=settings.placement, variant=settings.variant, max_batch=settings.max_batch
            )
            for bundle in bundles
        ]
        for predictor in predictors:
            if predictor.variant != settings.variant:
                logger.warning(
                    "%s has no %s graph: it runs whole", predictor.bundle.reference, settings.variant
                )
        return cls(predictors)

    @property
    def digests(self) -> dict[str, str]:
        """Bundle digest by `name@version`."""
        return {predictor.bundle.reference: digest for digest, predictor in self._predictors.items()}

    @property
    def device(self) -> str:
        """The provider in use, or none without a model."""
        names = {predictor.session.providers[0] for predictor in self._predictors.values()}
        return ", ".join(sorted(names)) or "none"

    def get(self, digest: str) -> Predictor:
        """The predictor of a bundle.

        Raises:
            BundleNotFoundError: The bundle was replaced since the job was sent.
        """
        if digest not in self._predictors:
            raise BundleNotFoundError("the model was replaced after the image was sent; send it again")
        return self._predictors[digest]
