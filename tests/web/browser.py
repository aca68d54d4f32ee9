"""A real browser that forgives nothing: no error on its console, no broken policy, no request to others."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.system_packages import program

DESKTOP = (1280, 720)
TABLET = (1024, 768)
# WebGL by software, since no test machine has a display; and none of what a browser asks for of itself.
_ARGUMENTS = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """The system's Chromium: Playwright's own cannot be had from a registry of packages."""
    executable = program("chromium", "Debian's chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*_ARGUMENTS])
        yield browser
        browser.close()


@dataclass
class Faults:
    """What a page did wrong so far."""

    address: str
    found: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)

    def forgive(self, pattern: str) -> None:
        """Take faults like this one as what the test is about."""
        self.forgiven.append(pattern)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._note_console)
        context.on("weberror", lambda fault: self.found.append(f"uncaught: {fault.error}"))
        context.on("request", self._note_request)

    def left(self) -> list[str]:
        return [fault for fault in self.found if not any(re.search(one, fault) for one in self.forgiven)]

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.found.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "blob:", "data:")):
            self.found.append(f"asked another than the service: {request.url}")


@contextmanager
def strict_page(
    browser: Browser, address: str, *, size: tuple[int, int] = DESKTOP, has_touch: bool = False
) -> Iterator[tuple[Page, Faults]]:
    """A page in a profile of its own, for the service at `address`; a fault that is left fails the test."""
    width, height = size
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": height}, has_touch=has_touch
    )
    context.set_default_timeout(10_000)
    faults = Faults(address)
    faults.watch(context)
    page = context.new_page()
    # Else the dialog is taken over only as a test begins to wait for it, and a quick key press comes first.
    page.on("filechooser", lambda _: None)
    try:
        yield page, faults
    finally:
        context.close()
    left = faults.left()
    assert left == [], left
