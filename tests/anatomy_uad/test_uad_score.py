"""The hybrid score and what follows it, against brute force and closed forms."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from disentangle.anatomy_uad import train
from disentangle.anatomy_uad.config import DALConfig, ScoreConfig
from disentangle.anatomy_uad.data import checked_slices
from disentangle.anatomy_uad.fitted import Fitted
from disentangle.anatomy_uad.postprocess import combined, eroded, finished, without_small_components
from disentangle.anatomy_uad.score import anomaly_map, raw_score
from disentangle.training import History

PLAIN = ScoreConfig(ssim=False, median=1, erosion_mm=0.0)


def slices(count: int = 2, side: int = 24):
    images = np.random.default_rng(0).random((count, side, side)).astype(np.float32)
    return checked_slices(images, np.ones_like(images), "T2", 2.0)


def test_the_score_is_difference_times_one_minus_ssim():
    x = slices()
    drawn = (0.7 * x.images + 0.1).astype(np.float32)
    found = raw_score(x.images, drawn, ssim=True, window=7)
    settings = {"win_size": 7, "use_sample_covariance": False, "data_range": 1.0, "full": True}
    _, similarity = structural_similarity(x.images[1], drawn[1], **settings)
    expected = np.abs(x.images[1] - drawn[1]) * (1 - similarity)
    np.testing.assert_allclose(found[1, 3:-3, 3:-3], expected[3:-3, 3:-3], atol=1e-5)


def test_without_ssim_the_score_is_the_difference():
    x = slices()
    np.testing.assert_array_equal(anomaly_map(x, np.zeros_like(x.images), PLAIN), x.images)


def test_a_perfect_drawing_a_black_slice_and_a_constant_one_score_nothing_and_no_nan():
    x = slices()
    assert np.abs(anomaly_map(x, x.images, ScoreConfig())).max() < 1e-6
    for level in (0.0, 0.5):
        flat = replace(x, images=np.full_like(x.images, level))
        assert np.isfinite(anomaly_map(flat, x.images, ScoreConfig())).all()
    nobody = replace(x, brain=np.zeros_like(x.brain))
    assert not anomaly_map(nobody, 0 * x.images, ScoreConfig()).any()


def test_erosion_is_in_mm_and_by_distance():
    brain = np.zeros((1, 21, 21), bool)
    brain[0, 3:18, 3:18] = True
    for spacing, millimetres in ((1.0, 2.0), (2.0, 3.0), (1.0, 0.0)):
        border = int(millimetres / spacing)
        expected = np.zeros_like(brain)
        expected[0, 3 + border : 18 - border, 3 + border : 18 - border] = True
        assert np.array_equal(eroded(brain, np.full((1, 2), spacing), millimetres), expected)
    full = np.ones((1, 9, 9), bool)
    assert eroded(full, np.ones((1, 2)), 1.0).sum() == 49  # beyond the image is outside


def test_the_median_removes_single_pixels_and_keeps_wide_ones():
    raw, brain = np.zeros((2, 15, 15), np.float32), np.ones((2, 15, 15), bool)
    raw[0, 7, 7] = 1
    raw[1, 5:10, 5:10] = 1
    found = finished(raw, brain, np.ones((2, 2)), replace(PLAIN, median=3))
    assert not found[0].any() and found[1, 7, 7] == 1


def test_scores_that_are_not_finite_or_of_another_grid_are_refused():
    brain = np.ones((2, 5, 5), bool)
    raw = np.zeros((2, 5, 5))
    raw[1, 2, 2] = np.nan
    with pytest.raises(ValueError, match="slice 1"):
        finished(raw, brain, np.ones((2, 2)), PLAIN)
    with pytest.raises(ValueError, match="shape"):
        finished(raw[:, :4], brain, np.ones((2, 2)), PLAIN)


def test_small_components_go_and_corners_connect():
    detected = np.zeros((3, 8, 8), bool)
    detected[0, 0, 0] = True
    for step in range(3):
        detected[step, 4 + step, 4 + step] = True
    found = without_small_components(detected, 3)
    assert found.sum() == 3 and not found[0, 0, 0]
    assert not without_small_components(detected, 4).any()


def test_two_sequences_are_averaged_in_units_of_their_healthy_quantiles():
    one, two = np.full((1, 2, 2), 4.0), np.full((1, 2, 2), 9.0)
    np.testing.assert_allclose(combined([one, two], [2.0, 3.0]), 2.5)
    with pytest.raises(ValueError, match="above 0"):
        combined([one], [0.0])


def test_even_windows_are_refused():
    with pytest.raises(ValueError, match="odd"):
        ScoreConfig(window=8)


@pytest.mark.slow
def test_a_volume_of_one_millimetre_is_scored_in_time():
    """Under 20 s on two cores: that is 40 s of processor time, which other work on the machine does not change."""
    config = DALConfig()
    fitted = Fitted(train.new_model(config, 0), config, History(), 0.0, False)
    fitted.model.levels.copy_(torch.tensor([0.3, 0.5, 0.8]))
    brain = np.zeros((189, 233, 197), bool)
    brain[20:170, 30:200, 25:175] = True
    slices = checked_slices(np.random.default_rng(0).random(brain.shape, dtype=np.float32), brain, "T2", 1.0)
    began = time.process_time()
    scores = anomaly_map(slices, train.pseudo_healthy(fitted, slices), ScoreConfig(median=5))
    spent = time.process_time() - began
    assert spent < 40, f"{spent:.0f} s of processor time"
    assert scores.shape == brain.shape and np.isfinite(scores).all()
