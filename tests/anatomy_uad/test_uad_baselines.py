"""Baselines: the two without weights against arithmetic, the trained ones under the method's protocol."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_heads import drawn_heads

from disentangle.anatomy_uad.baselines import (
    coarse_noise,
    fit_normative_map,
    fit_restorer,
    normative_score,
    redraw,
    threshold_score,
)
from disentangle.anatomy_uad.config import BASELINES, DALConfig, ScoreConfig, baseline_like
from disentangle.anatomy_uad.score import anomaly_map

PLAIN = ScoreConfig(ssim=False, median=1, erosion_mm=0.0)


def test_the_threshold_scores_bright_on_t2_and_dark_on_t1(heads):
    first, second = heads[0].first, heads[0].second
    np.testing.assert_array_equal(threshold_score(second, PLAIN), second.images)
    np.testing.assert_allclose(threshold_score(first, PLAIN), np.where(first.brain, 1 - first.images, 0))


def test_the_normative_map_is_the_mean_and_spread_of_people_at_each_position(heads):
    pairs = heads[0]
    positions = np.tile([10.0, 20.0], 6)
    found = fit_normative_map(pairs, positions, smoothing_px=0.0, floor=0.0)
    rows = positions == 20.0
    everywhere = pairs.first.brain[rows].all(0)
    images = pairs.first.images[rows][:, everywhere]
    np.testing.assert_allclose(found.mean["T1"][1][everywhere], images.mean(0), rtol=1e-4)
    np.testing.assert_allclose(found.deviation["T1"][1][everywhere], images.std(0), rtol=1e-3, atol=1e-5)


def test_the_normative_score_is_the_distance_in_deviations_at_the_nearest_position(heads):
    pairs, positions = heads[0], np.tile([10.0, 20.0], 6)
    found = fit_normative_map(pairs, positions)
    score = normative_score(found, pairs.second, positions + 1, PLAIN)
    mean, deviation = (part["T2"][[0, 1] * 6] for part in (found.mean, found.deviation))
    expected = np.where(pairs.second.brain, np.abs(pairs.second.images - mean) / deviation, 0)
    np.testing.assert_allclose(score, expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="FLAIR"):
        normative_score(found, replace(pairs.first, sequence="FLAIR"), positions, PLAIN)
    with pytest.raises(ValueError, match="1 slices"):
        fit_normative_map(pairs, np.arange(12.0))


def test_baselines_have_the_methods_augmentation_steps_and_post_processing():
    method = DALConfig().with_steps(30, 70, batch_size=5)
    for name in BASELINES:
        found = baseline_like(method, name)
        assert (found.training.steps, found.training.batch_size) == (100, 5)
        assert replace(found.augmentation, randomised=0.3) == method.augmentation
        assert (found.augmentation.randomised > 0) == (name == "ae_randomised")
        assert replace(found.score, ssim=True) == method.score
    with pytest.raises(ValueError, match="no trained baseline"):
        baseline_like(method, "vae")


def test_the_autoencoder_learns_to_redraw_and_scores_a_spot(heads, small):
    config = baseline_like(small.with_steps(60, 30, learning_rate=5e-3), "ae")
    before = fit_restorer(heads[0], replace(config, training=replace(config.training, steps=1)), 0, cache=False)
    found = fit_restorer(heads[0], config, 0)
    slices = drawn_heads(people=3, seed=11)[0].second
    error = [np.abs(redraw(f, slices) - slices.images)[slices.brain].mean() for f in (before, found)]
    assert error[1] < 0.7 * error[0]
    sick = replace(slices, images=slices.images.copy())
    sick.images[:, 22:26, 30:34] = 0.0
    score = anomaly_map(sick, redraw(found, sick), found.config.score)
    assert score[:, 23:25, 31:33].mean() > score[slices.brain].mean()


def test_the_denoiser_learns_to_redraw_the_clean_image(heads, small):
    config = baseline_like(small.with_steps(50, 30, learning_rate=1e-2), "dae")
    before = fit_restorer(heads[0], replace(config, training=replace(config.training, steps=1)), 0, cache=False)
    found = fit_restorer(heads[0], config, 0)
    slices = drawn_heads(people=3, seed=12)[0].first
    torch.manual_seed(0)
    noise = coarse_noise(torch.Size((6, 1, 48, 48)), config.noise, config.noise_grid)[:, 0].numpy() * slices.brain
    noisy = replace(slices, images=(slices.images + noise).astype(np.float32))
    left = [np.abs(redraw(model, noisy) - slices.images)[slices.brain].mean() for model in (before, found)]
    assert left[1] < 0.6 * left[0]


def test_coarse_noise_is_smooth_rolled_and_scaled():
    torch.manual_seed(0)
    noise = coarse_noise(torch.Size((20, 1, 64, 64)), 0.2, 16)
    steps = noise.diff(dim=-1).abs().mean() / noise.std()
    assert steps < 0.5  # white noise has 1.13
    assert 0.08 < noise.std() < 0.2


def test_a_baseline_comes_from_the_cache_and_refuses_sides_it_cannot_halve(heads, small):
    config = baseline_like(small, "ae")
    one, again = (fit_restorer(heads[0], config, 1) for _ in range(2))
    assert again.from_cache
    for name, value in one.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name])
    with pytest.raises(ValueError, match="divisible by 16"):
        fit_restorer(drawn_heads(people=2, side=40)[0], config, 0)
