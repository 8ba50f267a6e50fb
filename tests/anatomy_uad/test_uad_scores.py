"""Scores of people: each number against what it must be on maps drawn by hand."""

import numpy as np
import pytest

from disentangle.anatomy_uad import scores
from disentangle.anatomy_uad.scores import Scored


def two_people(maps, truth) -> Scored:
    maps, truth = np.asarray(maps, np.float32), np.asarray(truth, bool)
    return Scored(maps, truth, np.ones_like(truth), np.array(["a", "b"]), 2.5)


@pytest.fixture
def spots() -> Scored:
    """A lesion of 4 x 4 pixels in the first person, of 2 x 1 in the second, both scored at 1 with one false pixel."""
    truth = np.zeros((2, 20, 20), bool)
    truth[0, 2:6, 2:6] = truth[1, 10:12, 10] = True
    maps = truth.astype(np.float32)
    maps[:, 15, 15] = 1
    return two_people(maps, truth)


def test_a_random_score_has_the_prevalence_as_average_precision():
    generator = np.random.default_rng(0)
    truth = generator.random((2, 300, 300)) < [[[0.1]], [[0.02]]]
    found = two_people(generator.random(truth.shape), truth)
    assert scores.average_precisions(found) == pytest.approx(scores.prevalences(found), rel=0.1)
    assert scores.pooled_average_precision(found) == pytest.approx(truth.mean(), rel=0.05)


def test_precision_of_16_of_17_and_2_of_3_pixels(spots):
    assert scores.average_precisions(spots) == pytest.approx([16 / 17, 2 / 3])
    assert scores.pooled_average_precision(spots) == pytest.approx(18 / 20)
    assert scores.dices(spots, 0.5) == pytest.approx([32 / 33, 4 / 5])
    assert scores.best_threshold(spots) == 1


def test_a_person_without_a_lesion_has_no_average_precision_and_is_named_in_no_lesion_table():
    found = two_people(np.zeros((2, 8, 8)), np.zeros((2, 8, 8)))
    assert np.isnan(scores.average_precisions(found)).all()
    assert scores.lesions_found(found, 0.5) == [[0] * 8, [0] * 8]


def test_the_healthy_threshold_lets_through_the_stated_share():
    found = two_people(np.random.default_rng(0).random((2, 100, 100)), np.zeros((2, 100, 100)))
    limit = scores.healthy_threshold(found, 0.05)
    assert np.mean(scores.false_rates(found, limit)) == pytest.approx(0.05, abs=1e-3)


def test_only_false_components_of_two_pixels_count(spots):
    maps = spots.maps.copy()
    maps[0, 18, 15:18] = 1
    assert scores.false_components(Scored(maps, spots.truth, spots.scored, spots.subject, 2.5), 0.5) == [1, 0]


def test_lesions_are_counted_by_their_area(spots):
    """16 pixels of 6.25 mm2 are 100 mm2, 2 are 12.5."""
    assert scores.lesions_found(spots, 0.5) == [[0, 0, 1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0]]
    assert scores.lesions_found(spots, 2.0) == [[0, 0, 0, 1, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0]]


def test_components_do_not_reach_across_sections():
    truth = np.zeros((2, 8, 8), bool)
    truth[:, 4, 4] = True
    found = Scored(truth.astype(float), truth, np.ones_like(truth), np.array(["a", "a"]), 2.5)
    assert scores.lesions_found(found, 0.5)[0][:2] == [2, 2]


def test_displaced_tissue_is_clear_of_the_lesion():
    lesion = np.zeros((1, 20, 20), bool)
    lesion[0, 10, 10] = True
    found = scores.displaced_pixels(np.full((1, 20, 20), 5.0), lesion, np.ones_like(lesion), 2.5)
    assert not found[0, 10, 10:14].any() and found[0, 10, 14]
    assert not scores.displaced_pixels(np.full((1, 20, 20), 2.0), lesion, np.ones_like(lesion), 2.5).any()


def test_equal_scores_cannot_be_told_from_the_twin_and_few_pixels_are_not_judged():
    own, everywhere = np.random.default_rng(0).random((1, 10, 10)), np.ones((1, 10, 10), bool)
    assert scores.told_from_twin(own, own, everywhere) == pytest.approx(0.5)
    assert scores.told_from_twin(own + 1, own, everywhere) == 1
    assert scores.told_from_twin(own, own, np.zeros((1, 10, 10), bool)) is None


def test_masks_of_another_grid_are_refused():
    with pytest.raises(ValueError, match="truth has the shape"):
        Scored(np.zeros((2, 8, 8)), np.zeros((2, 8, 9), bool), np.ones((2, 8, 8), bool), np.zeros(2), 1.0)
    with pytest.raises(ValueError, match="1 subjects of 2 slices"):
        Scored(np.zeros((2, 8, 8)), np.zeros((2, 8, 8), bool), np.ones((2, 8, 8), bool), np.zeros(1), 1.0)
