"""From a file to an understood heatmap, as a reader does it."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.processes import ROOT
from tests.web import lesions
from tests.web.axe import violations
from tests.web.pixels import brightest_spot, coloured, grown, picture
from tests.web.reading import choose, heatmap_pane, image_pane, open_result, open_worklist, row_of, drag_to_end

SAMPLE = ROOT / "docs" / "images" / "sample-chest-xray.dcm"
TINY = "tiny@1.0.0"
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
    reach = grown(lesion, (lesion[1].stop - lesion[1].start))
    assert heat[lesion].mean() > 0.8
    assert heat.sum() == heat[reach].sum()


def test_a_picture_without_its_heatmap_is_grey(page: Page):
    open_worklist(page)
    choose(page, "switch.png", lesions.png(), model=TINY)
    open_result(page, "switch.png")
    lesion = brightest_spot(picture(image_pane(page)))
    assert coloured(picture(heatmap_pane(page)))[lesion].any()
    page.get_by_role("button", name="Heatmap", exact=True).click()
    hidden = page.get_by_role("img", name="Image, heatmap hidden")
    np.testing.assert_array_equal(picture(hidden)[lesion], picture(image_pane(page))[lesion])
