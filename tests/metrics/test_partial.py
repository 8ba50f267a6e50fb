"""Rank correlations against scipy and the closed form of the partial correlation."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from disentangle.metrics.partial import correlation_matrix, partial_spearman, residual_ranks, spearman_matrix


@pytest.fixture
def sized():
    """Two columns that size drives and one that it does not."""
    rng = np.random.default_rng(0)
    size = rng.lognormal(size=500)
    return np.column_stack([size + rng.normal(size=500), size, rng.normal(size=500)]), size


def test_spearman_agrees_with_scipy(sized):
    values, size = sized
    expected = [spearmanr(column, size).statistic for column in values.T]
    np.testing.assert_allclose(spearman_matrix(values, size)[:, 0], expected, atol=1e-12)


def test_partial_spearman_agrees_with_its_closed_form():
    rng = np.random.default_rng(1)
    c = rng.normal(size=300)
    a, b = c + rng.normal(size=300), c + rng.normal(size=300)
    ab, ac, bc = (spearmanr(x, y).statistic for x, y in ((a, b), (a, c), (b, c)))
    expected = (ab - ac * bc) / np.sqrt((1 - ac**2) * (1 - bc**2))
    assert partial_spearman(a, b, c)[0, 0] == pytest.approx(expected, abs=1e-12)
    assert abs(expected) < 0.15 < ab


def test_what_the_covariate_determines_leaves_exactly_nothing(sized):
    values, size = sized
    left = residual_ranks(np.column_stack([values, np.log(size), -size]), size, degree=3)
    assert (left[:, [1, 3, 4]] == 0).all() and left[:, 0].std() > 1
    np.testing.assert_allclose(correlation_matrix(left, np.argsort(np.argsort(size))[:, None]), 0, atol=1e-8)


def test_a_bend_needs_a_higher_degree():
    size = np.random.default_rng(0).random(1000)
    bent = np.abs(size - 0.5)[:, None]
    assert residual_ranks(bent, size, degree=2).std() < 0.5 * residual_ranks(bent, size, degree=1).std()


def test_constant_columns_correlate_with_nothing(sized):
    values, size = sized
    assert (spearman_matrix(np.full((500, 2), 0.1), values) == 0).all()
    assert np.isfinite(partial_spearman(values, values, np.ones(500))).all()


def test_unequal_lengths_are_named(sized):
    with pytest.raises(ValueError, match="500 rows of values but 3"):
        residual_ranks(sized[0], [1, 2, 3], degree=1)
