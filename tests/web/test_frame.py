"""The frame around every page: its links, themes and keys, by keyboard, and where nobody has built it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.processes import PATIENCE_S, ROOT, address_of, running, start
from tests.web.axe import violations
from tests.web.browser import TABLET, Faults, strict_page

PAGES = {
    "Worklist": "#/",
    "Batch": "#/batch",
    "Models": "#/models",
    "Compare": "#/compare",
    "Status": "#/status",
}


def open_page(page: Page, place: str = "") -> None:
    page.goto(f"/{place}")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


@pytest.mark.parametrize(("name", "place"), PAGES.items())
def test_a_link_leads_to_each_page_and_says_where_one_is(page: Page, name: str, place: str):
    open_page(page)
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name=name)
    link.click()
    expect(page).to_have_url(f"{page.url.split('#')[0]}{place}")
    expect(link).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)


@pytest.mark.parametrize("place", PAGES.values())
def test_research_use_only_is_in_sight_everywhere(page: Page, place: str):
    open_page(page, place)
    expect(page.get_by_text("Research use only", exact=True).first).to_be_in_viewport()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("place", PAGES.values())
def test_axe_finds_no_violation(page: Page, place: str, theme: str):
    open_page(page, place)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if theme == "light":
        page.get_by_role("button", name="Light").click()
    assert violations(page) == []


def test_the_chosen_theme_is_kept(page: Page):
    open_page(page)
    assert background(page) == "rgb(13, 17, 22)"
    page.get_by_role("button", name="Light").click()
    page.reload()
    expect(page.get_by_role("button", name="Dark")).to_be_visible()
    assert background(page) == "rgb(244, 246, 248)"


def test_the_first_key_press_offers_to_skip_to_the_content(page: Page):
    open_page(page)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


@pytest.mark.parametrize("size", [(1280, 720), TABLET])
@pytest.mark.parametrize("place", PAGES.values())
def test_nothing_is_cut_off_at_the_side(browser: Browser, address: str, size: tuple[int, int], place: str):
    with strict_page(browser, address, size=size) as (page, _):
        open_page(page, place)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert (
            page.evaluate("const main = document.querySelector('main'); main.scrollWidth - main.clientWidth")
            <= 0
        )


def test_a_script_that_was_slipped_in_does_not_run(page: Page, faults: Faults):
    faults.forgive("Content Security Policy")
    open_page(page)
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'slipped = 1'}))"
    )
    assert page.evaluate("typeof slipped") == "undefined"
    assert len(faults.found) == 1


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, built: Path, bundles: Path) -> Iterator[tuple[str, str]]:
    """A service that asks for a key, and one that it takes."""
    data_dir = tmp_path_factory.mktemp("locked")
    with running("serve", "--port", "0", data_dir=data_dir, bundles=bundles, anonymous="never") as process:
        address = address_of(process)
        command = [sys.executable, "-m", "service.cli", "keys", "add", "reader", "--scope", "score"]
        environment = {**os.environ, "ATYPIA_DATA_DIR": str(data_dir)}
        made = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        yield address, made.stdout.strip()


def test_a_service_with_keys_asks_for_one_and_opens_with_it(browser: Browser, locked: tuple[str, str]):
    address, key = locked
    with strict_page(browser, address) as (page, faults):
        faults.forgive("status of 401")
        page.goto("/")
        dialog = page.get_by_role("dialog", name="This service asks who you are")
        expect(dialog).to_be_visible()
        assert violations(page) == []
        dialog.get_by_label("API key").fill(key)
        page.keyboard.press("Enter")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        expect(dialog).to_be_hidden()
        page.reload()
        expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_a_wrong_key_is_asked_for_again(browser: Browser, locked: tuple[str, str]):
    address, _ = locked
    with strict_page(browser, address) as (page, faults):
        faults.forgive("status of 401")
        page.goto("/")
        page.get_by_label("API key").fill("atypia_0_wrong")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("alert")).to_have_text("The service did not accept the key that was given.")
        expect(page.get_by_label("API key")).to_have_value("")


def test_without_a_built_page_the_service_says_how_to_build_it(browser: Browser, unbuilt: str):
    with strict_page(browser, unbuilt) as (page, faults):
        faults.forgive("favicon.ico")
        page.goto("/")
        expect(page.get_by_text("scripts/web")).to_be_visible()
        assert violations(page) == []
        page.get_by_role("link", name="The interface for programs").click()
        expect(page).to_have_url(f"{unbuilt}/docs")


@pytest.fixture
def unbuilt(tmp_path: Path, bundles: Path) -> Iterator[str]:
    """A service that finds no built page."""
    code = (
        "import pathlib; from service.api import page_routes; page_routes.BUILT = pathlib.Path('nowhere');"
        "from service.cli import main; main()"
    )
    process = start("serve", "--port", "0", code=code, data_dir=tmp_path / "data", bundles=bundles)
    yield address_of(process)
    process.terminate()
    process.communicate(timeout=PATIENCE_S)


def background(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour
