"""CORAL and the z-score: moments of settings are equal afterwards, and the map is the one of the paper."""

import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power
from sklearn.covariance import LedoitWolf

from disentangle.rotation.harmonizers.coral import Coral
from disentangle.rotation.harmonizers.zscore import ZScore

SETTING = np.repeat(["a", "b", "c"], [4000, 2000, 6000])


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    mixing = [np.diag([1, 2, 0.7, 1.5]), np.linalg.qr(rng.normal(size=(4, 4)))[0] * [0.6, 1, 2, 3], np.eye(4)]
    parts = [
        rng.normal(size=(count, 4)) @ matrix + rng.normal(size=4)
        for count, matrix in zip((4000, 2000, 6000), mixing, strict=True)
    ]
    return np.concatenate(parts)


def test_the_map_is_the_published_product_of_matrix_powers(rows):
    a, b = rows[SETTING == "a"], rows[SETTING == "b"]
    powers = [
        fractional_matrix_power(LedoitWolf().fit(part).covariance_, power) for part, power in ((a, -0.5), (b, 0.5))
    ]
    expected = (a - a.mean(axis=0)) @ powers[0] @ powers[1] + b.mean(axis=0)
    model = Coral(reference="b").fit(rows, SETTING)
    np.testing.assert_allclose(model.transform(a, SETTING[SETTING == "a"]), expected, atol=1e-8)


def test_the_reference_setting_stays_where_it_is(rows):
    model = Coral(reference="b").fit(rows, SETTING)
    found = model.transform(rows, SETTING)
    np.testing.assert_allclose(found[SETTING == "b"], rows[SETTING == "b"], atol=1e-9)
    with pytest.raises(ValueError, match="reference z is none of a, b, c"):
        Coral(reference="z").fit(rows, SETTING)


def test_all_settings_have_the_pooled_covariance_afterwards(rows):
    found = Coral().fit(rows, SETTING).transform(rows, SETTING)
    pooled = sum(np.cov(rows[SETTING == s].T) * (SETTING == s).mean() for s in "abc")
    for s in "abc":
        np.testing.assert_allclose(found[SETTING == s].mean(axis=0), rows.mean(axis=0), atol=1e-9)
        np.testing.assert_allclose(np.cov(found[SETTING == s].T), pooled, atol=0.06)  # 8 apart before; shrinkage


def test_fewer_rows_than_latents_are_enough_for_coral():
    rng = np.random.default_rng(0)
    rows, setting = rng.normal(size=(20, 30)), np.repeat(["a", "b"], 10)
    found = Coral().fit(rows, setting).transform(rng.normal(size=(40, 30)), np.repeat(["a", "b"], 20))
    assert np.isfinite(found).all() and found.std() < 3


def test_the_z_score_gives_every_setting_the_pooled_mean_and_deviation(rows):
    found = ZScore().fit(rows, SETTING).transform(rows, SETTING)
    pooled = np.sqrt(sum(rows[SETTING == s].var(axis=0) * (SETTING == s).mean() for s in "abc"))
    for s in "abc":
        np.testing.assert_allclose(found[SETTING == s].mean(axis=0), rows.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(found[SETTING == s].std(axis=0), pooled, rtol=1e-12)
