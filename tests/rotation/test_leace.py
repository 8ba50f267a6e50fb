"""LEACE against concept-erasure 0.2.4, against its theorem, and against a projection that changes more."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from disentangle.rotation.harmonizers.leace import Leace

# Rows of test_combat.py; the eraser's matrix as concept-erasure 0.2.4 returns it, without its optional shrinkage.
I, J = np.arange(24)[:, None], np.arange(4)
CODE = (np.arange(24) * 7) % 3
ROWS = (
    np.sin(1.7 * I + 0.9 * I * J) * (1 + 0.3 * CODE[:, None])
    + np.cos(J + 2.0 * CODE[:, None])
    + 0.2 * J
    + np.cos(0.8 * I) * np.array([0.5, -1, 0, 2])
)
PUBLISHED = [
    [0.5021715, -0.1558438, 0.2099465, 0.2258591],
    [-0.4459198, 0.3003178, -0.3389205, 0.0126407],
    [0.2799665, -0.4059532, 0.4175165, -0.2941688],
    [0.5389353, 0.2410692, -0.1592031, 0.7799942],
]


@pytest.fixture(scope="module")
def planted():
    rng = np.random.default_rng(0)
    codes = rng.choice(4, 3000, p=[0.4, 0.3, 0.2, 0.1])
    rows = rng.normal(size=(3000, 6)) @ rng.normal(size=(6, 6)) + rng.normal(size=(4, 6))[codes] * 2
    return rows, codes


def test_the_matrix_is_that_of_concept_erasure():
    np.testing.assert_allclose(Leace().fit(ROWS, CODE.astype(str)).matrix_, PUBLISHED, atol=1e-6)


def test_rows_are_those_of_concept_erasure_where_it_is_installed(planted):
    fitter, torch = pytest.importorskip("concept_erasure").LeaceFitter, pytest.importorskip("torch")
    rows, codes = planted
    options = {"shrinkage": False, "svd_tol": 1e-9, "constrain_cov_trace": False}
    eraser = fitter.fit(torch.tensor(rows), torch.tensor(np.eye(4)[codes]), **options).eraser
    expected = eraser(torch.tensor(rows)).numpy()
    np.testing.assert_allclose(Leace().fit(rows, codes.astype(str)).transform(rows), expected, atol=1e-9)


def test_latents_and_settings_have_no_covariance_left(planted):
    rows, codes = planted
    model = Leace().fit(rows, codes.astype(str))
    found, one_hot = model.transform(rows), np.eye(4)[codes]
    before, after = (x.T @ (one_hot - one_hot.mean(axis=0)) / len(x) for x in (rows, found))
    assert abs(before).max() > 0.1 and abs(after).max() < 1e-12
    assert model.rank_ == 3 and np.linalg.matrix_rank(found - found.mean(axis=0)) == 3


def test_no_linear_classifier_beats_the_frequencies_of_settings(planted):
    rows, codes = planted
    found = Leace().fit(rows, codes.astype(str)).transform(rows)
    shares = np.bincount(codes) / len(codes)
    guess = LogisticRegression(C=1e6, max_iter=2000).fit(found, codes).predict_proba(found)
    loss = -np.log(guess[np.arange(len(codes)), codes]).mean()
    assert loss == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-4)


def test_it_erases_at_a_smaller_change_than_the_orthogonal_projection(planted):
    rows, codes = planted
    centred = rows - rows.mean(axis=0)
    cross = centred.T @ np.eye(4)[codes]
    basis = np.linalg.svd(cross, full_matrices=False)[0][:, :3]
    orthogonal = centred - centred @ basis @ basis.T
    found = Leace().fit(rows, codes.astype(str)).transform(rows)
    assert abs(orthogonal.T @ np.eye(4)[codes]).max() < 1e-8  # it erases as well, but
    assert ((found - rows) ** 2).mean() < 0.95 * ((orthogonal - centred) ** 2).mean()


def test_it_is_idempotent_and_follows_a_change_of_units(planted):
    rows, codes = planted
    setting = codes.astype(str)
    found = Leace().fit(rows, setting).transform(rows)
    np.testing.assert_allclose(Leace().fit(found, setting).transform(found), found, atol=1e-7)
    units = np.array([1, 10, 0.1, 2, 5, 1])
    np.testing.assert_allclose(Leace().fit(rows * units, setting).transform(rows * units), found * units, atol=1e-7)
