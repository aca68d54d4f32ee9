from pathlib import Path

import pytest

from models.method import InputShape
from models.registry import METHODS
from tests.training.tiny import tables
from training.config import MethodSection, build_method, load_config, parse_config
from training.errors import ConfigError

TOML = """
name = "discs"
[data]
path = "discs.npz"
[[preprocessing]]
name = "resize"
height = 32
width = 32
[method]
name = "atlas"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(TOML)
    return file


def test_an_override_reaches_into_a_section(path: Path):
    config = load_config(path, ["fit.batch_size=7", "data.path=other.npz", "method.options.blur=2.5"])
    assert config.fit.batch_size == 7
    assert config.data.path == Path("other.npz")
    assert config.method.options == {"blur": 2.5}


def test_an_unknown_key_is_refused_with_the_known_ones(path: Path):
    with pytest.raises(ConfigError, match=r"unknown key 'fit.batchsize'; known are batch_size, device"):
        load_config(path, ["fit.batchsize=7"])


def test_an_override_without_a_value_is_refused(path: Path):
    with pytest.raises(ConfigError, match="an override is key=value, not 'seed'"):
        load_config(path, ["seed"])


def test_broken_toml_is_refused_by_name(tmp_path: Path):
    file = tmp_path / "config.toml"
    file.write_text("name = ")
    with pytest.raises(ConfigError, match="no valid TOML"):
        load_config(file)


def test_a_missing_config_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(ConfigError, match="there is no config"):
        load_config(tmp_path / "none.toml")


def test_an_unknown_step_is_refused(tmp_path: Path):
    wrong = tables(tmp_path) | {"preprocessing": [{"name": "sharpen"}]}
    with pytest.raises(ConfigError, match="preprocessing"):
        parse_config(wrong)


def test_an_unknown_method_is_refused_with_the_known_ones():
    with pytest.raises(
        ConfigError, match=f"unknown method 'magic'; choose from {', '.join(sorted(METHODS))}"
    ):
        build_method(MethodSection(name="magic"), InputShape(1, 64, 64))


def test_an_unknown_option_is_refused_with_the_known_ones():
    section = MethodSection(name="atlas", options={"neighbors": 3})
    with pytest.raises(ConfigError, match="atlas has no option neighbors; its options are neighbours"):
        build_method(section, InputShape(1, 64, 64))


def test_an_option_of_the_wrong_kind_is_refused():
    section = MethodSection(name="f_anogan", options={"encoder_loss": "zzz"})
    with pytest.raises(ConfigError, match="encoder_loss"):
        build_method(section, InputShape(1, 64, 64))


def test_a_size_that_a_method_cannot_take_is_refused_with_the_size():
    with pytest.raises(ConfigError, match="50 x 50"):
        build_method(MethodSection(name="dae"), InputShape(1, 50, 50))
