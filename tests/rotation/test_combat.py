"""ComBat against neuroCombat 0.2.12, against its own equations, and where it has nothing to borrow."""

import numpy as np
import pandas as pd
import pytest

from disentangle.rotation.harmonizers.combat import ComBat, empirical_bayes
from disentangle.rotation.harmonizers.zscore import ZScore

I, J = np.arange(24)[:, None], np.arange(4)
CODE = (np.arange(24) * 7) % 3
SETTING = np.array(list("abc"))[CODE]
AGE = np.cos(0.8 * I)
ROWS = (
    np.sin(1.7 * I + 0.9 * I * J) * (1 + 0.3 * CODE[:, None])
    + np.cos(J + 2.0 * CODE[:, None])
    + 0.2 * J
    + AGE * np.array([0.5, -1, 0, 2])
)
# The first rows as neuroCombat 0.2.12 returns them, its iteration run to 1e-12.
PUBLISHED = [
    [0.9783699, -0.8989167, 0.3548407, 2.4162690],
    [1.4764753, -0.0336481, -0.2456468, 1.0091519],
    [-0.6862406, -0.9914661, 1.4225397, 1.5829249],
    [-1.0503630, 2.1824945, -0.6552115, -0.7861865],
]
PUBLISHED_WITH_AGE = [
    [0.8551424, -0.8130347, 0.4496568, 2.2563197],
    [1.4524263, -0.0254853, -0.2197846, 0.9281949],
    [-0.6785093, -0.9624675, 1.3845083, 1.5923262],
    [-1.1039883, 2.1515746, -0.6841014, -0.4854084],
]


def test_rows_are_those_of_neurocombat():
    found = ComBat(tolerance=1e-12).fit(ROWS, SETTING).transform(ROWS, SETTING)
    np.testing.assert_allclose(found[:4], PUBLISHED, atol=1e-6)
    found = ComBat(tolerance=1e-12).fit(ROWS, SETTING, covariates=AGE).transform(ROWS, SETTING, AGE)
    np.testing.assert_allclose(found[:4], PUBLISHED_WITH_AGE, atol=1e-6)


def test_rows_are_those_of_neurocombat_where_it_is_installed():
    reference = pytest.importorskip("neuroCombat").neuroCombat
    rng = np.random.default_rng(0)
    setting = rng.choice(list("abc"), 300)
    covariates = rng.normal(size=(300, 2))
    rows = rng.normal(size=(300, 7)) * rng.uniform(0.5, 2, (3, 7))[(setting == "a") + 2 * (setting == "b")]
    rows += covariates @ rng.normal(size=(2, 7)) + (setting == "b")[:, None] * rng.normal(size=7)
    table = pd.DataFrame({"setting": setting})
    expected = reference(rows.T, table, "setting")["data"].T
    # neuroCombat ends its iteration by a signed change, some rounds too early.
    np.testing.assert_allclose(ComBat().fit(rows, setting).transform(rows, setting), expected, atol=1e-5)
    table[["u", "v"]] = covariates
    expected = reference(rows.T, table, "setting", continuous_cols=["u", "v"])["data"].T
    model = ComBat().fit(rows, setting, covariates=covariates)
    np.testing.assert_allclose(model.transform(rows, setting, covariates), expected, atol=1e-5)


def test_the_posterior_solves_both_equations_of_the_paper():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 9)) * rng.uniform(0.5, 2, 9) + rng.normal(size=9)
    mean, variance = rows.mean(axis=0), rows.var(axis=0, ddof=1)
    shift, squared = empirical_bayes(30, mean, variance, tolerance=1e-12)
    t2, m, v = mean.var(ddof=1), variance.mean(), variance.var(ddof=1)
    a, b = m**2 / v + 2, m**3 / v + m
    np.testing.assert_allclose(shift, (30 * t2 * mean + squared * mean.mean()) / (30 * t2 + squared), rtol=1e-9)
    np.testing.assert_allclose(squared, (b + ((rows - shift) ** 2).sum(axis=0) / 2) / (30 / 2 + a - 1), rtol=1e-9)


def test_few_rows_are_shrunk_towards_the_other_latents_and_many_are_not():
    mean, variance = np.array([-1.0, 0, 1]), np.array([0.5, 1, 2])
    few, many = (empirical_bayes(count, mean, variance) for count in (3, 100_000))
    assert np.ptp(few[0]) < 0.9 * np.ptp(mean) and np.ptp(few[1]) < 0.9 * np.ptp(variance)
    np.testing.assert_allclose(many, [mean, variance], rtol=1e-3)


def test_many_rows_make_combat_the_z_score():
    rng = np.random.default_rng(0)
    setting = np.repeat(list("ab"), 5000)
    rows = rng.normal(size=(10_000, 3)) * np.where(setting == "a", 1, 2)[:, None] + (setting == "b")[:, None] * [
        1,
        -2,
        3,
    ]
    both = (method.fit(rows, setting).transform(rows, setting) for method in (ComBat(), ZScore()))
    np.testing.assert_allclose(*both, atol=0.05)


def test_latents_with_equal_spread_or_alone_are_taken_at_their_word():
    alike = empirical_bayes(50, np.array([1.0, 2, 3]), np.full(3, 0.7))
    np.testing.assert_allclose(alike[1], 0.7)
    alone = empirical_bayes(50, np.array([2.0]), np.array([0.3]))
    np.testing.assert_array_equal(alone, [[2.0], [0.3]])


def test_a_covariate_that_follows_the_setting_keeps_its_effect_where_it_can_be_told_apart():
    """Age raises the latent; the second setting has older people. Without age its effect is taken for technique."""
    rng = np.random.default_rng(0)
    setting = np.repeat(list("ab"), 2000)
    age = rng.normal(size=4000) + 2 * (setting == "b")
    rows = age[:, None] * [1.0, 1, 1] + (setting == "b")[:, None] * [5.0, 0, -5] + 0.1 * rng.normal(size=(4000, 3))
    kept = ComBat().fit(rows, setting, covariates=age[:, None]).transform(rows, setting, age[:, None])
    lost = ComBat().fit(rows, setting).transform(rows, setting)
    assert min(np.corrcoef(age, kept.T)[0, 1:]) > 0.98
    assert max(np.corrcoef(age, lost.T)[0, 1:]) < 0.8


def test_covariates_are_checked():
    with pytest.raises(ValueError, match="follows from the setting"):
        ComBat().fit(ROWS, SETTING, covariates=(SETTING == "a")[:, None].astype(float))
    with pytest.raises(ValueError, match="too few rows"):
        ComBat().fit(ROWS[:6], SETTING[:6], covariates=ROWS[:6])
    model = ComBat().fit(ROWS, SETTING, covariates=AGE)
    with pytest.raises(ValueError, match=r"covariates have shape \(24, 0\), expected 24 rows, 1 columns"):
        model.transform(ROWS, SETTING)
    with pytest.raises(ValueError, match="expected 24 rows"):
        ComBat().fit(ROWS, SETTING, covariates=AGE[:5])


def test_unseen_rows_with_covariates_are_left_alone():
    model = ComBat().fit(ROWS, SETTING, covariates=AGE)
    found = model.transform(ROWS, np.full(24, "new"), AGE, unseen="identity")
    np.testing.assert_allclose(found, ROWS, atol=1e-12)
