"""A service with the shipped bundles and a tiny one, its built page, and a browser that looks at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.processes import ROOT, address_of, running
from tests.service.bundle_builder import SLOW, make_bundle
from tests.system_packages import lacking
from tests.web.browser import Faults, running_browser, strict_page

WEB = ROOT / "service" / "web"


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the built page."""
    if not (WEB / "dist" / "index.html").is_file():
        lacking("built page (see scripts/web)")
    return WEB / "dist"


@pytest.fixture(scope="session")
def page_bundles(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The shipped ones, `tiny`, whose map is known for any image, and `tiny-slow`, which takes its time."""
    folder = tmp_path_factory.mktemp("page-bundles")
    make_bundle(folder)
    make_bundle(folder, name="tiny-slow", steps=SLOW)
    return f"{ROOT / 'bundles'}:{folder}"


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, built: Path, page_bundles: str) -> Iterator[str]:
    """Where the service is."""
    data_dir = tmp_path_factory.mktemp("page-data")
    with running("serve", "--port", "0", data_dir=data_dir, bundles=page_bundles) as process:
        yield address_of(process)


# Not for the whole session: Playwright's event loop would be in the way of asynchronous tests elsewhere.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[tuple[Page, Faults]]:
    with strict_page(browser, address) as opened:
        yield opened


@pytest.fixture
def page(opened: tuple[Page, Faults]) -> Page:
    page, _ = opened
    return page


@pytest.fixture
def faults(opened: tuple[Page, Faults]) -> Faults:
    _, faults = opened
    return faults
