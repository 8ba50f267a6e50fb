"""Dice and HD95 against brute force, closed forms and MONAI; the released score against its formula."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from scipy.spatial.distance import cdist

from disentangle.metrics.segmentation import (
    dice_by_slice,
    dice_by_volume,
    hausdorff_95_mm,
    overlap,
    released_dice,
)

NAMES = {"RV": 1, "MYO": 2, "LV": 3}


@pytest.fixture
def truth() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, (8, 12, 12))


@pytest.fixture
def volumes() -> pd.DataFrame:
    return pd.DataFrame({"subject": list("aaaabbbb"), "phase": ["ED", "ED", "ES", "ES"] * 2})


def test_a_perfect_prediction_has_dice_one_everywhere(truth, volumes):
    assert (dice_by_volume(truth, truth, volumes, NAMES) == 1).all(axis=None)
    assert (dice_by_slice(truth, truth, NAMES) == 1).all(axis=None)


def test_an_empty_prediction_has_dice_zero_and_an_empty_truth_has_none(truth, volumes):
    assert (dice_by_volume(truth, np.zeros_like(truth), volumes, NAMES) == 0).all(axis=None)
    without = np.where(truth == 1, 0, truth)
    without[4:] = truth[4:]
    found = dice_by_volume(without, truth, volumes, NAMES)
    assert found["RV"].isna().tolist() == [True, True, False, False]
    assert found[["MYO", "LV"]].notna().all(axis=None)


def test_a_shifted_square_overlaps_by_the_share_that_stays():
    square = np.zeros((1, 20, 20), int)
    square[0, 4:14, 4:14] = 3
    assert dice_by_slice(square, np.roll(square, 3, axis=2), NAMES)["LV"].item() == pytest.approx(0.7)


def test_volume_dice_is_that_of_all_voxels_counted_by_hand_and_not_the_mean_of_slices(truth, volumes):
    predicted = np.random.default_rng(1).integers(0, 4, truth.shape)
    predicted[0] = truth[0]
    found = dice_by_volume(truth, predicted, volumes, NAMES)
    for (subject, phase), row in found.iterrows():
        mine = ((volumes.subject == subject) & (volumes.phase == phase)).to_numpy()
        for name, label in NAMES.items():
            pairs = list(zip(truth[mine].ravel().tolist(), predicted[mine].ravel().tolist(), strict=True))
            both = sum(t == label and p == label for t, p in pairs)
            assert row[name] == pytest.approx(2 * both / sum((t == label) + (p == label) for t, p in pairs))
    by_slice = dice_by_slice(truth, predicted, NAMES)
    assert found.loc[("a", "ED"), "LV"] != pytest.approx(by_slice["LV"][:2].mean(), abs=1e-6)


def test_dice_agrees_with_monai(truth, volumes):
    import torch
    from monai.metrics import DiceMetric

    predicted = np.random.default_rng(1).integers(0, 4, truth.shape)
    one_hot = [np.eye(4)[labels[:2]].transpose(3, 0, 1, 2)[None] for labels in (predicted, truth)]
    expected = DiceMetric(include_background=False, reduction="none")(*map(torch.from_numpy, one_hot))[0]
    assert dice_by_volume(truth, predicted, volumes, NAMES).loc[("a", "ED")].tolist() == pytest.approx(
        expected.tolist()
    )


def test_shuffled_predictions_score_the_share_of_pixels():
    rng = np.random.default_rng(0)
    truth, predicted = (rng.choice(4, (4, 100, 100), p=(0.4, 0.3, 0.2, 0.1)) for _ in range(2))
    found = dice_by_volume(truth, predicted, pd.DataFrame({"subject": list("aaaa")}), NAMES).loc["a"]
    # Of independent labels with share p, Dice is 2 p p / (p + p) = p.
    assert found.tolist() == pytest.approx([0.3, 0.2, 0.1], abs=0.01)


def test_slices_may_have_grids_of_their_own():
    truth = [np.full((4, 6), 1), np.full((10, 3), 1)]
    predicted = [np.full((4, 6), 1), np.zeros((10, 3), int)]
    found = dice_by_volume(truth, predicted, pd.DataFrame({"subject": ["a", "a"]}), {"RV": 1})
    assert found["RV"].item() == pytest.approx(2 * 24 / (54 + 24))


def test_the_released_score_follows_its_formula_slice_by_slice():
    truth = np.zeros((3, 4, 4), int)
    truth[0, :2] = 1  # 8 pixels
    probabilities = np.zeros((3, 3, 4, 4))
    probabilities[:, 0] = 1
    probabilities[0, :, :1] = np.array([0.4, 0.6, 0.0])[:, None, None]
    probabilities[2, :, 0, 0] = [0.3, 0.0, 0.7]
    found = released_dice(truth, probabilities, ["a", "a", "b"], {"one": 1, "two": 2})
    first = (2 * 4 + 0.1) / (8 + 4 + 0.1)
    assert found.loc["a"].tolist() == pytest.approx(
        [(first + 1) / 2, 1, ((2 * 2.4 + 0.1) / (8 + 2.4 + 0.1) + 1) / 2]  # the second slice is empty, and rightly
    )
    assert found.loc["b"].tolist() == pytest.approx([1, 0.1 / 1.1, 0.1 / 0.8])


def test_one_half_rounds_to_nothing_as_in_the_release():
    truth = np.ones((1, 2, 2), int)
    assert released_dice(truth, np.full((1, 2, 2, 2), 0.5), ["a"], {"one": 1})["one"].item() == pytest.approx(0.1 / 4.1)


def test_hausdorff_is_the_percentile_of_surface_distances_by_brute_force():
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.standard_normal((2, 8, 16, 16)), (0, 1, 2, 2))
    first, second = smooth > smooth.std()
    spacing = (8.0, 1.5, 1.2)
    surfaces = [np.argwhere(m & ~ndimage.binary_erosion(m)) * spacing for m in (first, second)]
    distances = cdist(*surfaces)
    expected = max(np.percentile(distances.min(axis), 95) for axis in (0, 1))
    assert hausdorff_95_mm(first, second, spacing) == pytest.approx(expected, rel=1e-5)
    assert hausdorff_95_mm(first, first, spacing) == 0


def test_hausdorff_of_shifted_plates_is_the_shift_in_millimetres():
    plate = np.zeros((1, 30, 30), bool)
    plate[0, 5, 3:27] = True
    assert hausdorff_95_mm(plate, np.roll(plate, 4, axis=1), (5, 1.37, 1.37)) == pytest.approx(4 * 1.37)


def test_hausdorff_has_no_value_without_truth_and_no_bound_without_prediction():
    some, none = np.ones((2, 3, 3), bool), np.zeros((2, 3, 3), bool)
    assert np.isnan(hausdorff_95_mm(none, some, (1, 1, 1)))
    assert hausdorff_95_mm(some, none, (1, 1, 1)) == float("inf")
    with pytest.raises(ValueError, match="spacing is .*nan.* expected positive"):
        hausdorff_95_mm(some, some, (8, float("nan"), 1))


def test_what_does_not_fit_is_refused_with_its_place(truth, volumes):
    with pytest.raises(ValueError, match="8 true label images but 7"):
        overlap(truth, truth[:7], NAMES)
    with pytest.raises(ValueError, match=r"slice 0: the truth is \(12, 12\) but the prediction \(12, 11\)"):
        overlap(truth, truth[..., :11], NAMES)
    with pytest.raises(ValueError, match="8 slices but 7 rows"):
        dice_by_volume(truth, truth, volumes[:7], NAMES)
