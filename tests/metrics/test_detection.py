"""Average precision and Dice of detections against scikit-learn, brute force and closed forms."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from disentangle.metrics.detection import counted, dice


def test_the_histogram_agrees_with_scikit_learn():
    generator = np.random.default_rng(0)
    truth = generator.random(200_000) < 0.03
    scores = (generator.random(200_000) + 0.4 * truth).astype(np.float32)
    assert counted(scores, truth).average_precision == pytest.approx(average_precision_score(truth, scores), abs=2e-3)


def test_it_is_exact_where_every_score_has_its_bin_ties_included():
    generator = np.random.default_rng(1)
    truth, scores = generator.random(500) < 0.2, generator.integers(0, 40, 500) / 40
    assert counted(scores, truth).average_precision == pytest.approx(average_precision_score(truth, scores))


def test_a_random_score_has_the_prevalence_and_a_perfect_one_1():
    generator = np.random.default_rng(2)
    truth = generator.random(400_000) < 0.05
    assert counted(generator.random(400_000), truth).average_precision == pytest.approx(truth.mean(), rel=0.03)
    assert counted(truth.astype(float), truth).average_precision == 1
    assert counted(np.zeros(400_000), truth).average_precision == pytest.approx(truth.mean())


def test_without_a_lesion_there_is_no_average_precision():
    assert np.isnan(counted(np.arange(5.0), np.zeros(5, bool)).average_precision)


def test_dice_over_thresholds_is_that_of_brute_force():
    generator = np.random.default_rng(3)
    truth, scores = generator.random(300) < 0.3, generator.random(300).astype(np.float32)
    found = counted(scores, truth)
    assert [dice(scores >= t, truth) for t in found.thresholds] == pytest.approx(found.dice)


def test_scores_that_are_not_finite_or_of_another_grid_are_refused():
    with pytest.raises(ValueError, match="1 of 3 scores are not finite"):
        counted([0, np.nan, 1], [0, 1, 1])
    with pytest.raises(ValueError, match="equally many"):
        counted(np.zeros(3), np.zeros(4))


def test_two_empty_detections_agree():
    assert dice(np.zeros(4, bool), np.zeros(4, bool)) == 1
    assert dice(np.array([True, True, False]), np.array([True, False, False])) == pytest.approx(2 / 3)
