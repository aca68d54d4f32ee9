"""/models: which bundles are installed, what each is for, and how well it did."""

from typing import Self

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel

from inference.bundle import CARD, Bundle
from inference.errors import BundleNotFoundError
from inference.manifest import Example, Metric, OperatingPoint, Scope, TrainingData
from service.api.access import MaySee
from service.api.score_routes import PROBLEMS
from service.api.services import ServicesDep

router = APIRouter(prefix="/models", tags=["models"], responses=PROBLEMS)


class Markdown(Response):
    media_type = "text/markdown"


class ModelView(BaseModel):
    """What a manifest says, without what only a worker needs."""

    model: str
    name: str
    version: str
    bundle_digest: str
    method: str
    task: str
    description: str
    authors: str
    licence: str
    contrasts: tuple[str, ...]
    scope: Scope
    operating_points: tuple[OperatingPoint, ...]
    default_operating_point: str
    calibration_patients: int
    map_threshold: float
    eval_metrics: dict[str, Metric]
    examples: tuple[Example, ...]
    training_data: TrainingData
    intended_use: str
    links: dict[str, str]

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        manifest = bundle.manifest
        names = cls.model_fields.keys() & type(manifest).model_fields.keys()
        return cls(
            model=bundle.reference,
            bundle_digest=bundle.digest,
            calibration_patients=len(manifest.calibration.scores),
            map_threshold=manifest.calibration.map_threshold,
            links=_links_of(bundle),
            **{name: getattr(manifest, name) for name in names},
        )


class CalibrationView(BaseModel):
    """What a score and a map's values are held against; `scores` are the held-out normals', ascending."""

    scores: tuple[float, ...]
    map_threshold: float
    operating_points: tuple[OperatingPoint, ...]
    default_operating_point: str

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        manifest = bundle.manifest
        return cls(
            scores=manifest.calibration.scores,
            map_threshold=manifest.calibration.map_threshold,
            operating_points=manifest.operating_points,
            default_operating_point=manifest.default_operating_point,
        )


@router.get("")
async def list_models(_principal: MaySee, services: ServicesDep) -> list[ModelView]:
    """All installed models."""
    return [ModelView.of(bundle) for bundle in services.catalog]


@router.get("/{name}")
async def get_model(name: str, _principal: MaySee, services: ServicesDep) -> ModelView:
    """One model, by `name` (its newest version) or `name@version`."""
    return ModelView.of(services.catalog.get(name))


@router.get("/{name}/card", response_class=Markdown)
async def get_card(name: str, _principal: MaySee, services: ServicesDep) -> Markdown:
    """The model's card, in Markdown."""
    card = (services.catalog.get(name).folder / CARD).read_text(encoding="utf-8")
    return Markdown(card)


@router.get("/{name}/calibration")
async def get_calibration(name: str, _principal: MaySee, services: ServicesDep) -> CalibrationView:
    """The scores of held-out normals, and the thresholds."""
    return CalibrationView.of(services.catalog.get(name))


@router.get(
    "/{name}/{file}",
    response_class=FileResponse,
    responses={200: {"content": {"image/jpeg": {}}}},
)
async def get_example(name: str, file: str, _principal: MaySee, services: ServicesDep) -> FileResponse:
    """One of the model's examples: a test image with its heatmap."""
    bundle = services.catalog.get(name)
    if file not in {example.file for example in bundle.manifest.examples}:
        raise BundleNotFoundError(
            f"{bundle.reference} has no example {file!r}; GET /models/{bundle.reference} lists them"
        )
    return FileResponse(bundle.folder / file, media_type="image/jpeg")


def _links_of(bundle: Bundle) -> dict[str, str]:
    model = f"/models/{bundle.reference}"
    return {"self": model, "card": f"{model}/card", "calibration": f"{model}/calibration"}
