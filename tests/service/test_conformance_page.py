"""The conformance statement says what the code does."""

import re
from pathlib import Path

import pytest
from highdicom.sr import CodedConcept
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import AllTransferSyntaxes

from imaging.deidentification.profile import BASIC_CODE, OPTION_CODES
from imaging.deidentification.table import EDITION
from imaging.dicom_audit.events import EVENTS
from imaging.dicom_objects import concepts
from service.api import stow_routes
from tests.imaging.dicom_objects.results import results_of
from tests.imaging.dicom_objects.sources import axial_ct

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "conformance.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def is_decoded(syntax: str) -> bool:
    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:
        return False


def test_its_transfer_syntaxes_are_those_that_are_decoded():
    listed = set(re.findall(r"\| (1\.2\.840[\d.]+) \|", section("What is read")))
    assert listed == {str(syntax) for syntax in AllTransferSyntaxes if is_decoded(syntax)}


@pytest.mark.parametrize(
    ("kind", "path"), [("picture", "sc"), ("report", "sr"), ("segmentation", "seg"), ("map", "pm")]
)
def test_its_sop_classes_are_those_that_are_made(kind: str, path: str):
    [listed] = re.findall(rf"\| `{path}\.dcm` \| (.*?) \| ([\d.]+) \|", section("What is made"))
    made = results_of(axial_ct()).objects[kind].SOPClassUID
    assert listed == (made.name, str(made))


def test_its_codes_are_those_of_our_scheme():
    listed = set(re.findall(r"^\| ([\w-]+) \| (.+) \|$", section("Codes of our own"), re.MULTILINE))
    ours = {
        (concept.value, concept.meaning)
        for concept in vars(concepts).values()
        if isinstance(concept, CodedConcept)
    }
    assert listed - {("value", "meaning")} == ours


def test_its_routes_are_those_of_dicomweb():
    routes = {f"{method} {route.path}" for route in stow_routes.router.routes for method in route.methods}
    assert set(re.findall(r"`(POST /dicomweb\S*)`", section("Networking"))) == routes


def test_its_options_of_de_identification_are_those_that_are_offered():
    page = section("De-identification")
    rows = dict(re.findall(r"\| (1131\d\d) \| (yes|no)", page))
    assert set(rows) == {str(code) for code in range(113101, 113113)}
    offered = {code.value for code in OPTION_CODES.values()}
    assert {code for code, answer in rows.items() if answer == "yes"} == offered
    assert f"edition {EDITION}" in page


def test_the_page_on_de_identification_has_every_option_with_its_code():
    page = (DOCS / "deidentification.md").read_text()
    listed = dict(re.findall(r"^\| (?:`([\w-]+)`|\S) \| (\d+) \|", page, re.MULTILINE))
    codes = {str(option): code.value for option, code in OPTION_CODES.items()}
    assert listed == codes | {"": BASIC_CODE.value}


def test_its_audit_events_are_those_of_the_mapping():
    rows = re.findall(r"^\| `([\w ]+)` \| (.+?) \| (.+?) \| (\w) \|$", section("Audit trail"), re.MULTILINE)
    told = [
        (
            kind,
            f"{mapped.event.value} {mapped.event.meaning}",
            f"{mapped.type.value} {mapped.type.meaning}" if mapped.type else "none",
            mapped.action,
        )
        for kind, mapped in EVENTS.items()
    ]
    assert rows == told


def test_every_audit_event_is_explained_by_its_name():
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    table = page.split("\n## To an audit record repository\n", 1)[1].split("\n\n**Patients", 1)[0]
    explained = {
        kind: message
        for kinds, message in re.findall(r"^\| (`.+?`) \| (.+?) \|", table, re.MULTILINE)
        for kind in re.findall(r"`([\w ]+)`", kinds)
    }
    assert explained == {kind: mapped.event.meaning for kind, mapped in EVENTS.items()}
