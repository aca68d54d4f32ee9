"""The two pages for those who extend the training are true: their config loads, their method trains."""

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, TypeAdapter

from inference.bundle import load_bundle
from inference.predictor import Predictor
from inference.steps import Chain, Step, volume_steps
from models.registry import METHODS
from tests.training.tiny import tiny_config, write_data
from training.config import Config, load_config
from training.export import export
from training.fit import fit, read_splits

DOCS = Path(__file__).parents[2] / "docs"
BUNDLES = Path(__file__).parents[2] / "bundles"
DATA_SET_PAGE = (DOCS / "add-a-data-set.md").read_text()


def block(page: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_config_of_the_page_is_valid(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text(block("add-a-data-set.md", "toml"))
    assert load_config(path).method.options == {"steps": 1000}


def test_the_config_of_the_page_names_every_key():
    tables = tomllib.loads(block("add-a-data-set.md", "toml"))
    assert set(tables) == set(Config.model_fields)
    for name, field in Config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            assert set(tables[name]) == set(field.annotation.model_fields)


def test_the_chain_of_the_page_on_volumes_is_valid():
    chain = TypeAdapter(Chain).validate_python(tomllib.loads(block("volumes.md", "toml"))["preprocessing"])
    assert len(volume_steps(chain)) == 4


@pytest.mark.parametrize("path", sorted(BUNDLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_config_of_every_bundle_is_valid(path: Path):
    config = load_config(path)
    assert config.name == path.stem
    assert config.card.data_licence != "unknown"


def test_every_preprocessing_step_is_on_the_page():
    union, _discriminator = get_args(Step)
    names = [step.model_fields["name"].default for step in get_args(union)]
    assert [name for name in names if name not in DATA_SET_PAGE] == []


def test_the_method_of_the_page_trains_exports_and_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "pixel_gaussian.py"
    path.write_text(block("add-a-method.md", "python"))
    spec = importlib.util.spec_from_file_location("pixel_gaussian", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(METHODS, "pixel_gaussian", module.PixelGaussian)
    config = tiny_config(write_data(tmp_path), name="pixel_gaussian", floor=0.1)
    fit(config, tmp_path / "run", resume=False)
    predictor = Predictor.load(load_bundle(export(tmp_path / "run", tmp_path / "bundles")))
    scores = [predictor.predict(sample.image).score for sample in read_splits(config).test]
    assert min(scores[8:]) > max(scores[:8])
