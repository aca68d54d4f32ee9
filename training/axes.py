"""The axes of a comparison: variants of the preprocessing and of methods' options, in every combination.

A TOML file names them, each with exactly one thing that differs:

    [[variant]]
    name = "clahe"
    preprocessing = [{ name = "resize", height = 64, width = 64 }, { name = "clahe" }]

    [[variant]]
    method = "atlas"                # its name is made of its options: score=top
    options = { score = "top" }

Every method is compared as it is, with each preprocessing, with each of its own options, and with both.
"""

import itertools
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from inference.steps import Chain
from inference.volume_score import VolumeScore
from models.registry import METHODS
from training.config import Config, MethodSection
from training.errors import ConfigError

# A variant's name is the name of a folder too.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,=+-]*")
AXES = ("preprocessing", "volume_score", "options")


class Variant(BaseModel):
    """One value on one axis; `method` is whose it is, None every method's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    method: str | None = None
    preprocessing: Chain | None = None
    volume_score: VolumeScore | None = None
    options: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _differs_in_one_thing(self) -> Self:
        if len(self._set) != 1:
            raise ValueError(f"a variant sets exactly one of {', '.join(AXES)}, not {self._set or 'none'}")
        if self.options is not None and self.method is None:
            raise ValueError("a variant with options needs the method that they are of")
        if self.method is not None and self.method not in METHODS:
            raise ValueError(f"unknown method {self.method!r}; choose from {', '.join(sorted(METHODS))}")
        if not NAME.fullmatch(self.title):
            raise ValueError(
                f"the variant {self.title!r} needs a name of letters, digits and _ . , = + - that is no path"
            )
        return self

    @property
    def axis(self) -> str:
        return self._set[0]

    @property
    def title(self) -> str:
        options = self.options or {}
        return self.name or ",".join(f"{key}={value}" for key, value in options.items())

    @property
    def _set(self) -> list[str]:
        return [axis for axis in AXES if getattr(self, axis) is not None]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: tuple[Variant, ...]


def read_axes(path: Path) -> tuple[Variant, ...]:
    """Read the variants.

    Raises:
        ConfigError: There is no such file, it is no TOML, a variant is not valid, or two have one name.
    """
    try:
        variants = _File.model_validate(tomllib.loads(path.read_text())).variant
    except FileNotFoundError as error:
        raise ConfigError(f"there is no file of axes {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {where}: {first['msg']}") from error
    keys = [(variant.method, variant.title) for variant in variants]
    if twice := [title for (method, title) in keys if keys.count((method, title)) > 1]:
        raise ConfigError(f"{path} names the variant {twice[0]!r} twice")
    return variants


def combinations(method: str, variants: Sequence[Variant]) -> Iterator[tuple[Variant, ...]]:
    """What the method is compared with: nothing changed first, at most one variant of each axis."""
    ours = [variant for variant in variants if variant.method in (None, method)]
    axes = [[None, *(variant for variant in ours if variant.axis == axis)] for axis in AXES]
    for chosen in itertools.product(*axes):
        yield tuple(variant for variant in chosen if variant is not None)


def varied(config: Config, variants: Sequence[Variant]) -> Config:
    """The config with the variants in place of what it says itself."""
    for variant in variants:
        if variant.options is not None:
            options = {**config.method.options, **variant.options}
            config = config.model_copy(
                update={"method": MethodSection(name=config.method.name, options=options)}
            )
        else:
            config = config.model_copy(update={variant.axis: getattr(variant, variant.axis)})
    return config
