"""Orthogonal projections: NAP by brute force over pairs, INLP by the null space of what it fitted."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from disentangle.rotation.harmonizers.inlp import Inlp
from disentangle.rotation.harmonizers.nap import Nap


@pytest.fixture(scope="module")
def planted():
    rng = np.random.default_rng(0)
    base = np.repeat(rng.normal(size=(150, 6)) * [3, 3, 3, 3, 0.1, 0.1], 4, axis=0)
    code = np.tile(np.arange(4), 150)
    technique = np.zeros((4, 6))
    technique[:, 4:] = [[0, 0], [2, 0], [0, 1], [-1, -1]]
    rows = base + technique[code] + 0.2 * rng.normal(size=base.shape)
    return rows, np.array(list("abcd"))[code], np.repeat(np.arange(150), 4)


def angle(found, expected):
    """Largest principal angle of two spans of rows, in degrees."""
    cosines = np.linalg.svd(np.linalg.qr(found.T)[0].T @ np.linalg.qr(expected.T)[0])[1]
    return np.degrees(np.arccos(np.clip(cosines.min(), -1, 1)))


def test_nap_finds_the_leading_directions_of_all_pairwise_differences(planted):
    rows, setting, location = planted
    places = [np.flatnonzero(location == place) for place in range(150)]
    differences = [rows[i] - rows[j] for members in places for i in members for j in members if i < j]
    _, values, directions = np.linalg.svd(np.array(differences), full_matrices=False)
    model = Nap(drop=2).fit(rows, setting, location)
    assert angle(model.directions_, directions[:2]) < 1e-4
    # Six differences of four rows hold four times the scatter about the mean, which has three degrees of freedom.
    np.testing.assert_allclose(model.spread_, values**2 / (150 * 4 * 3), rtol=1e-9)


def test_nap_recovers_the_planted_plane_and_keeps_the_rest(planted):
    rows, setting, location = planted
    model = Nap(drop=2).fit(rows, setting, location)
    assert angle(model.directions_, np.eye(6)[4:]) < 5
    found = model.transform(rows)
    np.testing.assert_allclose((found - rows) @ (np.eye(6) - model.directions_.T @ model.directions_), 0, atol=1e-9)
    np.testing.assert_allclose(found @ model.directions_.T - model.mean_ @ model.directions_.T, 0, atol=1e-9)


def test_nap_uses_pairs_only_and_needs_them(planted):
    rows, setting, location = planted
    once = np.arange(1000, 1040)
    wild = 100 * np.random.default_rng(1).normal(size=(40, 6))
    alone = Nap().fit(np.vstack([rows, wild]), np.r_[setting, np.full(40, "a")], np.r_[location, once])
    np.testing.assert_allclose(
        np.abs(alone.directions_), np.abs(Nap().fit(rows, setting, location).directions_), atol=1e-8
    )
    with pytest.raises(ValueError, match="position of every row is needed"):
        Nap().fit(rows, setting)
    with pytest.raises(ValueError, match="setting 'a', 'b', 'c', 'd' shares no location"):
        Nap().fit(rows, setting, np.arange(600))
    with pytest.raises(ValueError, match="location 0 has 2 rows of setting 'a'"):
        Nap().fit(rows[[0, 0, 1]], setting[[0, 0, 1]], location[[0, 0, 1]])
    with pytest.raises(ValueError, match="6 directions to drop of 6 latents"):
        Nap(drop=6).fit(rows, setting, location)
    with pytest.raises(ValueError, match=r"location has the shape \(5,\)"):
        Nap().fit(rows, setting, location[:5])


def test_inlp_projects_onto_the_null_space_of_its_classifier(planted):
    rows, setting, _ = planted
    two = np.isin(setting, ["a", "b"])
    model = Inlp(rounds=1).fit(rows[two], setting[two])
    assert len(model.directions_) == 1 and angle(model.directions_, np.eye(6)[4:5]) < 30
    found = model.transform(rows)
    np.testing.assert_allclose((found - model.mean_) @ model.directions_.T, 0, atol=1e-9)
    assert np.linalg.matrix_rank(found - model.mean_, tol=1e-6) == 5


def test_inlp_stops_when_nothing_is_found_and_removes_nothing_from_noise(planted):
    rows, setting, location = planted
    model = Inlp(rounds=5).fit(rows, setting, location)
    assert model.accuracy_[0] > 0.9 and model.accuracy_[-1] < 0.25 + 0.05 and len(model.accuracy_) < 5
    np.testing.assert_allclose(model.directions_ @ model.directions_.T, np.eye(len(model.directions_)), atol=1e-9)
    found = model.transform(rows)
    assert LogisticRegression(max_iter=500).fit(found, setting).score(found, setting) < 0.4
    noise = np.random.default_rng(0).normal(size=(2000, 6))
    silent = Inlp().fit(noise, np.tile(list("abcd"), 500))
    assert len(silent.directions_) == 0 and len(silent.accuracy_) == 1


def test_inlp_never_removes_everything():
    rows = np.random.default_rng(0).normal(size=(400, 3)) + 5 * np.repeat(np.eye(4, 3), 100, axis=0)
    model = Inlp(rounds=10, margin=-1).fit(rows, np.repeat(list("abcd"), 100))
    assert len(model.directions_) < 3


def test_inlp_repeats_itself(planted):
    models = [Inlp(seed=3).fit(*planted) for _ in range(2)]
    np.testing.assert_array_equal(models[0].matrix_, models[1].matrix_)
