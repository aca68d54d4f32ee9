"""Whatever the table lists is gone afterwards, wherever it stood."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.datadict import dictionary_has_tag
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO

from imaging.deidentification.files import deidentify_file
from imaging.deidentification.profile import Option, Profile
from imaging.deidentification.table import TABLE, Rule
from imaging.errors import UnreadableImageError
from imaging.limits import Limits
from tests.imaging.deidentification.planted import (
    DATE,
    ENCODINGS,
    SECRETS,
    TEXT,
    Encoding,
    planted,
    tag_of,
    vr_of,
)

KEY = b"k" * 32
EXPLICIT = ENCODINGS["explicit"]


def cleaned(content: bytes, *options: Option) -> bytes:
    profile = Profile(frozenset(options))
    return deidentify_file(content, key=KEY, profile=profile, limits=Limits()).content


def read(content: bytes) -> Dataset:
    return dcmread(DicomBytesIO(content))


def left_of(content: bytes) -> list[bytes]:
    return [secret for secret in SECRETS if secret in content]


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=list(ENCODINGS))
def test_nothing_of_a_file_full_of_secrets_is_left(encoding: Encoding):
    content = planted(encoding)
    assert left_of(content) == list(SECRETS), "the test plants what it looks for"
    made = cleaned(content)
    assert left_of(made) == []
    assert len(str(read(made))) > 1000


@settings(deadline=None, max_examples=60)
@given(
    rules=st.lists(st.sampled_from(TABLE), min_size=1, max_size=12, unique_by=tag_of),
    encoding=st.sampled_from(list(ENCODINGS.values())),
    depth=st.integers(0, 8),
)
def test_no_row_is_left_at_any_depth(rules: list[Rule], encoding: Encoding, depth: int):
    made = cleaned(planted(encoding, tuple(rules), depth=depth))
    assert left_of(made) == []
    assert str(read(made))


@pytest.mark.parametrize("option", Option)
def test_an_option_keeps_its_own_rows_and_no_others(option: Option):
    header = read(cleaned(planted(EXPLICIT, depth=0), option))
    source = read(planted(EXPLICIT, depth=0))
    for rule in TABLE:
        tag = tag_of(rule)
        if tag not in source or not dictionary_has_tag(tag) or vr_of(tag) in ("SQ", "US"):
            continue
        is_same = tag in header and header[tag].value == source[tag].value
        is_kept = rule.options.get(option) == "K"
        # A time of day stays when days are moved.
        is_time = option is Option.RETAIN_MODIFIED_DATES and option in rule.options and vr_of(tag) == "TM"
        assert is_same == (is_kept or is_time), rule


@pytest.mark.parametrize("vr", ["UN", "OB", "LO", "SQ"])
def test_a_name_under_another_vr_is_gone(vr: str):
    value = EXPLICIT.item(EXPLICIT.element(0x00080104, "LO", TEXT.encode())) if vr == "SQ" else TEXT.encode()
    secret = EXPLICIT.element(0x00100010, vr, value)
    assert left_of(cleaned(planted(EXPLICIT, ()) + secret)) == []


def test_an_attribute_that_the_standard_does_not_know_is_removed():
    assert left_of(cleaned(planted(EXPLICIT, ()) + EXPLICIT.element(0x00187FFE, "LO", TEXT.encode()))) == []


@pytest.mark.parametrize("tag", [0x00142006, 0x00080416, 0x00400400, 0x0040E010])
def test_names_dates_and_texts_that_no_row_lists_are_replaced(tag: int):
    secret = EXPLICIT.element(tag, vr_of(tag), (DATE if vr_of(tag) == "DT" else TEXT).encode())
    made = cleaned(planted(EXPLICIT, (), depth=0) + secret)
    assert left_of(made) == [] and tag in read(made)


def test_a_report_keeps_its_shape_and_no_word():
    concept = EXPLICIT.element(0x00080100, "SH", TEXT.encode()) + EXPLICIT.element(0x00080102, "SH", b"DCM")
    leaf = (
        EXPLICIT.element(0x0040A010, "CS", b"CONTAINS")
        + EXPLICIT.element(0x0040A040, "CS", b"TEXT")
        + EXPLICIT.element(0x0040A043, "SQ", EXPLICIT.item(concept))
        + EXPLICIT.element(0x0040A160, "UT", TEXT.encode())
    )
    tree = EXPLICIT.element(0x0040A730, "SQ", EXPLICIT.item(leaf))
    made = cleaned(planted(EXPLICIT, (), depth=0) + tree)
    [item] = read(made).ContentSequence
    assert left_of(made) == []
    assert (item.ValueType, item.TextValue) == ("TEXT", "REMOVED")


def test_sequences_too_deep_are_refused():
    with pytest.raises(UnreadableImageError):
        cleaned(planted(EXPLICIT, (), depth=40))


def test_a_code_that_is_none_is_no_hiding_place_in_a_report():
    leaf = EXPLICIT.element(0x0040A040, "CS", TEXT.lower().encode())
    made = cleaned(planted(EXPLICIT, (), depth=0) + EXPLICIT.element(0x0040A730, "SQ", EXPLICIT.item(leaf)))
    assert TEXT.lower().encode() not in made
