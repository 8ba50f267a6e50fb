"""Clusters and labels: identical, independent, explained by size, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from disentangle.metrics.nmi import (
    agglomerative_clusters,
    agreement,
    kmeans_clusters,
    nmi,
    quantile_strata,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_nmi_agrees_with_scikit_learn(rng):
    a, b = rng.integers(0, 7, 300), rng.integers(0, 3, 300)
    b[:150] = a[:150] % 3
    assert nmi(a, b) == pytest.approx(normalized_mutual_info_score(a, b), abs=1e-12)


def test_identical_constant_and_renamed_labels(rng):
    labels = rng.integers(0, 5, 200)
    assert nmi(labels, np.array(list("abcde"))[labels]) == pytest.approx(1)
    assert nmi(np.zeros(200), labels) == 0
    assert nmi(np.zeros(200), np.ones(200)) == 0


def test_nmi_given_strata_is_the_conditional_information_summed_by_hand(rng):
    strata, clusters, labels = (rng.integers(0, 3, 400) for _ in range(3))
    labels[strata == 1] = clusters[strata == 1]
    parts = [(strata == s) for s in range(3)]

    def entropy(codes):
        p = np.unique(codes, return_counts=True)[1] / len(codes)
        return -(p * np.log(p)).sum()

    both = clusters * 3 + labels
    weighted = [sum(rows.mean() * entropy(x[rows]) for rows in parts) for x in (clusters, labels, both)]
    expected = (weighted[0] + weighted[1] - weighted[2]) / np.mean(weighted[:2])
    assert nmi(clusters, labels, strata) == pytest.approx(expected)


def test_independent_labels_stay_inside_their_null(rng):
    clusters, labels = rng.integers(0, 20, 300), rng.integers(0, 60, 300)
    found = agreement(clusters, labels, permutations=200, seed=0)
    assert found.value > 0.3  # many small groups agree by chance alone: this is why a null is needed
    assert found.null_low <= found.value <= found.null_high and found.p > 0.05 and abs(found.excess) < 0.05


def test_identical_labels_lie_beyond_their_null(rng):
    labels = rng.integers(0, 4, 200)
    found = agreement(labels, labels, permutations=99, seed=0)
    assert found.value == pytest.approx(1) and found.excess == pytest.approx(1) and found.p == 0.01


def test_clusters_that_know_only_size_say_nothing_given_size(rng):
    size = rng.random(800)
    clusters = quantile_strata(size, 4)
    malignant = (size + 0.2 * rng.normal(size=800) > 0.5).astype(int)
    plain = agreement(clusters, malignant, permutations=100, seed=0)
    given = agreement(clusters, malignant, permutations=100, seed=0, strata=quantile_strata(size, 4))
    assert plain.value > 0.2 and plain.p < 0.02
    assert given.value == pytest.approx(0, abs=1e-9) and given.p == 1


def test_both_clusterings_find_separate_blobs_and_repeat_themselves(rng):
    blobs = rng.integers(0, 3, 150)
    points = rng.normal(size=(150, 4)) + 20 * np.eye(3, 4)[blobs]
    assert nmi(kmeans_clusters(points, 3, seed=0), blobs) == pytest.approx(1)
    assert nmi(agglomerative_clusters(points, 3), blobs) == pytest.approx(1)
    np.testing.assert_array_equal(kmeans_clusters(points, 5, seed=1), kmeans_clusters(points, 5, seed=1))


def test_strata_are_equal_in_number_and_lengths_are_checked(rng):
    assert np.bincount(quantile_strata(rng.random(100), 4)).tolist() == [25] * 4
    with pytest.raises(ValueError, match="equal length"):
        agreement(np.zeros(3), np.zeros(4), permutations=1, seed=0)
