"""The page for operators names every setting and every route."""

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from service.api import (
    health_routes,
    job_routes,
    model_routes,
    page_routes,
    result_routes,
    retrieval_routes,
    score_routes,
    stow_routes,
)
from service.problems import HTTP_STATUS
from service.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operate.md").read_text()
MATRIX = PAGE.split("\n## What happens when something dies\n", 1)[1].split("\n## ", 1)[0]
ROUTES = [
    f"{method} {route.path}"
    for module in (
        *(score_routes, stow_routes, retrieval_routes, job_routes),
        *(result_routes, model_routes, page_routes, health_routes),
    )
    for route in module.router.routes
    if isinstance(route, APIRoute) and route.include_in_schema
    for method in sorted(route.methods)
]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_on_the_page(name: str):
    assert f"| `ATYPIA_{name.upper()}` |" in PAGE


def test_the_page_names_no_setting_that_does_not_exist():
    known = {f"ATYPIA_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"ATYPIA_\w+", PAGE)) <= known


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_is_on_the_page(route: str):
    assert f"`{route}`" in PAGE


@pytest.mark.parametrize("status", sorted({*HTTP_STATUS.values(), 500}))
def test_every_status_is_on_the_page(status: int):
    assert f"\n| {status} |" in PAGE


@pytest.mark.parametrize(("path", "name"), re.findall(r"`([\w/]+\.py)::(\w+)`", MATRIX))
def test_every_proof_of_the_fault_matrix_exists(path: str, name: str):
    assert re.search(rf"^(async )?def {name}\(", (ROOT / "tests" / path).read_text(), re.MULTILINE)


def test_every_line_of_the_fault_matrix_has_a_proof():
    lines = re.findall(r"^\| .*", MATRIX.split("\n\nAll of it", 1)[0], re.MULTILINE)[1:]
    assert len(lines) > 20 and all(re.search(r"\.py::test_\w+` \|$", line) for line in lines)
