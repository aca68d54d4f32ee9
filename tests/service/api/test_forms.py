import pytest

from service.api.forms import negotiate
from service.api.prefer import wait_of
from service.errors import NotAcceptableError


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        (None, "result.json"),
        ("*/*", "result.json"),
        ("image/*", "overlay.png"),
        ("text/html, image/png;q=0.9, */*;q=0.1", "overlay.png"),
        ("application/json;q=0.1, application/zip", "result.zip"),
        ("application/gzip", "anomaly_map.nii.gz"),
        ("image/png;q=0, application/*", "result.json"),
    ],
)
def test_the_accept_header_chooses_the_form(accept: str | None, name: str):
    assert negotiate(accept).name == name


@pytest.mark.parametrize("accept", ["text/html", "image/png;q=0", "image/png;q=many"])
def test_a_type_that_no_result_has_is_not_acceptable(accept: str):
    with pytest.raises(NotAcceptableError, match="it can be application/json, image/png"):
        negotiate(accept)


@pytest.mark.parametrize(
    ("prefer", "wait_s"),
    [
        (None, None),
        ("respond-async", None),
        ("wait=30", 30),
        ("respond-async, wait=10", 10),
        ('wait="5"', 5),
        ("wait=900", 120),
        ("await=3", None),
    ],
)
def test_the_prefer_header_says_how_long_to_wait(prefer: str | None, wait_s: float | None):
    assert wait_of(prefer, longest_s=120) == wait_s
