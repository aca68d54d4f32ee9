"""Takes the pictures of the page that the README shows; `scripts/screenshots` runs it."""

import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from PIL import Image as PillowImage
from playwright.sync_api import Page, expect

from tests.e2e.processes import ROOT, address_of, running
from tests.web.browser import running_browser, strict_page
from tests.web.reading import PATIENCE_MS, choose, drop, open_result, open_worklist, row_of

IMAGES = ROOT / "docs" / "images"
SAMPLE = IMAGES / "sample-chest-xray.dcm"
ATLAS = "chest-xray-atlas@1.1.0"
MAX_BYTES = 600_000


def take(
    volume: Annotated[Path | None, typer.Option(help="A NIfTI file to show.")] = None,
    series: Annotated[Path | None, typer.Option(help="A folder of one DICOM series to list.")] = None,
) -> None:
    """Take them into docs/images."""
    with (
        TemporaryDirectory() as data_dir,
        running("serve", "--port", "0", data_dir=data_dir) as process,
        running_browser() as browser,
        strict_page(browser, address_of(process)) as (page, faults),
    ):
        faults.forgive("status of 422")
        open_worklist(page)
        keep(page, "empty")
        drop(page, SAMPLE)
        open_result(page, SAMPLE.name)
        keep(page, "x-ray")
        page.go_back()
        if series:
            score_anyway(page, "ct", zipped(series))
        if volume:
            score_anyway(page, volume.name, volume.read_bytes())
            open_result(page, volume.name)
            page.get_by_role("button", name="Planes", exact=True).click()
            page.wait_for_timeout(3000)  # NiiVue does not tell when it has drawn
            keep(page, "volume")
            page.go_back()
        expect(row_of(page, SAMPLE.name)).to_contain_text("Done")
        keep(page, "worklist")


def score_anyway(page: Page, name: str, content: bytes) -> None:
    """Both shipped models are for chest X-rays: other images are scored because somebody insists."""
    choose(page, name, content, model=ATLAS)
    page.get_by_role("button", name=f"Score anyway {name}").click(timeout=PATIENCE_MS)
    page.get_by_role("dialog").get_by_role("button", name="Score anyway").click()
    # Where only the worker found out, what failed stays in the list beside what is scored now.
    failed = page.get_by_role("row").filter(has_text=name).filter(has_text="Failed")
    if failed.count():
        failed.get_by_role("button", name=f"Delete {name}").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(failed).to_have_count(0)


def zipped(folder: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"ct/{path.name}")
    return out.getvalue()


def keep(page: Page, name: str) -> None:
    """Write what is on the screen."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)
    path = IMAGES / f"page-{name}.png"
    with PillowImage.open(io.BytesIO(page.screenshot())) as shot:
        shot.convert("RGB").save(path, optimize=True)
    assert path.stat().st_size < MAX_BYTES


if __name__ == "__main__":
    typer.run(take)
