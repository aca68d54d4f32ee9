"""What a reader does with the page, step by step."""

from pathlib import Path

from playwright.sync_api import FilePayload, Locator, Page, expect

PATIENCE_MS = 120_000


def open_worklist(page: Page) -> None:
    """The first page, once it has been told of all jobs."""
    page.goto("/")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    empty = page.get_by_role("heading", name="See where an image departs from normal")
    expect(page.get_by_role("grid").or_(empty)).to_be_visible()


def choose(page: Page, name: str, content: bytes, *, model: str = "") -> None:
    """Send one file by the button, to be scored by `model`, or by the one that fits."""
    if model:
        page.get_by_label("Score with").select_option(model)
    file = FilePayload(name=name, mimeType="application/octet-stream", buffer=content)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files(file)


def row_of(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def open_result(page: Page, name: str) -> None:
    """Wait until the image is scored, and look at it."""
    row = row_of(page, name)
    expect(row).to_contain_text("Done", timeout=PATIENCE_MS)
    row.get_by_role("link", name=name, exact=True).click()
    expect(heatmap_pane(page)).to_be_visible(timeout=PATIENCE_MS)


def heatmap_pane(page: Page) -> Locator:
    return page.get_by_role("img", name="Image with heatmap", exact=True)


def image_pane(page: Page) -> Locator:
    """The same slice without the heatmap."""
    return page.get_by_role("img", name="Image", exact=True)


def drag_to_end(page: Page, name: str) -> None:
    """Drag a slider's thumb to the right as far as it goes, and beyond."""
    slider = page.get_by_role("slider", name=name)
    box = slider.bounding_box()
    assert box is not None
    share = float(slider.input_value()) / float(slider.get_attribute("max") or "1")
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8 + share * (box["width"] - 16), middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 20, middle, steps=4)
    page.mouse.up()


def drop(page: Page, *paths: Path) -> None:
    """Drop files or folders on the middle of the window, as a file manager does."""
    devtools = page.context.new_cdp_session(page)
    dragged = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for step in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": step, "x": 640, "y": 360, "data": dragged})
