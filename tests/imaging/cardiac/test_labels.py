"""Label numbers are mapped to names, and anatomy refuses a wrong map."""

from itertools import permutations

import numpy as np
import pytest

from disentangle.imaging.cardiac import labels as names


def test_both_orders_give_the_same_names():
    acdc = np.array([0, 1, 2, 3])
    assert list(names.rename(acdc, "acdc", "a")) == [0, names.RV, names.MYO, names.LV]
    assert list(names.rename(acdc, "mnms", "a")) == [0, names.LV, names.MYO, names.RV]


@pytest.mark.parametrize("strange", [4, 421, 0.5, -1])
def test_a_number_that_means_nothing_is_refused(strange: float):
    with pytest.raises(names.CardiacError, match="case 7.*not known"):
        names.rename(np.array([0, 1, 2, 3, strange]), "acdc", "case 7")


def test_an_unknown_order_is_refused():
    with pytest.raises(names.CardiacError, match="'brats'"):
        names.rename(np.array([0]), "brats", "a")


def test_only_the_right_map_of_six_has_myo_around_lv(heart):
    _, labels = heart()
    passed = []
    for order in permutations((1, 2, 3)):
        swapped = np.choose(labels, [0, *order]).astype(np.uint8)
        try:
            names.check_structures(swapped, "case")
            passed.append(order)
        except names.CardiacError as error:
            assert "rim of LV" in str(error)
    assert passed == [(1, 2, 3)]


def test_a_ring_encloses_all_and_half_a_ring_half():
    square = np.zeros((1, 20, 20), np.uint8)
    square[0, 5:15, 5:15] = names.MYO
    square[0, 7:13, 7:13] = names.LV
    assert names.enclosed_share(square) == 1
    square[0, :10][square[0, :10] == names.MYO] = 0
    assert names.enclosed_share(square) == pytest.approx(0.5)
    assert np.isnan(names.enclosed_share(np.zeros((1, 4, 4), np.uint8)))


def test_an_empty_mask_and_a_missing_structure_are_refused(heart):
    _, labels = heart()
    with pytest.raises(names.CardiacError, match="empty in all 4 slices"):
        names.check_structures(np.zeros_like(labels), "case")
    labels[labels == names.RV] = 0
    with pytest.raises(names.CardiacError, match="no pixel of RV"):
        names.check_structures(labels, "case")
