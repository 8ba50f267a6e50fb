"""Image quality against scikit-image, and what an empty image gets for nothing."""

import numpy as np
import pytest
from skimage.metrics import mean_squared_error, structural_similarity

from disentangle.metrics.image_quality import dilate, empty_image_quality, image_quality, ssim_map


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return rng.random((5, 1, 40, 48)), rng.random((5, 1, 40, 48))


def test_agrees_with_scikit_image(images):
    found = image_quality(*images)
    for row, x, y in zip(found.itertuples(), images[0][:, 0], images[1][:, 0], strict=True):
        options = dict(gaussian_weights=True, use_sample_covariance=False, data_range=1.0)
        assert row.ssim == pytest.approx(structural_similarity(x, y, **options), abs=1e-10)
        assert row.mse == pytest.approx(mean_squared_error(x, y))
        assert row.mae == pytest.approx(np.abs(x - y).mean())
        expected = structural_similarity(x, y, full=True, **options)[1]
        np.testing.assert_allclose(ssim_map(x[None], y[None], data_range=1.0)[0], expected, atol=1e-10)


def test_identical_images_are_perfect(images):
    found = image_quality(images[0], images[0], np.ones_like(images[0], bool))
    np.testing.assert_allclose(found[["ssim", "ssim_mask"]], 1)
    assert (found[["mse", "mae", "mse_mask", "mae_mask"]] == 0).all(axis=None)


def test_the_mask_measures_only_the_lesion_and_its_border():
    image, mask = np.zeros((1, 64, 64)), np.zeros((1, 64, 64), bool)
    mask[0, 30:34, 30:34] = True
    image[mask] = 1.0
    found = empty_image_quality(image, mask).iloc[0]
    around = dilate(mask, 3).sum()
    assert found.mse == pytest.approx(16 / 4096) and found.mse_mask == pytest.approx(16 / around)
    assert found.ssim > 0.9 > 0.4 > found.ssim_mask  # the empty image looks fine until the lesion is looked at


def test_dilation_stays_in_its_plane_and_steps_by_city_blocks():
    masks = np.zeros((3, 9, 9), bool)
    masks[1, 4, 4] = True
    grown = dilate(masks, 2)
    assert grown.sum((1, 2)).tolist() == [0, 13, 0]
    assert dilate(masks, 0) is masks


def test_an_empty_mask_gives_nan_and_unequal_shapes_are_named(images):
    found = image_quality(*images, np.zeros_like(images[0], bool))
    assert found["ssim_mask"].isna().all() and found["ssim"].notna().all()
    with pytest.raises(ValueError, match=r"\(5, 40, 48\) but decoded ones \(4, 40, 48\)"):
        image_quality(images[0], images[1][:4])
    with pytest.raises(ValueError, match="perhaps with 1 channel"):
        image_quality(np.zeros((2, 3, 8, 8)), np.zeros((2, 3, 8, 8)))


def test_images_are_scored_one_by_one_however_many_there_are():
    rng = np.random.default_rng(0)
    x, y = rng.random((300, 16, 16)), rng.random((300, 16, 16))
    alone = image_quality(x[270:271], y[270:271]).iloc[0]
    np.testing.assert_allclose(image_quality(x, y).iloc[270], alone)
