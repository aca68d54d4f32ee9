import numpy as np

from training.lesions import count_lesions

SMALL, MIDDLE, LARGE = "up to 10 mm³", "11 to 50 mm³", "above 50 mm³"


def reference() -> np.ndarray:
    """Lesions of 8, 27 and 64 voxels."""
    mask = np.zeros((20, 20, 20), bool)
    mask[1:3, 1:3, 1:3] = mask[6:9, 6:9, 6:9] = mask[12:16, 12:16, 12:16] = True
    return mask


def test_lesions_are_counted_by_their_size_in_millimetres():
    count = count_lesions(reference(), reference(), voxel_mm3=1.0)
    assert count.lesions == count.found == {SMALL: 1, MIDDLE: 1, LARGE: 1}
    assert count_lesions(reference(), reference(), voxel_mm3=0.1).lesions == {SMALL: 3, MIDDLE: 0, LARGE: 0}


def test_one_voxel_of_a_lesion_is_enough_and_none_is_not():
    predicted = np.zeros((20, 20, 20), bool)
    predicted[8, 8, 8] = True
    count = count_lesions(predicted, reference(), voxel_mm3=1.0)
    assert (count.found, count.false_alarms) == ({SMALL: 0, MIDDLE: 1, LARGE: 0}, 0)


def test_a_region_beside_every_lesion_is_a_false_alarm_once():
    predicted = reference()
    predicted[18, 1:9, 1:9] = True
    predicted[1, 18, 18] = predicted[2, 19, 19] = True  # they join by a corner
    assert count_lesions(predicted, reference(), voxel_mm3=1.0).false_alarms == 2
    assert count_lesions(predicted, reference(), voxel_mm3=1.0, min_voxels=3).false_alarms == 1


def test_a_speck_finds_nothing():
    predicted = np.zeros((20, 20, 20), bool)
    predicted[7, 7, 7] = True
    assert sum(count_lesions(predicted, reference(), voxel_mm3=1.0, min_voxels=3).found.values()) == 0


def test_a_region_over_two_lesions_finds_both():
    predicted = np.zeros((20, 20, 20), bool)
    predicted[2:13, 2:13, 2:13] = True
    count = count_lesions(predicted, reference(), voxel_mm3=1.0)
    assert (sum(count.found.values()), count.false_alarms) == (3, 0)


def test_scans_are_added_up():
    one = count_lesions(reference(), reference(), voxel_mm3=1.0)
    assert (one + one).lesions == {SMALL: 2, MIDDLE: 2, LARGE: 2}
    assert one.lesions[SMALL] == 1
