import numpy as np
import pytest

from inference.findings import MAX_FINDINGS, find_regions

# Columns 0.5 mm, rows 0.8 mm, slices 2 mm apart; the first voxel lies at (10, 20, 30).
AFFINE = np.array([[0.5, 0, 0, 10], [0, 0.8, 0, 20], [0, 0, 2, 30], [0, 0, 0, 1.0]])


def volume_with_block() -> np.ndarray:
    """Voxels of 4 in slices 1 and 2, rows 3 and 4, columns 5 to 7."""
    anomaly_map = np.zeros((4, 8, 10))
    anomaly_map[1:3, 3:5, 5:8] = 4.0
    return anomaly_map


def test_a_block_is_given_in_voxels_as_column_row_slice():
    (finding,) = find_regions(volume_with_block(), threshold=1.0, affine=AFFINE)
    assert finding.box_voxels == ((5, 3, 1), (7, 4, 2))
    assert finding.centroid_voxels == (6.0, 3.5, 1.5)
    assert (finding.size_voxels, finding.peak, finding.mean) == (12, 4.0, 4.0)


def test_a_block_lies_where_its_affine_puts_it_in_millimetres():
    (finding,) = find_regions(volume_with_block(), threshold=1.0, affine=AFFINE)
    np.testing.assert_allclose(finding.box_mm, ((12.5, 22.4, 32.0), (13.5, 23.2, 34.0)))
    np.testing.assert_allclose(finding.centroid_mm, (13.0, 22.8, 33.0))
    assert finding.size_mm == pytest.approx(12 * 0.5 * 0.8 * 2)


def test_a_flipped_axis_still_gives_a_box_from_low_to_high():
    flipped = AFFINE @ np.diag([-1.0, 1, 1, 1])
    (finding,) = find_regions(volume_with_block(), threshold=1.0, affine=flipped)
    assert finding.box_mm is not None
    assert (finding.box_mm[0][0], finding.box_mm[1][0]) == (6.5, 7.5)


def test_the_size_of_a_single_slice_is_an_area_whatever_its_thickness():
    anomaly_map = np.zeros((1, 8, 8))
    anomaly_map[0, 2:4, 2:5] = 1.0
    (finding,) = find_regions(anomaly_map, threshold=0.5, affine=AFFINE)
    assert finding.size_mm == pytest.approx(6 * 0.5 * 0.8)


def test_an_image_without_geometry_has_no_millimetres():
    (finding,) = find_regions(volume_with_block(), threshold=1.0, affine=None)
    assert (finding.box_mm, finding.centroid_mm, finding.size_mm) == (None, None, None)


def test_the_centroid_is_drawn_towards_the_higher_values():
    (finding,) = find_regions(np.array([[[0.0, 3.0, 5.0, 0.0]]]), threshold=2.0, affine=None)
    assert finding.centroid_voxels == (1.75, 0.0, 0.0)  # excesses 1 and 3


def test_a_map_of_negative_values_has_its_centroid_inside_the_region():
    (finding,) = find_regions(np.array([[[-9.0, -2.0, -4.0, -9.0]]]), threshold=-5.0, affine=None)
    assert finding.centroid_voxels == (1.25, 0.0, 0.0)  # excesses 3 and 1


def test_regions_come_with_the_highest_peak_first():
    anomaly_map = np.zeros((1, 1, 9))
    anomaly_map[0, 0, [0, 4, 8]] = 2.0, 5.0, 3.0
    assert [finding.peak for finding in find_regions(anomaly_map, threshold=1.0, affine=None)] == [5, 3, 2]


def test_voxels_that_touch_at_a_corner_are_one_region():
    assert len(find_regions(np.eye(3)[None], threshold=0.5, affine=None)) == 1


def test_a_value_at_the_threshold_is_not_above_it():
    assert find_regions(np.ones((1, 2, 2)), threshold=1.0, affine=None) == []


def test_specks_are_left_out():
    anomaly_map = np.zeros((1, 1, 9))
    anomaly_map[0, 0, [0, 4, 5]] = 1.0
    (finding,) = find_regions(anomaly_map, threshold=0.5, affine=None, min_voxels=2)
    assert finding.box_voxels == ((4, 0, 0), (5, 0, 0))


def test_no_more_findings_are_given_than_a_person_would_read():
    anomaly_map = np.zeros((1, 1, 4 * MAX_FINDINGS))
    anomaly_map[0, 0, ::2] = 1.0
    assert len(find_regions(anomaly_map, threshold=0.5, affine=None)) == MAX_FINDINGS
