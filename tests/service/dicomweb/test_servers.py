"""The file of DICOMweb servers: what it says, and what keeps the service from starting."""

from pathlib import Path

import pytest

from service.dicomweb.servers import Servers
from service.errors import ServersFileError, UnknownServerError

PACS = '[[server]]\nname = "pacs"\nurl = "https://pacs.example/dicom-web"\n'


def read(folder: Path, text: str) -> Servers:
    file = folder / "dicomweb.toml"
    file.write_text(text)
    return Servers.read(file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "server: Field required"),
        ("server = 3", "server"),
        ('[[server]]\nname = "a b"\nurl = "https://x"', "server.0.name"),
        ('[[server]]\nname = "a"\nurl = "ftp://x"', "server.0.url"),
        ('[[server]]\nname = "a"\nurl = "https://user:secret@x"', "server.0.url"),
        (PACS + "colour = 1", "server.0.colour"),
        (PACS + 'username = "me"', "go together"),
        (PACS + 'bearer_token_file = "t"\nusername = "me"\npassword_file = "p"', "not both"),
        (PACS + 'results = "other"', "name no server: other"),
        (PACS + 'forms = ["png"]', "server.0.forms"),
        (PACS + PACS, "two servers are named pacs"),
    ],
)
def test_a_file_that_means_nothing_is_refused_in_one_line(tmp_path: Path, text: str, words: str):
    with pytest.raises(ServersFileError, match=words) as caught:
        read(tmp_path, text)
    assert "secret" not in str(caught.value)


def test_paths_begin_where_the_file_lies(tmp_path: Path):
    server = read(tmp_path, PACS + 'ca_file = "ca.pem"').named("pacs", "")
    assert server.ca_file == tmp_path / "ca.pem"


def test_without_a_file_there_is_no_server():
    with pytest.raises(UnknownServerError, match="there is none"):
        Servers.read(None).named("pacs", "")
