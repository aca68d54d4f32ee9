"""A training run's settings: one TOML file, plus `key=value` overrides from the command line."""

import dataclasses
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from inference.manifest import Contrasts, Range
from inference.steps import Chain
from inference.volume_score import VolumeScore
from models.method import AnomalyMethod, InputShape
from models.registry import METHODS
from training.errors import ConfigError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSection(_Section):
    """Where the images are. `patient_pattern` finds the patient in an image's name: its first group.

    `contrasts` names the channels of images that are several co-registered files; `mask` the reference
    mask beside them, in a tree of cases.
    """

    path: Path
    patient_pattern: str = r"(.+)"
    contrasts: Contrasts = ()
    mask: str = ""

    @model_validator(mode="after")
    def _a_case_has_named_files(self) -> Self:
        if self.mask and not self.contrasts:
            raise ValueError("data.mask picks a file out of each case; data.contrasts must pick the image's")
        return self


class MethodSection(_Section):
    name: str
    options: dict[str, Any] = {}


class FitSection(_Section):
    """`select` says whose weights are kept: the last step's, or the best by a third of those held out."""

    batch_size: int = Field(default=32, ge=1)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = Field(default=1, ge=1)
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    checkpoint_every_steps: int = Field(default=500, ge=1)
    select: Literal["last", "held_out"] = "last"


class CalibrationSection(_Section):
    """`share` of the training patients is held out, beside those of the data set's own validation split."""

    share: float = Field(default=0.15, ge=0, lt=1)
    default_operating_point: str = "5%"
    map_false_alarm_rate: float = Field(default=0.01, gt=0, lt=1)


class ScopeSection(_Section):
    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    spacing_mm: Range | None = None


class CardSection(_Section):
    """What the bundle's card and manifest say in words."""

    description: str = "An anomaly detector trained on normal images."
    authors: str = "unknown"
    copyright: str = "unknown"
    licence: str = "unknown"
    data_source: str = "unknown"
    data_licence: str = "unknown"
    attribution: str = "unknown"
    limitations: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


class Config(_Section):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: str = Field(default="1.0.0", pattern=r"^\d+\.\d+\.\d+$")
    seed: int = Field(default=0, ge=0)
    data: DataSection
    preprocessing: Chain
    method: MethodSection
    fit: FitSection = FitSection()
    volume_score: VolumeScore = "max"
    calibration: CalibrationSection = CalibrationSection()
    scope: ScopeSection = ScopeSection()
    card: CardSection = CardSection()


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a config; an override is `key=value` or `section.key=value`, its value in TOML or a bare word.

    Raises:
        ConfigError: The file is no TOML, a key is unknown, or a value does not fit.
    """
    try:
        tables = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise ConfigError(f"there is no config {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error
    for override in overrides:
        _override(tables, override)
    return parse_config(tables)


def parse_config(tables: dict[str, Any]) -> Config:
    """Check the tables of a config.

    Raises:
        ConfigError: A key is unknown or a value does not fit.
    """
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(_sentence(error, Config)) from error


def build_method(section: MethodSection, shape: InputShape) -> AnomalyMethod:
    """The untrained method that a config names.

    Raises:
        ConfigError: There is no such method, or it has no such option or value.
    """
    if section.name not in METHODS:
        raise ConfigError(f"unknown method {section.name!r}; choose from {', '.join(sorted(METHODS))}")
    method = METHODS[section.name]
    known = [field.name for field in dataclasses.fields(method.Options)]
    if unknown := sorted(set(section.options) - set(known)):
        raise ConfigError(
            f"{section.name} has no option {', '.join(unknown)}; its options are {', '.join(known)}"
        )
    try:
        options: Any = TypeAdapter(method.Options).validate_python(section.options)
        return method(shape, options)
    except ValidationError as error:
        raise ConfigError(f"method.options: {_sentence(error, None)}") from error
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _override(tables: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise ConfigError(f"an override is key=value, not {override!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *sections, last = key.split(".")
    for section in sections:
        tables = tables.setdefault(section, {})
        if not isinstance(tables, dict):
            raise ConfigError(f"{key!r} names a section that is a value")
    tables[last] = value


def _sentence(error: ValidationError, model: type[BaseModel] | None) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden" and model is not None:
        known = _known_keys(model, [str(part) for part in first["loc"][:-1]])
        return f"unknown key {where!r}; known are {', '.join(known)}"
    return f"{where}: {first['msg']}"


def _known_keys(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    for name in path:
        field = model.model_fields.get(name)
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return ["those of the step or value there"]
        model = annotation
    return list(model.model_fields)
