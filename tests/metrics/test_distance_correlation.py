"""Distance correlation against loops, the closed form for Gaussians, and dependence that Pearson misses."""

import numpy as np
import pytest

from disentangle.metrics.distance_correlation import distance_correlation, unbiased_distance_correlation


def by_loops(x, y):
    """Definition 5 of Szekely et al., written out."""
    n = len(x)

    def centred(z):
        d = np.array([[np.sqrt(((z[i] - z[j]) ** 2).sum()) for j in range(n)] for i in range(n)])
        return np.array([[d[i, j] - d[i].mean() - d[:, j].mean() + d.mean() for j in range(n)] for i in range(n)])

    a, b = centred(x), centred(y)
    cov, var_x, var_y = (sum((p * q).ravel()) / n**2 for p, q in ((a, b), (a, a), (b, b)))
    return np.sqrt(cov / np.sqrt(var_x * var_y))


def test_agrees_with_the_definition_written_as_loops():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(25, 3))
    y = x[:, :2] ** 2 + rng.normal(size=(25, 2))
    assert distance_correlation(x, y) == pytest.approx(by_loops(x, y), abs=1e-12)


@pytest.mark.parametrize("rho", [0.3, 0.7, 0.95])
def test_agrees_with_the_closed_form_for_gaussians(rho):
    x, e = np.random.default_rng(0).normal(size=(2, 3000))
    y = rho * x + np.sqrt(1 - rho**2) * e
    squared = (rho * np.arcsin(rho) + np.sqrt(1 - rho**2) - rho * np.arcsin(rho / 2) - np.sqrt(4 - rho**2) + 1) / (
        1 + np.pi / 3 - np.sqrt(3)
    )
    assert distance_correlation(x, y) == pytest.approx(np.sqrt(squared), abs=0.03)
    assert unbiased_distance_correlation(x, y) == pytest.approx(squared, abs=0.03)


def test_sees_what_pearson_misses():
    x = np.random.default_rng(0).normal(size=500)
    assert abs(np.corrcoef(x, x**2)[0, 1]) < 0.15 and distance_correlation(x, x**2) > 0.4


def test_perfect_constant_and_shuffled():
    x = np.random.default_rng(0).normal(size=(100, 4))
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    assert distance_correlation(x, 3 * x @ rotation + 1) == pytest.approx(1)
    assert unbiased_distance_correlation(x, x) == pytest.approx(1)
    assert distance_correlation(x, np.ones(100)) == unbiased_distance_correlation(x, np.ones(100)) == 0


def test_only_the_unbiased_one_is_zero_under_independence():
    rng = np.random.default_rng(0)
    pairs = [(rng.normal(size=(30, 20)), rng.normal(size=(30, 20))) for _ in range(40)]
    assert abs(np.mean([unbiased_distance_correlation(x, y) for x, y in pairs])) < 0.02
    assert np.mean([distance_correlation(x, y) for x, y in pairs]) > 0.6


def test_bad_shapes_are_named():
    with pytest.raises(ValueError, match="3 rows on one side but 4"):
        distance_correlation(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="4 rows or more, found 3"):
        unbiased_distance_correlation(np.zeros(3), np.zeros(3))
