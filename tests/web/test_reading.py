"""From a file to an understood heatmap, as a reader does it."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.processes import ROOT
from tests.service.uploads_builder import nifti_bytes
from tests.web import lesions
from tests.web.axe import violations
from tests.web.browser import TABLET, Faults, strict_page
from tests.web.pixels import brightest_spot, coloured, grown, picture
from tests.web.reading import (
    choose,
    drag_to_end,
    drop,
    heatmap_pane,
    image_pane,
    open_result,
    open_worklist,
    row_of,
)

SAMPLE = ROOT / "docs" / "images" / "sample-chest-xray.dcm"
TINY = "tiny@1.0.0"
HEIGHTS = "cell => [...cell.querySelectorAll('*')].map(one => one.getBoundingClientRect().height)"
# By the name that the page gives them; the zip has its folder's.
IMAGES = {
    "picture.png": lesions.png,
    "x-ray.dcm": lesions.x_ray,
    "ct": lesions.ct_zip,
    "volume.nii": lesions.nifti,
}


@pytest.mark.parametrize("name", IMAGES)
def test_the_heatmap_lies_over_the_lesion_and_nowhere_else(page: Page, name: str):
    open_worklist(page)
    choose(page, name, IMAGES[name](), model=TINY)
    open_result(page, name)
    page.get_by_role("combobox", name="Window").select_option("Full range")
    before = picture(heatmap_pane(page))
    lesion = brightest_spot(picture(image_pane(page)))
    drag_to_end(page, "Shown above")
    heat = coloured(before) & ~coloured(picture(heatmap_pane(page)))
    # The blur reaches one of the network's pixels beyond the lesion's two, and its drawing another half.
    reach = grown(lesion, lesion[1].stop - lesion[1].start)
    assert heat[lesion].mean() > 0.8
    assert heat.sum() == heat[reach].sum()


def test_a_picture_without_its_heatmap_is_the_picture(page: Page):
    open_worklist(page)
    choose(page, "switch.png", lesions.png(), model=TINY)
    open_result(page, "switch.png")
    lesion = brightest_spot(picture(image_pane(page)))
    assert coloured(picture(heatmap_pane(page)))[lesion].any()
    page.get_by_role("button", name="Heatmap", exact=True).click()
    hidden = page.get_by_role("img", name="Image, heatmap hidden")
    np.testing.assert_array_equal(picture(hidden)[lesion], picture(image_pane(page))[lesion])


@pytest.mark.parametrize("name", IMAGES)
def test_what_is_taken_home_is_what_was_shown(page: Page, name: str):
    open_worklist(page)
    choose(page, name, IMAGES[name](), model=TINY)
    open_result(page, name)
    with page.expect_download() as download:
        page.get_by_role("button", name="Everything").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        result = json.loads(archive.read("result.json"))
        assert {"anomaly_map.nii.gz", "overlay.png"} <= set(archive.namelist())
    column, row, _ = result["findings"][0]["centroid_voxels"]
    assert (round(column), round(row)) == pytest.approx((168, 56), abs=1)
    assert f"{result['job_id'][:8]}" in download.value.suggested_filename


def test_the_sample_is_one_click_from_a_score_that_says_what_it_means(page: Page):
    open_worklist(page)
    drop(page, SAMPLE)
    open_result(page, SAMPLE.name)
    meaning = page.get_by_role("region", name="What the result means")
    expect(meaning).to_contain_text("held-out normal images")
    expect(meaning.get_by_text("Research use only; not a diagnosis.")).to_be_visible()
    expect(meaning.get_by_role("heading", name="Beside held-out normals")).to_be_visible()


def test_an_operating_point_that_allows_more_alarms_flags_what_another_does_not(page: Page):
    open_worklist(page)
    # Noise: the tiny bundle's score of it is above every threshold.
    choose(page, "noise.nii", nifti_bytes(shape=(64, 64, 3)), model=TINY)
    open_result(page, "noise.nii")
    verdict = page.get_by_role("status").filter(has=page.get_by_role("heading", level=2))
    expect(verdict).to_contain_text("Flagged")
    expect(verdict).to_contain_text("5 %")
    page.get_by_role("radio", name="10 %").check()
    expect(verdict).to_contain_text("10 %")


def test_a_job_says_how_far_it_is_until_it_is_done(page: Page):
    open_worklist(page)
    choose(page, "slow.nii", nifti_bytes(shape=(96, 96, 300)), model="tiny-slow@1.0.0")
    row = row_of(page, "slow.nii")
    expect(row.get_by_role("progressbar", name="Scored")).to_be_visible(timeout=30_000)
    expect(row).to_contain_text(" %")
    expect(row).to_contain_text("Done", timeout=60_000)
    expect(row).to_contain_text("percentile")


def test_what_no_model_is_for_says_so_and_can_be_scored_all_the_same(page: Page, faults: Faults):
    open_worklist(page)
    faults.forgive("status of 422")
    choose(page, "ct", lesions.ct_zip(), model="chest-xray-atlas@1.1.0")
    page.get_by_role("button", name="Score anyway ct").click()
    page.get_by_role("dialog").get_by_role("button", name="Score anyway").click()
    open_result(page, "ct")
    expect(page.get_by_role("region", name="What the result means")).to_contain_text("scope")


def test_no_step_needs_a_mouse(page: Page, tmp_path: Path):
    path = tmp_path / "by-keys.png"
    path.write_bytes(lesions.png())
    open_worklist(page)
    page.get_by_role("combobox", name="Score with").focus()
    page.keyboard.type("tiny@")
    page.get_by_role("button", name="Choose files").focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(path)
    expect(row_of(page, path.name)).to_contain_text("Done", timeout=60_000)
    row_of(page, path.name).get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(heatmap_pane(page)).to_be_visible()
    before = picture(heatmap_pane(page)).astype(np.int16)
    page.keyboard.press("h")
    expect(page.get_by_role("img", name="Image, heatmap hidden")).to_be_visible()
    page.keyboard.press("h")
    # Letters are not drawn to the same level twice.
    np.testing.assert_allclose(picture(heatmap_pane(page)), before, atol=20)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", ["x-ray.dcm", "ct"])
def test_axe_finds_no_violation_beside_a_result(page: Page, name: str, theme: str):
    open_worklist(page)
    choose(page, name, IMAGES[name](), model=TINY)
    expect(row_of(page, name)).to_contain_text("Done", timeout=60_000)
    if theme == "light":
        page.get_by_role("button", name="Light").click()
    assert violations(page) == []
    open_result(page, name)
    assert violations(page) == []


def test_the_list_looks_the_same_after_a_result_was_looked_at(page: Page):
    open_worklist(page)
    choose(page, "back.png", lesions.png(), model=TINY)
    row = row_of(page, "back.png")
    expect(row).to_contain_text("percentile", timeout=60_000)
    score = row.get_by_role("gridcell").filter(has_text="percentile")
    before = score.evaluate(HEIGHTS)
    open_result(page, "back.png")
    page.go_back()
    expect(score).to_be_visible()
    after = score.evaluate(HEIGHTS)
    assert after == before


@pytest.mark.parametrize("layout", ["Planes", "3-D"])
def test_a_volume_is_drawn_in_every_layout(page: Page, layout: str):
    open_worklist(page)
    choose(page, "volume.nii", lesions.nifti(), model=TINY)
    open_result(page, "volume.nii")
    page.get_by_role("button", name=layout, exact=True).click()
    canvas = page.get_by_role("region", name="Image").locator("canvas")
    expect(canvas).to_have_count(1)
    page.wait_for_timeout(2000)
    assert picture(canvas).max() > 100


def test_a_tablet_has_room_for_picture_and_meaning(browser: Browser, address: str):
    with strict_page(browser, address, size=TABLET, has_touch=True) as (page, _):
        open_worklist(page)
        choose(page, "volume.nii", lesions.nifti(), model=TINY)
        open_result(page, "volume.nii")
        assert page.evaluate("document.documentElement.scrollWidth") == TABLET[0]
        box = heatmap_pane(page).bounding_box()
        assert box is not None and box["width"] > 250 and box["height"] > 250
        expect(page.get_by_role("heading", level=2).first).to_be_in_viewport()
