"""Training: the same seed gives the same weights, arms share what they have in common, and anatomy is learnt."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_heads import drawn_heads

from disentangle.anatomy_uad.config import ARMS, DALConfig, arm
from disentangle.anatomy_uad.data import checked_slices
from disentangle.anatomy_uad.score import anomaly_map
from disentangle.anatomy_uad.train import anatomy, edges, fit, fit_first_stage, modality, pseudo_healthy


def weights(found, *parts):
    return {n: v for n, v in found.model.state_dict().items() if not parts or n.split(".")[0] in parts}


def equal(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(heads, small):
    one, again = (fit(heads[0], small, seed, cache=False) for seed in (1, 1))
    other = fit(heads[0], small, 2, cache=False)
    assert equal(weights(one), weights(again))
    assert not equal(weights(one, "restorer"), weights(other, "restorer"))


def test_an_arm_after_the_first_stage_shares_its_weights_and_comes_from_the_cache(heads, small):
    method = fit(heads[0], small, 3)
    arms = {name: fit(heads[0], arm(small, name), 3) for name in ARMS}
    shared = ("extractor", "encoder", "modality", "combiner", "mean_modality", "levels")
    for name in ("image_input", "anatomy_input"):
        assert equal(weights(method, *shared), weights(arms[name], *shared))
        assert not equal(weights(method, "restorer"), weights(arms[name], "restorer"))
    assert not equal(weights(method, "extractor"), weights(arms["no_consistency"], "extractor"))
    for name in ("mean_z", "no_ssim"):
        assert arms[name].from_cache and equal(weights(method), weights(arms[name]))


def test_the_restoring_stage_leaves_the_first_stages_networks_alone_and_a_joint_one_does_not(heads, small):
    first, staged = fit_first_stage(heads[0], small, 4), fit(heads[0], small, 4)
    joint = fit(heads[0], replace(small, joint=True), 4)
    assert equal(
        weights(first, "extractor", "combiner", "modality"), weights(staged, "extractor", "combiner", "modality")
    )
    assert not equal(weights(first, "extractor"), weights(joint, "extractor"))
    assert {"code", "consistency"} <= set(joint.history.frame().query("stage == 2").dropna(axis=1))
    assert joint.history.frame()["step"].max() == 6


def test_after_training_anatomies_of_both_sequences_agree_with_each_other_and_with_the_drawing(heads, fitted):
    pairs, tissues = drawn_heads(people=4, seed=9)
    found = [anatomy(fitted, slices) for slices in (pairs.first, pairs.second)]
    dice = [
        2 * ((found[0] == k) & (found[1] == k)).sum() / ((found[0] == k).sum() + (found[1] == k).sum())
        for k in (1, 2, 3)
    ]
    assert np.mean(dice) > 0.75
    assert (found[0] == tissues)[tissues > 0].mean() > 0.75
    assert not found[0][tissues == 0].any()


def test_a_bright_spot_scores_more_than_the_rest_of_the_brain(fitted):
    pairs, _ = drawn_heads(people=4, seed=10)
    sick = pairs.second.images.copy()
    spot = np.zeros_like(pairs.second.brain)
    spot[:, 24:29, 32:37] = True
    sick[spot] = 1.0
    slices = checked_slices(sick, pairs.second.brain, "T2", 2.0)
    score = anomaly_map(slices, pseudo_healthy(fitted, slices), fitted.config.score)
    assert score[spot].mean() > 2 * score[slices.brain & ~spot].mean()


def test_vectors_tell_the_sequences_apart(heads, fitted):
    one, two = (modality(fitted, slices) for slices in (heads[0].first, heads[0].second))
    assert np.linalg.norm(one.mean(0) - two.mean(0)) > 2 * max(one.std(0).max(), two.std(0).max())
    means = fitted.model.mean_modality.numpy()
    np.testing.assert_allclose(means, [one.mean(0), two.mean(0)], atol=0.05 * np.abs(means).max())


def test_slices_of_any_size_are_padded_and_cut_back(fitted):
    pairs, _ = drawn_heads(people=1, side=50)
    drawn = pseudo_healthy(fitted, pairs.first)
    assert drawn.shape == edges(fitted, pairs.first).shape == (2, 50, 50)
    assert not drawn[~pairs.first.brain].any()


def test_the_mean_vector_draws_another_image_and_is_unknown_for_an_unseen_sequence(heads, fitted):
    averaged = replace(fitted, config=arm(fitted.config, "mean_z"))
    slices = heads[0].first
    assert np.abs(pseudo_healthy(averaged, slices) - pseudo_healthy(fitted, slices)).max() > 1e-4
    unseen = replace(slices, sequence="FLAIR")
    assert np.isfinite(pseudo_healthy(fitted, unseen)).all()
    with pytest.raises(ValueError, match="no mean modality of 'FLAIR'"):
        pseudo_healthy(averaged, unseen)


def test_data_that_do_not_fit_are_refused(heads, small):
    with pytest.raises(ValueError, match="divisible by 8"):
        fit(drawn_heads(people=2, side=44)[0], small, 0)
    with pytest.raises(ValueError, match="6 people are in training and in validation"):
        fit(heads[0], small, 0, validation=heads[0])
    with pytest.raises(ValueError, match="expected"):
        fit(heads[0], replace(small, sequences=("T1", "FLAIR")), 0)


def test_validation_people_decide_which_weights_are_kept(heads, small):
    found = fit(heads[0], small, 5, validation=drawn_heads(people=2, seed=7)[0], cache=False)
    assert found.history.best_step is not None
    assert "validation" in found.history.frame()


def test_settings_that_make_no_sense_are_refused():
    for wrong in ({"restorer_input": "lesion"}, {"levels": (0.5, 0.4, 0.9)}, {"sequences": ("T1", "T1")}, {"stem": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            DALConfig(**wrong)
    with pytest.raises(ValueError, match="no arm"):
        arm(DALConfig(), "no_brain")
