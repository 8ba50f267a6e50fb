"""Harmony: what harmonypy returns, the ridge correction of its paper, and rows that it has not seen."""

import numpy as np
import pytest

from disentangle.rotation.harmonizers import harmony
from disentangle.rotation.harmonizers.base import Rows, harmonize
from disentangle.rotation.harmonizers.harmony import Harmony

harmonypy = pytest.importorskip("harmonypy")


@pytest.fixture(scope="module")
def planted():
    rng = np.random.default_rng(0)
    tissue, code = rng.integers(0, 3, 600), rng.integers(0, 2, 600)
    rows = 6 * np.eye(3, 5)[tissue] + code[:, None] * [0, 0, 0, 2, 2] + 0.3 * rng.normal(size=(600, 5)) + 10
    return rows, np.array(["hard", "soft"])[code], tissue


def test_rows_are_those_of_harmonypy_about_their_mean(planted):
    rows, setting, _ = planted
    direct = harmonypy.run_harmony(
        rows - rows.mean(axis=0), {"s": setting}, "s", lamb=1.0, verbose=False, random_state=4
    )
    found = Harmony(seed=4).fit_transform(rows, setting)
    np.testing.assert_allclose(found, direct.Z_corr + rows.mean(axis=0), atol=1e-6)


def test_the_correction_is_the_ridge_regression_of_the_paper(planted):
    """Korsunsky 2019, the mixture-of-experts step: each soft cluster's own shift of the settings, penalised."""
    rows, setting, _ = planted
    rows = rows - rows.mean(axis=0)
    model = harmonypy.run_harmony(rows, {"s": setting}, "s", verbose=False, lamb=1.0)
    design = np.column_stack([np.ones(600), setting == "hard", setting == "soft"])
    expected = rows.copy()
    for weights in model.R.T:
        weighted = design * weights[:, None]
        shifts = np.linalg.solve(weighted.T @ design + np.diag([0, 1, 1]), weighted.T @ rows)
        shifts[0] = 0
        expected -= weighted @ shifts
    np.testing.assert_allclose(model.Z_corr, expected, atol=1e-3)


def test_the_penalty_that_harmonypy_estimates_leaves_a_fifth_of_a_shift(planted):
    """Why the published penalty is set: harmonypy's own does not vanish beside many rows."""
    rng = np.random.default_rng(0)
    setting = np.repeat(["hard", "soft"], 3000)
    rows = rng.normal(size=(6000, 5)) + 6 * np.eye(3, 5)[rng.integers(0, 3, 6000)]
    rows[3000:, 4] += 4
    estimated = harmonypy.run_harmony(rows - rows.mean(axis=0), {"s": setting}, "s", verbose=False).Z_corr
    left = [x[3000:, 4].mean() - x[:3000, 4].mean() for x in (estimated, Harmony().fit_transform(rows, setting))]
    assert 0.1 * 4 < left[0] < 0.3 * 4 and abs(left[1]) < 0.05 * 4


def test_settings_mix_and_tissues_stay_apart(planted):
    rows, setting, tissue = planted
    found = Harmony().fit_transform(rows, setting)
    gaps = [
        [np.linalg.norm(x[(tissue == k) & (setting == "hard")].mean(0) - x[(tissue == k) & (setting == "soft")].mean(0))
         for k in range(3)] for x in (rows, found)
    ]  # fmt: skip
    assert min(gaps[0]) > 2.5 and max(gaps[1]) < 0.5
    centres = np.array([found[tissue == k].mean(axis=0) for k in range(3)])
    assert min(np.linalg.norm(centres[i] - centres[j]) for i, j in ((0, 1), (0, 2), (1, 2))) > 6


def test_the_fitted_rows_come_back_and_others_are_refused(planted):
    rows, setting, _ = planted
    model = Harmony().fit(rows, setting)
    np.testing.assert_array_equal(model.transform(rows), Harmony().fit_transform(rows, setting))
    with pytest.raises(ValueError, match="300 rows that are not the 600 of the fit. Harmony has no map"):
        model.transform(rows[:300])


def test_the_loop_fits_on_training_and_test_rows_together(planted):
    rows, setting, _ = planted
    train, test = harmonize(Harmony(), Rows(rows[:400], setting[:400]), Rows(rows[400:], setting[400:]))
    np.testing.assert_array_equal(np.vstack([train, test]), Harmony().fit_transform(rows, setting))


def test_few_rows_are_refused(planted):
    with pytest.raises(ValueError, match="59 rows, at least 60"):
        Harmony().fit(planted[0][:59], planted[1][:59])


def test_a_missing_harmonypy_is_named(planted, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "harmonypy", None)
    with pytest.raises(ImportError, match=r"pip install 'disentangle\[rotation\]'"):
        harmony.Harmony().fit(*planted[:2])
