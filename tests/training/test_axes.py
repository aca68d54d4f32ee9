from pathlib import Path

import pytest

from inference.steps import Clahe
from tests.training.tiny import tiny_config
from training.axes import Variant, combinations, read_axes, varied
from training.errors import ConfigError

TOML = """
[[variant]]
name = "clahe"
preprocessing = [{ name = "clahe" }]
[[variant]]
name = "mean"
volume_score = "mean"
[[variant]]
method = "atlas"
options = { score = "top", blur = 2.0 }
"""


@pytest.fixture
def variants(tmp_path: Path) -> tuple[Variant, ...]:
    path = tmp_path / "axes.toml"
    path.write_text(TOML)
    return read_axes(path)


def test_options_without_a_name_are_named_after_themselves(variants: tuple[Variant, ...]):
    assert [variant.title for variant in variants] == ["clahe", "mean", "score=top,blur=2.0"]


def test_every_method_meets_every_combination_of_its_variants(variants: tuple[Variant, ...]):
    def rows(method: str) -> list[str]:
        return ["/".join(variant.title for variant in chosen) for chosen in combinations(method, variants)]

    assert rows("knn") == ["", "mean", "clahe", "clahe/mean"]
    assert len(rows("atlas")) == 8
    assert rows("atlas")[-1] == "clahe/mean/score=top,blur=2.0"


def test_two_variants_of_one_axis_never_meet():
    two = [Variant(name=name, method="atlas", options={"blur": 1.0}) for name in ("a", "b")]
    assert [len(chosen) for chosen in combinations("atlas", two)] == [0, 1, 1]


def test_a_variant_changes_what_it_names_and_keeps_the_rest(variants: tuple[Variant, ...]):
    config = varied(tiny_config(Path("x.npz")), variants)
    assert config.preprocessing == (Clahe(),)
    assert config.volume_score == "mean"
    assert config.method.options == {"neighbours": 5, "score": "top", "blur": 2.0}


def test_the_file_on_the_page_is_valid(tmp_path: Path):
    path = tmp_path / "axes.toml"
    page = Path(__file__).parents[2] / "docs" / "add-a-data-set.md"
    path.write_text(page.read_text().split("```toml\n")[2].split("```")[0])
    assert [variant.title for variant in read_axes(path)] == ["plain", "steps=4000"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[variant]]\nname = "nothing"', "exactly one of preprocessing, volume_score, options, not none"),
        ("[[variant]]\noptions = { blur = 1.0 }", "needs the method that they are of"),
        ('[[variant]]\nmethod = "oracle"\noptions = { blur = 1.0 }', "unknown method 'oracle'"),
        ('[[variant]]\nname = "../up"\nvolume_score = "mean"', "that is no path"),
        ('[[variant]]\nname = "a"\nvolume_score = "mean"\n' * 2, "names the variant 'a' twice"),
        ('[[axis]]\nname = "a"', "axes.toml: "),
        ("name = ", "no valid TOML"),
    ],
)
def test_a_mistake_in_the_file_is_said_in_words(tmp_path: Path, text: str, sentence: str):
    path = tmp_path / "axes.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        read_axes(path)
