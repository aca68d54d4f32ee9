"""Scoring files without a server, through the same predictor; one row an image."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from imaging.contrast_files import contrast_files
from imaging.contrasts import read_contrasts
from imaging.errors import ImagingError
from imaging.image import Image
from imaging.image_files import ImageFiles, find_folders, find_images, stem_of
from imaging.limits import Limits
from imaging.nifti import write_nifti
from inference.bundle import Bundle
from inference.catalog import Catalog
from inference.errors import InferenceError
from inference.predictor import Predictor
from inference.scoring import ImageResult, ScopePolicy
from service.settings import Settings

Row = dict[str, Any]


class OfflineScorer:
    """Loads each model when the first image needs it."""

    def __init__(
        self, catalog: Catalog, settings: Settings, *, model: str | None, scope: ScopePolicy
    ) -> None:
        self._catalog = catalog
        self._settings = settings
        self._named = catalog.get(model) if model is not None else None
        self._scope: ScopePolicy = scope
        self._predictors: dict[str, Predictor] = {}

    def find(self, paths: Iterable[Path]) -> list[ImageFiles]:
        """The images below some paths; for a named model of several contrasts, each path is a folder of one.

        Raises:
            FileNotFoundError: A path does not exist.
        """
        return find_folders(paths) if self._contrasts() else find_images(paths)

    def score(self, images: Iterable[ImageFiles], *, maps: Path | None) -> Iterator[Row]:
        """One row for each image, with `error` instead of a score where it cannot be scored.

        Args:
            maps: Folder for the anomaly maps as NIfTI.
        """
        if maps is not None:
            maps.mkdir(parents=True, exist_ok=True)
        for number, files in enumerate(images):
            row: Row = {"path": str(files.path), "files": len(files.files)}
            try:
                image = _read(files, self._contrasts(), self._settings.limits)
                predictor = self._predictor(self._bundle(image))
                result = predictor.predict(image, scope=self._scope)
            except (ImagingError, InferenceError, OSError) as error:
                yield {**row, "error": str(error)}
                continue
            if maps is not None:
                target = maps / f"{number:06d}-{stem_of(files.path)}.nii.gz"
                target.write_bytes(write_nifti(result.anomaly_map, image.grid))
                row["map"] = str(target)
            yield {**row, **_columns(predictor, result)}

    def _contrasts(self) -> tuple[str, ...]:
        """The contrasts of the named model; none for one of single pictures."""
        if self._named is None or not self._named.manifest.has_contrasts:
            return ()
        return self._named.manifest.contrasts

    def _bundle(self, image: Image) -> Bundle:
        return self._named or self._catalog.choose(modality=image.modality, body_part=image.body_part)

    def _predictor(self, bundle: Bundle) -> Predictor:
        if bundle.digest not in self._predictors:
            self._predictors[bundle.digest] = Predictor.load(
                bundle,
                placement=self._settings.placement,
                variant=self._settings.variant,
                max_batch=self._settings.max_batch,
            )
        return self._predictors[bundle.digest]


def _read(files: ImageFiles, contrasts: Sequence[str], limits: Limits) -> Image:
    named = contrast_files(files.path, contrasts) if contrasts else {"": files.files}
    return read_contrasts(
        {name: [path.read_bytes() for path in parts] for name, parts in named.items()}, limits=limits
    )


def _columns(predictor: Predictor, result: ImageResult) -> Row:
    decisions = {f"flagged_{name}": flagged for name, flagged in result.decisions.items()}
    return {
        "model": predictor.bundle.reference,
        "variant": predictor.variant,
        "score": result.score,
        "percentile": result.percentile,
        "p_value": result.p_value,
        "pred_label": result.pred_label,
        **decisions,
        "findings": len(result.findings),
        "warnings": "; ".join(result.warnings),
    }
