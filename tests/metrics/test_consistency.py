"""Agreement of clusters between settings: perfect, constant, permuted, random, and against scikit-learn."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, f1_score, normalized_mutual_info_score

from disentangle.metrics.consistency import (
    ari_of,
    consistency,
    consistency_per_person,
    contingency,
    effective_clusters,
    nmi_of,
    paired_labels,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def noisy(rng):
    """300 locations under 4 settings: a true cluster of six, one label in four drawn anew."""
    labels = np.repeat(rng.integers(0, 6, (300, 1)), 4, axis=1)
    again = rng.random(labels.shape) < 0.25
    return np.where(again, rng.integers(0, 6, labels.shape), labels)


def test_identical_labels_agree_perfectly(rng):
    labels = np.repeat(rng.integers(0, 5, (100, 1)), 3, axis=1)
    assert consistency(labels, 5) == pytest.approx({"ari": 1, "nmi": 1, "dice": 1, "dice_weighted": 1})


def test_random_labels_agree_by_chance_only(rng):
    found = consistency(rng.integers(0, 5, (20_000, 3)), 5)
    assert found == pytest.approx({"ari": 0, "nmi": 0, "dice": 0.2, "dice_weighted": 0.2}, abs=0.01)


def test_one_cluster_for_everything_agrees_perfectly_and_is_unmasked_by_its_number():
    labels = np.zeros((50, 3), int)
    assert set(consistency(labels, 4).values()) == {1.0}
    assert effective_clusters(labels) == 1


def test_renamed_clusters_lose_dice_until_they_are_matched(rng):
    first = rng.integers(0, 4, 200)
    labels = np.column_stack([first, (first + 1) % 4])
    found, matched = consistency(labels, 4), consistency(labels, 4, matched=True)
    assert found == pytest.approx({"ari": 1, "nmi": 1, "dice": 0, "dice_weighted": 0})
    assert matched == pytest.approx({"ari": 1, "nmi": 1, "dice": 1, "dice_weighted": 1})


def test_scores_are_means_over_pairs_of_those_of_scikit_learn(noisy):
    pairs = [(noisy[:, s], noisy[:, t]) for s, t in combinations(range(4), 2)]
    found = consistency(noisy, 8)  # two clusters never occur: no weight in Dice
    assert found["ari"] == pytest.approx(np.mean([adjusted_rand_score(a, b) for a, b in pairs]))
    assert found["nmi"] == pytest.approx(np.mean([normalized_mutual_info_score(a, b) for a, b in pairs]))
    assert found["dice"] == pytest.approx(np.mean([f1_score(a, b, average="macro") for a, b in pairs]))
    assert found["dice_weighted"] == pytest.approx(np.mean([(a == b).mean() for a, b in pairs]))


def test_a_person_is_scored_on_their_own_locations(noisy, rng):
    subjects = rng.choice(["p3", "p1", "p2"], 300)
    table = consistency_per_person(noisy, subjects, 6)
    assert list(table.index) == ["p1", "p2", "p3"] and table.index.name == "subject"
    for name in table.index:
        assert table.loc[name].to_dict() == pytest.approx(consistency(noisy[subjects == name], 6))
    matched = consistency_per_person((noisy + np.arange(4)) % 6, subjects, 6, matched=True)
    np.testing.assert_allclose(matched[["ari", "nmi", "dice"]], table[["ari", "nmi", "dice"]])


def test_people_with_one_location_or_one_cluster_have_a_score():
    labels = np.array([[0, 1], [2, 2], [2, 2], [0, 0], [0, 1], [0, 2]])
    table = consistency_per_person(labels, np.array(list("abbccc")), 3)
    assert table.loc["b"].tolist() == [1, 1, 1, 1]  # always the same cluster
    assert table.loc["a", "dice"] == 0
    for name, rows in (("a", labels[:1]), ("c", labels[3:])):
        assert table.loc[name, "ari"] == adjusted_rand_score(*rows.T)
        assert table.loc[name, "nmi"] == pytest.approx(normalized_mutual_info_score(*rows.T))


def test_duplicated_locations_leave_dice_and_nmi(noisy):
    once, twice = consistency(noisy, 6), consistency(np.vstack([noisy, noisy]), 6)
    assert {k: twice[k] for k in ("nmi", "dice")} == pytest.approx({k: once[k] for k in ("nmi", "dice")})
    assert twice["ari"] == pytest.approx(once["ari"], abs=0.02)


def test_tables_of_people_add_up(rng):
    clusters, tissue, people = rng.integers(0, 5, 400), rng.integers(0, 7, 400), rng.integers(0, 9, 400)
    clusters[:250] = tissue[:250] % 5
    tables = contingency(clusters, tissue, (5, 7), people)
    drawn = [3, 3, 8, 0]
    rows = np.concatenate([np.flatnonzero(people == person) for person in drawn])
    assert ari_of(tables[drawn].sum(0)) == pytest.approx(adjusted_rand_score(clusters[rows], tissue[rows]))
    assert nmi_of(tables.sum(0)) == pytest.approx(normalized_mutual_info_score(clusters, tissue))
    np.testing.assert_array_equal(tables.sum(0), contingency(clusters, tissue, (5, 7)))


def test_effective_clusters_count_what_is_used():
    assert effective_clusters(np.arange(60) % 6) == pytest.approx(6)
    assert effective_clusters(np.r_[np.zeros(98), 1, 2]) == pytest.approx(1.12, abs=0.01)
    with pytest.raises(ValueError, match="no labels"):
        effective_clusters(np.array([]))


def test_long_rows_become_a_matrix_of_locations_and_settings(noisy, rng):
    location, setting = (axis.ravel() for axis in np.indices(noisy.shape))
    order = rng.permutation(noisy.size)
    matrix, places, settings = paired_labels(
        noisy.ravel()[order], 10 + location[order], np.array(list("abcd"))[setting[order]]
    )
    np.testing.assert_array_equal(matrix, noisy)
    assert list(settings) == list("abcd") and places[0] == 10
    with pytest.raises(ValueError, match=r"location 0 occurs 0 times under 0, once expected \(1 of 300"):
        paired_labels(noisy.ravel()[1:], location[1:], setting[1:])
    with pytest.raises(ValueError, match="location 2 occurs 2 times under 1"):
        paired_labels(np.zeros(5), np.array([1, 2, 1, 2, 2]), np.array([0, 0, 1, 1, 1]))


def test_bad_labels_are_refused():
    with pytest.raises(ValueError, match=r"labels lie in 0..4, expected 0..3"):
        consistency(np.array([[0, 4]]), 4)
    with pytest.raises(ValueError, match="labels lie in -1"):
        consistency(np.array([[-1, 0]]), 4)
    with pytest.raises(ValueError, match="at least one location and two settings"):
        consistency(np.zeros((5, 1), int), 4)
    with pytest.raises(ValueError, match="labels are float64"):
        consistency(np.zeros((5, 2)), 4)
    with pytest.raises(ValueError, match="subjects have shape"):
        consistency_per_person(np.zeros((5, 2), int), np.zeros(4), 4)
