"""MIG, SAP and DCI where the score is known: perfect, rotated, constant, shuffled, duplicated."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from disentangle.metrics.dci import completeness, dci, disentanglement
from disentangle.metrics.mig import mig, mutual_information_gaps
from disentangle.metrics.mutual_information import discretise, entropy, mutual_information_matrix
from disentangle.metrics.sap import attribute_gaps, sap

N, BINS = 1200, 8


@pytest.fixture
def factors():
    return np.random.default_rng(0).normal(size=(N, 4))


def scores(latents, factors):
    result = dci(latents, factors, groups=None, seed=0)
    return {
        "mig": mig(latents, factors, bins=BINS),
        "sap": sap(latents, factors),
        "disentanglement": result.disentanglement,
        "completeness": result.completeness,
        "informativeness": result.informativeness,
    }


def test_a_perfect_representation_scores_one(factors):
    found = scores(factors[:, [2, 0, 3, 1]] * [1, -2, 3, 4], factors)
    assert found["mig"] > 0.96 and found["sap"] > 0.97
    assert min(found["disentanglement"], found["completeness"], found["informativeness"]) > 0.98


def test_an_independent_representation_scores_nothing(factors):
    found = scores(np.random.default_rng(1).normal(size=factors.shape), factors)
    assert found["mig"] < 0.01 and found["sap"] < 0.01 and found["informativeness"] < 0.01


def test_a_constant_representation_scores_zero(factors):
    found = scores(np.full((N, 4), 3.7), factors)
    assert set(found.values()) == {0.0}


def test_shuffling_rows_destroys_every_score(factors):
    found = scores(np.random.default_rng(2).permutation(factors), factors)
    assert found["mig"] < 0.01 and found["sap"] < 0.01 and found["informativeness"] < 0.01


def test_a_duplicated_representation_is_disentangled_but_not_complete(factors):
    found = scores(np.hstack([factors, factors]), factors)
    assert found["mig"] == pytest.approx(0, abs=1e-12) and found["sap"] == pytest.approx(0, abs=1e-12)
    assert found["disentanglement"] > 0.97
    assert found["completeness"] == pytest.approx(1 - np.log(2) / np.log(8), abs=0.03)
    assert found["informativeness"] > 0.98


def test_a_rotation_keeps_informativeness_and_loses_the_rest(factors):
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
    found = scores(factors @ rotation, factors)
    assert found["informativeness"] > 0.98
    assert max(found["mig"], found["disentanglement"], found["completeness"]) < 0.6


def test_mig_is_blind_to_a_monotone_change_of_a_latent(factors):
    assert mig(np.exp(3 * factors), factors, bins=BINS) == mig(factors, factors, bins=BINS)


def test_information_agrees_with_scikit_learn_and_with_a_table_by_hand():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, (200, 3)), rng.integers(0, 4, (200, 2))
    b[:, 0] = np.minimum(a[:, 1], 3)
    found = mutual_information_matrix(a, b)
    expected = [[mutual_info_score(a[:, i], b[:, j]) for j in range(2)] for i in range(3)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    coin = np.array([[0], [0], [1], [1]])
    assert mutual_information_matrix(coin, coin)[0, 0] == pytest.approx(np.log(2))
    assert entropy(coin)[0] == pytest.approx(np.log(2))


def test_bins_hold_equal_counts_and_keep_ties_together():
    values = np.column_stack([np.arange(100), np.repeat([1, 2], 50), np.ones(100)])
    codes = discretise(values, 10)
    assert np.bincount(codes[:, 0]).tolist() == [10] * 10
    assert len(np.unique(codes[:, 1])) == 2 and len(np.unique(codes[:, 2])) == 1
    with pytest.raises(ValueError, match="1 columns hold NaN"):
        discretise(np.array([[1.0, np.nan], [2.0, 3.0]]), 2)


def test_gaps_on_numbers_done_by_hand():
    information = np.array([[0.9, 0.2, 0.0], [0.3, 0.2, 0.0], [0.1, 0.8, 0.0]])
    gaps = mutual_information_gaps(information, np.array([1.0, 2.0, 0.0]))
    np.testing.assert_allclose(gaps, [0.6, 0.3, np.nan])
    np.testing.assert_allclose(attribute_gaps(information), [0.6, 0.6, 0.0])
    with pytest.raises(ValueError, match="two latents or more, found 1"):
        mutual_information_gaps(np.ones((1, 3)), np.ones(3))


def test_importances_done_by_hand():
    assert disentanglement(np.eye(3)) == completeness(np.eye(3)) == 1
    assert disentanglement(np.ones((3, 3))) == pytest.approx(0, abs=1e-12)
    assert disentanglement(np.zeros((3, 3))) == 0
    half = np.array([[1.0, 1.0], [0.0, 2.0]])  # the first latent serves both factors, the second one
    assert disentanglement(half) == pytest.approx(0.5)
    p = np.array([1 / 3, 2 / 3])
    assert completeness(half) == pytest.approx(0.25 + 0.75 * (1 + (p * np.log(p)).sum() / np.log(2)))


def test_dci_holds_out_whole_people():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 30)
    marks = rng.normal(size=(40, 30))[people]  # latents that name the person, and nothing else
    factor = rng.normal(size=(40, 1))[people]
    by_person = dci(marks, factor, groups=people, seed=0).informativeness
    by_row = dci(marks, factor, groups=None, seed=0).informativeness
    assert by_row > 0.5 and by_person < 0.2
