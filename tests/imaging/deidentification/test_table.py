"""The table is the standard's, as far as a table can be held against itself and the dictionary."""

import re

import pytest
from pydicom.datadict import dictionary_description, dictionary_VR

from imaging.deidentification.profile import BASIC_CODE, OPTION_CODES, Option, Profile
from imaging.deidentification.table import BASIC_ACTIONS, TABLE, Rule, rule_of
from tests.imaging.deidentification.planted import tag_of

BY_TAG = {rule.tag: rule for rule in TABLE}
PUBLIC = [rule for rule in TABLE if rule.tag != "(gggg,eeee)"]


def known(rule: Rule) -> bool:
    try:
        return bool(dictionary_VR(tag_of(rule)))
    except KeyError:
        return False


def test_it_has_every_row_once():
    assert len(TABLE) == len(BY_TAG) == 657
    counts = {code: sum(rule.basic == code for rule in TABLE) for code in BASIC_ACTIONS}
    assert counts == {
        "X": 417,
        "D": 93,
        "U": 55,
        "Z": 42,
        "X/D": 23,
        "X/Z": 11,
        "X/Z/D": 8,
        "Z/D": 6,
        "X/Z/U*": 2,
    }


def test_every_row_is_found_by_its_tag():
    assert [rule for rule in PUBLIC if rule_of(tag_of(rule)) != rule] == []


def test_names_are_those_of_the_dictionary():
    def letters(name: str) -> str:
        return re.sub(r"[^a-z]", "", name.lower().replace("(trial)", "").replace("(retired)", ""))

    unlike = [
        rule.tag
        for rule in PUBLIC
        if known(rule)
        and "x" not in rule.tag
        and letters(rule.name) != letters(dictionary_description(tag_of(rule)))
    ]
    assert len(unlike) < 25, unlike  # spelt anew in some edition


def test_what_gets_a_uid_is_a_uid_or_a_sequence():
    kinds = {dictionary_VR(tag_of(rule)) for rule in PUBLIC if "U" in rule.basic}
    assert kinds == {"UI", "SQ"}


@pytest.mark.parametrize(
    ("tag", "basic", "options"),
    [
        ("(0010,0010)", "Z", {}),
        ("(0008,0018)", "U", {"retain-uids": "K"}),
        ("(0008,0022)", "X/Z", {"retain-full-dates": "K", "retain-modified-dates": "C"}),
        ("(0008,0080)", "X/Z/D", {"retain-institution-identity": "K"}),
        ("(0008,1140)", "X/Z/U*", {"retain-uids": "K"}),
        ("(0010,1030)", "X", {"retain-patient-characteristics": "K"}),
        ("(0018,1002)", "U", {"retain-uids": "K", "retain-device-identity": "K"}),
        ("(0040,A730)", "D", {"clean-structured-content": "C"}),
    ],
)
def test_a_row_known_by_heart(tag: str, basic: str, options: dict[str, str]):
    assert (BY_TAG[tag].basic, dict(BY_TAG[tag].options)) == (basic, options)


@pytest.mark.parametrize("rule", TABLE, ids=lambda rule: rule.tag)
def test_every_row_has_an_action_with_every_option(rule: Rule):
    for option in Option:
        action = Profile(frozenset((option,))).action(rule, "LO")
        assert (action == "keep") == (rule.options.get(option) == "K")


def test_what_may_be_mandatory_is_never_removed():
    removed = {rule.basic for rule in TABLE if Profile().action(rule, "LO") == "remove"}
    assert removed == {"X"}


def test_each_option_has_its_code():
    assert set(OPTION_CODES) == set(Option)
    assert len({BASIC_CODE, *OPTION_CODES.values()}) == 1 + len(Option)
    assert all(len(code.meaning) <= 64 for code in OPTION_CODES.values())  # LO, PS3.5 6.2


def test_dates_cannot_be_kept_and_modified():
    with pytest.raises(ValueError, match="not both"):
        Profile.named(["retain-full-dates", "retain-modified-dates"])


def test_an_option_that_is_not_offered_is_no_option():
    with pytest.raises(
        ValueError, match="unknown option clean-pixel-data; choose from retain-device-identity"
    ):
        Profile.named(["clean-pixel-data"])
