"""How soon the page is there: its first view on loopback, by the browser's own clock.

A cold profile for each turn, so that nothing is cached. Told are the first paint of the frame with the
worklist, the moment in which the list is known, and what came over the wire; the median and the extremes.

    python -m benchmarks.page http://127.0.0.1:8000
"""

import shutil
from typing import Annotated

import numpy as np
import typer
from playwright.sync_api import Browser, sync_playwright

app = typer.Typer(help=__doc__, no_args_is_help=True)

_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
_BYTES = """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .filter(entry => entry.initiatorType !== 'fetch')
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""


@app.command()
def first_view(
    address: Annotated[str, typer.Argument(help="Where the service is.")],
    turns: Annotated[int, typer.Option(min=1, help="Cold profiles, one after the other.")] = 9,
) -> None:
    """Milliseconds from the request to the first view, and bytes until then."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        measured = np.array([_visit(browser, address) for _ in range(turns)])
        browser.close()
    for name, values in zip(("first paint, ms", "list known, ms", "bytes"), measured.T, strict=True):
        typer.echo(f"{name}: {np.median(values):.0f} ({values.min():.0f} to {values.max():.0f})")


def _visit(browser: Browser, address: str) -> tuple[float, float, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.goto(address)
    page.get_by_text("Live", exact=True).wait_for()
    known_ms = page.evaluate("performance.now()")
    painted_ms, sent = page.evaluate(_PAINT), page.evaluate(_BYTES)
    context.close()
    return painted_ms, known_ms, sent


def _chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise typer.BadParameter("there is no Chromium on this machine")
    return found


if __name__ == "__main__":
    app()
