"""PSNR, NMSE and SSIM of volumes against closed forms, MONAI and scikit-image."""

import numpy as np
import pytest
import torch
from monai.metrics import SSIMMetric

from disentangle.metrics.volume_quality import nmse, psnr, quality, released_scores, ssim_volume

RNG = np.random.default_rng(0)
TRUTH = RNG.uniform(0.2, 1, (16, 16, 16)).astype(np.float32)
NOISY = np.clip(TRUTH + 0.1 * RNG.standard_normal(TRUTH.shape), 0, 1).astype(np.float32)
HALF = np.zeros(TRUTH.shape, bool)
HALF[:8] = True


def test_a_constant_error_has_the_psnr_of_the_formula():
    assert psnr(TRUTH, TRUTH + 0.1) == pytest.approx(20, abs=1e-4)
    assert psnr(TRUTH, TRUTH + 0.01, HALF) == pytest.approx(40, abs=1e-3)
    assert psnr(TRUTH, TRUTH) == np.inf


def test_nmse_is_one_for_black_and_zero_for_perfect():
    assert nmse(TRUTH, np.zeros_like(TRUTH), HALF) == pytest.approx(1)
    assert nmse(TRUTH, TRUTH) == 0
    assert nmse(TRUTH, 2 * TRUTH) == pytest.approx(1)


def test_regions_are_judged_by_their_own_voxels_alone():
    drawn = np.where(HALF, TRUTH, 0)
    found = quality(TRUTH, drawn, {"volume": None, "right": HALF, "wrong": ~HALF, "none": np.zeros_like(HALF)})
    assert found["right"]["psnr"] == np.inf and found["wrong"]["nmse"] == pytest.approx(1)
    assert found["wrong"]["ssim"] < found["volume"]["ssim"] < found["right"]["ssim"] <= 1
    assert all(np.isnan(value) for value in found["none"].values())


def test_an_empty_background_flatters_by_its_share():
    """Digest, section 10: with a share f of brain the whole volume's PSNR is higher by -10 log10 f."""
    padded = [np.pad(volume, 8) for volume in (TRUTH, NOISY)]
    inside = np.pad(np.ones(TRUTH.shape, bool), 8)
    gain = psnr(*padded) - psnr(*padded, inside)
    assert gain == pytest.approx(-10 * np.log10(inside.mean()), abs=1e-6)


def test_ssim_is_that_of_monai():
    metric = SSIMMetric(spatial_dims=3, data_range=1.0, win_size=7, kernel_sigma=1.5)
    expected = float(metric(*(torch.from_numpy(v)[None, None] for v in (TRUTH, NOISY))))
    assert quality(TRUTH, NOISY, {"volume": None})["volume"]["ssim"] == pytest.approx(expected, abs=2e-4)
    assert ssim_volume(TRUTH, TRUTH).min() == pytest.approx(1)


def test_volumes_of_different_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(16, 16, 16\).*\(8, 16, 16\)"):
        quality(TRUTH, NOISY[:8], {"volume": None})


def test_released_psnr_rewards_an_outlier():
    """Its data range is the larger of the two ranges, so that one absurd voxel raises the score of all others."""
    truth = np.stack([np.pad(TRUTH, 4), np.pad(NOISY, 4)])
    drawn = truth + 0.05 * RNG.standard_normal(truth.shape)
    outlier = drawn.copy()
    outlier[0, 12, 12, 12] += 3
    plain, rewarded = released_scores(truth, drawn)[0], released_scores(truth, outlier)[0]
    assert rewarded[0] > plain[0] + 1
    assert released_scores(truth[:1], truth[:1])[1] == pytest.approx(1)
