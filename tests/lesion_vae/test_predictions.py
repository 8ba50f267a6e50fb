"""Packed predictions keep ranks, signs and lesions."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from disentangle.lesion_vae.predictions import lesion_logits, pack_logits, unpack_logits


def test_packing_keeps_the_sign_and_moves_a_log_odds_by_a_twentieth_at_most():
    logits = np.linspace(-12, 12, 1001)
    back = unpack_logits(pack_logits(logits))
    assert np.abs(back - logits).max() <= 0.05 + 1e-9
    assert ((back > 0) == (logits >= 0)).all()


def test_packing_changes_no_auc_in_its_third_digit():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 2000)
    logits = rng.normal(size=2000) * 2 + labels
    assert roc_auc_score(labels, unpack_logits(pack_logits(logits))) == pytest.approx(
        roc_auc_score(labels, logits), abs=5e-4
    )


def test_extreme_log_odds_are_clipped():
    assert unpack_logits(pack_logits(np.array([-1e9, 1e9]))) == pytest.approx([-12.75, 12.75])


def test_a_lesion_has_the_mean_of_its_slices_in_order_of_appearance():
    by_lesion = lesion_logits(np.array([1.0, 3.0, -1.0]), np.array([7, 7, 2]))
    assert by_lesion.index.tolist() == [7, 2] and by_lesion.tolist() == [2.0, -1.0]
