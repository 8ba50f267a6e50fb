"""Scores by person: perfect, empty and shifted predictions, native grids, phases, JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest
from drawn_hearts import SLICES, drawn_hearts

from disentangle.imaging.cardiac.labels import LV, RV
from disentangle.sdnet.baselines import SegmentingUNet
from disentangle.sdnet.config import UNetConfig
from disentangle.sdnet.fitted import Fitted, segment
from disentangle.sdnet.scores import (
    hausdorff_by_person,
    lv_scores,
    released_scores_by_person,
    scores_by_person,
    sunnybrook_scores,
)
from disentangle.training import History


@pytest.fixture(scope="module")
def hearts():
    return drawn_hearts(4)


def test_the_truth_itself_scores_one_and_its_own_ejection_fraction(hearts):
    for native in (True, False):
        found = scores_by_person(hearts, hearts.labels, native)
        assert [one["subject"] for one in found] == ["p0", "p1", "p2", "p3"]
        assert [one["diagnosis"] for one in found] == ["DCM", "DCM", "NOR", "NOR"]
        for one in found:
            assert [one[name] for name in ("rv", "myo", "lv", "mean")] == [1, 1, 1, 1]
            assert one["ed"] == one["es"] == {"rv": 1, "myo": 1, "lv": 1, "mean": 1}
            assert one["ef_true"] == one["ef_predicted"]
            assert one["ef_true"] == pytest.approx(1 - 0.6**2, abs=0.05)  # discs whose radius shrinks to 0.6


def test_frames_between_do_not_count(hearts):
    wrong = hearts.labels.copy()
    wrong[hearts.samples["phase"] == "between"] = 0
    assert scores_by_person(hearts, wrong) == scores_by_person(hearts, hearts.labels)


def test_a_missed_structure_scores_zero_in_its_phase_and_half_on_average(hearts):
    predicted = np.where(hearts.labels == 255, 0, hearts.labels)
    rows = ((hearts.samples["subject"] == "p1") & (hearts.samples["phase"] == "ES")).to_numpy()
    predicted[rows] = np.where(predicted[rows] == LV, 0, predicted[rows])
    one = scores_by_person(hearts, predicted)[1]
    assert (one["es"]["lv"], one["ed"]["lv"], one["lv"]) == (0, 1, 0.5)
    assert one["mean"] == pytest.approx(2.5 / 3, abs=1e-4)
    assert one["ef_predicted"] == 1


def test_a_structure_that_nobody_drew_has_no_score(hearts):
    labels = np.where(hearts.labels == RV, 0, hearts.labels)
    found = scores_by_person(replace(hearts, labels=labels), hearts.labels)
    assert all(one["rv"] is None and one["mean"] == 1 for one in found)


def test_probabilities_and_labels_of_them_agree_where_nothing_is_interpolated(hearts):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), hearts.labels.shape).transpose(0, 3, 1, 2)
    labels = probabilities.argmax(1).astype(np.uint8)
    assert scores_by_person(hearts, probabilities) == scores_by_person(hearts, labels)


def test_the_native_truth_of_a_resampled_cohort_must_be_given(hearts):
    coarse = replace(hearts, samples=hearts.samples.assign(step_row=1.1))
    with pytest.raises(ValueError, match="labels of p0 were resampled.*native=False"):
        scores_by_person(coarse, hearts.labels)
    drawn = {
        (subject, phase): np.zeros((SLICES, 60, 56), np.uint8)
        for subject in ("p0", "p1", "p2", "p3")
        for phase in ("ED", "ES")
    }
    drawn["p2", "ED"][:, 10:20, 10:20] = LV
    found = scores_by_person(coarse, np.full(hearts.labels.shape, LV, np.uint8), drawn=drawn)
    assert found[0]["lv"] is None
    inside = 55 * 43  # pixels: the window from row 5 down to the edge (48 * 1.1 high), and 48 wide, cut to the grid
    assert found[2]["ed"]["lv"] == pytest.approx(2 * 100 / (100 + inside), rel=0.15)
    del drawn["p3", "ES"]
    with pytest.raises(ValueError, match="no slice 0 of p3 at ES"):
        scores_by_person(coarse, hearts.labels, drawn=drawn)


def test_the_released_score_of_the_truth_is_one(hearts):
    certain = np.eye(4)[np.minimum(hearts.labels, 3)].transpose(0, 3, 1, 2)
    for one in released_scores_by_person(hearts, certain):
        assert [one[name] for name in ("rv", "myo", "lv", "average")] == [1, 1, 1, 1]


def test_the_distance_of_a_shifted_heart_is_the_shift_in_millimetres(hearts):
    shifted = np.roll(np.where(hearts.labels == 255, 0, hearts.labels), 2, axis=1)
    for one in hausdorff_by_person(hearts, shifted):
        assert 1.5 <= one["lv"] <= 3.0 + 1e-6  # at most two pixels of 1.5 mm
        assert one["missed"] == 0
    missing = hausdorff_by_person(hearts, np.where(shifted == LV, 0, shifted))[0]
    assert missing["lv"] is None and missing["missed"] == 2


def test_lv_is_scored_per_slice_where_nothing_else_is_drawn(hearts):
    alone = replace(hearts, labels=np.where(hearts.labels == LV, LV, 0).astype(np.uint8))
    for one in lv_scores(alone, hearts.labels):
        assert one["lv"] == one["lv_slice"] == 1
        assert one["slices"] == {"ED": [1] * SLICES, "ES": [1] * SLICES}
    tipless = hearts.labels.copy()
    tipless[hearts.samples["slice"] == SLICES - 1] = 0
    one = lv_scores(alone, tipless)[0]
    assert one["slices"]["ED"] == [1, 1, 0]
    assert one["lv_slice"] == pytest.approx(2 / 3, abs=1e-4)
    assert one["lv"] == pytest.approx(2 * 1.64 / (1.64 + 2), abs=0.02)  # radii 1, 0.8, 0.6: the last is smallest


def test_scores_of_an_untrained_network_are_json(hearts):
    config = UNetConfig(image_size=48, base=4)
    fitted = Fitted(SegmentingUNet(config), config, History(), 0.0, False)
    found = sunnybrook_scores(fitted, hearts) + scores_by_person(hearts, segment(fitted, hearts))
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_what_cannot_be_scored_is_refused(hearts, cohort):
    with pytest.raises(ValueError, match="35 predictions for 36 images"):
        scores_by_person(hearts, hearts.labels[1:])
    with pytest.raises(ValueError, match=r"lacks the columns \['phase', 'slice'\]"):
        scores_by_person(cohort, cohort.labels)
    with pytest.raises(ValueError, match="image 0 has unknown labels"):
        scores_by_person(replace(hearts, labels=np.full_like(hearts.labels, 255)), hearts.labels)
