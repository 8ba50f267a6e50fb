"""k-means once, and a number of clusters that halves of the people agree on."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from disentangle.rotation import clusters
from disentangle.rotation.clusters import choose_k, fit_clusters, stability


def blobs(count=4, rows=800, seed=0):
    rng = np.random.default_rng(seed)
    code = rng.integers(0, count, rows)
    return 8 * np.eye(count, 5)[code] + rng.normal(size=(rows, 5)), code, rng.integers(0, 20, rows)


def test_clusters_are_those_of_scikit_learn():
    rows, code, _ = blobs()
    found = fit_clusters(rows, 4, seed=0)
    reference = KMeans(4, n_init=10, random_state=0).fit(rows)
    np.testing.assert_array_equal(found.predict(rows), reference.labels_)
    assert found.inertia == pytest.approx(reference.inertia_)
    assert adjusted_rand_score(code, found.predict(rows)) > 0.99
    np.testing.assert_array_equal(found.predict(rows.astype(np.float32)), reference.labels_)


def test_starts_on_some_rows_are_refined_on_all(monkeypatch):
    monkeypatch.setattr(clusters, "START_ROWS", 200)
    rows, _, _ = blobs()
    reference = KMeans(4, n_init=10, random_state=0).fit(rows)
    found = fit_clusters(rows, 4, seed=0)
    assert found.inertia == pytest.approx(reference.inertia_, rel=1e-3)
    assert adjusted_rand_score(found.predict(rows), reference.labels_) > 0.99


def test_the_nearest_centre_is_found_in_every_block(monkeypatch):
    rows, _, _ = blobs()
    found = fit_clusters(rows, 6, seed=1)
    brute = ((rows[:, None] - found.centres) ** 2).sum(axis=2).argmin(axis=1)
    monkeypatch.setattr(clusters, "BLOCK", 37)
    np.testing.assert_array_equal(found.predict(rows), brute)


def test_the_same_seed_gives_the_same_clusters():
    rows = np.random.default_rng(0).normal(size=(500, 3))
    one, again, other = (fit_clusters(rows, 7, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.centres, again.centres)
    assert not np.array_equal(one.centres, other.centres)


def test_bad_rows_are_refused():
    rows, _, people = blobs()
    with pytest.raises(ValueError, match="5 clusters asked of 3 rows"):
        fit_clusters(rows[:3], 5, 0)
    with pytest.raises(ValueError, match="3 clusters asked of 50 rows, but only 1 of them differ"):
        fit_clusters(np.ones((50, 2)), 3, 0)
    with pytest.raises(ValueError, match="expected finite"):
        fit_clusters(rows * np.nan, 3, 0)
    with pytest.raises(ValueError, match="4 latents a row, but the clusters have 5"):
        fit_clusters(rows, 3, 0).predict(rows[:, :4])
    with pytest.raises(ValueError, match="1 people"):
        stability(rows, np.zeros(800), [3], 0)
    with pytest.raises(ValueError, match=r"numbers of clusters are \[1\]"):
        stability(rows, people, [1], 0)


def test_the_true_number_of_clusters_is_stable_and_chosen():
    rows, _, people = blobs(count=4)
    table = stability(rows, people, (3, 4, 6), seed=0)
    assert table.loc[4, "stability"] > 0.98 and table.loc[6, "stability"] < 0.9
    assert choose_k(table) == 4
    pd.testing.assert_frame_equal(table, stability(rows, people, (3, 4, 6), seed=0))


def test_noise_has_no_stable_number_of_clusters():
    rng = np.random.default_rng(0)
    table = stability(rng.normal(size=(400, 10)), np.arange(400) % 20, (5, 8), seed=0)
    assert table["stability"].max() < 0.4 and table["silhouette"].max() < 0.15


def test_among_stable_numbers_the_best_separated_is_chosen():
    table = pd.DataFrame(
        {"stability": [0.95, 0.90, 0.70], "spread": [0.06, 0.05, 0.05], "silhouette": [0.3, 0.4, 0.5]}, index=[4, 6, 8]
    )
    assert choose_k(table) == 6
