"""The node's settings file: what the page says is what it takes."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from integrations.dicom_node.errors import SettingsFileError
from integrations.dicom_node.node import running_node
from integrations.dicom_node.routing import Rule, rule_for
from integrations.dicom_node.series import SeriesFacts
from integrations.dicom_node.settings import Auditing, Listening, NodeSettings, Peer, Scoring, Spooling
from integrations.locked_folder import FolderTakenError
from tests.integrations.dicom_node.conftest import MakeSettings

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/dicom-node.md").read_text()
TABLES: dict[str, type[BaseModel]] = {
    "listen": Listening,
    "spool": Spooling,
    "service": Scoring,
    "destination": Peer,
    "sender": Peer,
    "rule": Rule,
    "audit": Auditing,
}
LEAST = '[listen]\ncalling_ae_titles = ["CT1"]\n[[rule]]\n'


def read(folder: Path, text: str) -> NodeSettings:
    path = folder / "node.toml"
    path.write_text(text)
    return NodeSettings.read(path)


def test_the_pages_example_is_read_as_it_says(tmp_path: Path):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    settings = read(tmp_path, example)
    assert settings.spool.folder == tmp_path / "dicom-node"
    head = SeriesFacts("CT", "HEAD", "Thin BRAIN 1.0")
    assert rule_for(head, settings.rule) == settings.rule[0]
    assert rule_for(SeriesFacts("CT", "CHEST", "brain"), settings.rule) is None
    assert rule_for(SeriesFacts("DX", "", ""), settings.rule) == settings.rule[1]


def test_the_stacks_file_has_rules_for_what_its_check_and_its_page_send():
    settings = NodeSettings.read(ROOT / "docker/pacs/dicom-node.toml")
    assert rule_for(SeriesFacts("DX", "", ""), settings.rule) == Rule(modality="DX")
    ct = Rule(modality="CT", model="chest-xray-atlas", scope="warn")
    assert rule_for(SeriesFacts("CT", "HEAD", ""), settings.rule) == ct


def test_the_page_lists_every_setting_and_no_other():
    listed = set(re.findall(r"`((?:listen|spool|service|destination|sender|rule|audit)\.\w+)`", PAGE))
    assert listed == {f"{table}.{name}" for table, model in TABLES.items() for name in model.model_fields}


def test_the_pages_tests_exist():
    for file, name in re.findall(r"`(test_\w+\.py)::(\w+)`", PAGE):
        assert f"def {name}(" in (Path(__file__).parent / file).read_text()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[listen", "node.toml: "),
        ("[listen]\nae_titel = 'X'\n", "listen.calling_ae_titles: Field required"),
        (LEAST.replace('["CT1"]', "[]"), "listen.calling_ae_titles: Tuple should have at least 1 item"),
        (LEAST.replace("CT1", "A" * 17), "listen.calling_ae_titles.0: String should have at most 16"),
        (LEAST + "modalty = 'CT'\n", "rule.0.modalty: Extra inputs are not permitted"),
        (
            LEAST + "[service]\nforms = ['png']\n",
            "service.forms: Value error, unknown form 'png'; choose from",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, sentence: str):
    with pytest.raises(SettingsFileError, match=re.escape(sentence)):
        read(tmp_path, text)


def test_a_second_node_does_not_start_in_the_same_folder(node_settings: MakeSettings):
    settings = node_settings()
    with running_node(settings), pytest.raises(FolderTakenError), running_node(settings):
        pass
