"""AUC against pairs counted one by one and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from disentangle.metrics.auc import accuracy, auc, concordance


@pytest.fixture
def tied():
    rng = np.random.default_rng(0)
    return rng.integers(0, 6, 80).astype(float), rng.integers(0, 2, 80), rng.random(80)


def test_agrees_with_pairs_counted_one_by_one(tied):
    scores, labels, weights = tied
    won = total = 0.0
    for i in np.flatnonzero(labels == 1):
        for j in np.flatnonzero(labels == 0):
            pair = weights[i] * weights[j]
            won += pair * ((scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j]))
            total += pair
    assert auc(scores, labels, weights) == pytest.approx(won / total, abs=1e-12)


def test_agrees_with_scikit_learn_under_ties_and_weights(tied):
    scores, labels, weights = tied
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert auc(scores, labels, weights) == pytest.approx(
        roc_auc_score(labels, scores, sample_weight=weights), abs=1e-12
    )
    assert accuracy(scores, labels, 3) == accuracy_score(labels, scores >= 3)


def test_a_count_as_weight_equals_the_row_repeated(tied):
    scores, labels, _ = tied
    counts = np.random.default_rng(1).integers(0, 4, (5, 80))
    concordant, pairs = concordance(scores, labels, counts)
    for row, value in zip(counts, concordant / pairs, strict=True):
        assert value == pytest.approx(roc_auc_score(np.repeat(labels, row), np.repeat(scores, row)))


@pytest.mark.parametrize(("scores", "value"), [([1, 2, 3, 4], 1.0), ([4, 3, 2, 1], 0.0), ([7, 7, 7, 7], 0.5)])
def test_perfect_reversed_and_constant_scores(scores, value):
    assert auc(scores, [0, 0, 1, 1]) == value


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="both classes: 0 positive and 3 negative"):
        auc([1, 2, 3], [0, 0, 0])
    with pytest.raises(ValueError, match="1 of 2 scores are NaN"):
        auc([1, np.nan], [0, 1])
    with pytest.raises(ValueError, match=r"found \[0, 1, 3\]"):
        auc([1, 2, 3], [0, 1, 3])
    with pytest.raises(ValueError, match="equal length"):
        auc([1, 2, 3], [0, 1])
