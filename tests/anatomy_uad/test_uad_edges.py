"""Canny in torch finds what scikit-image finds."""

import numpy as np
import pytest
import torch
from drawn_heads import drawn_heads
from scipy.ndimage import gaussian_filter
from skimage.feature import canny as reference

from disentangle.anatomy_uad.config import EdgeConfig
from disentangle.anatomy_uad.edges import canny


@pytest.mark.parametrize(("sigma", "low", "high"), [(1.0, 0.05, 0.1), (2.0, 0.1, 0.2), (1.0, 0.2, 0.6)])
def test_edges_of_smooth_images_are_those_of_scikit_image(sigma, low, high):
    generator = np.random.default_rng(0)
    images = np.stack([8 * gaussian_filter(generator.random((40, 56)), 2) for _ in range(4)])
    expected = np.stack([reference(x, sigma=sigma, low_threshold=low, high_threshold=high) for x in images])
    found = canny(torch.from_numpy(images), sigma, low, high).numpy()
    assert expected.mean() > 0.01
    assert (found == expected).all()


def test_edges_of_three_level_images_agree_but_for_ties_at_flat_ridges():
    tissues = drawn_heads(people=4)[1]
    images = np.array([0, 0.29, 0.48, 0.72])[tissues]
    expected = np.stack([reference(x, sigma=1.0, low_threshold=0.05, high_threshold=0.1) for x in images])
    found = canny(torch.from_numpy(images), 1.0, 0.05, 0.1).numpy()
    assert (found != expected).mean() < 0.002
    assert expected[tissues > 0].mean() > 0.1


def test_a_weak_line_stays_only_where_it_touches_a_strong_one():
    fading = torch.linspace(0.5, 0.04, 40)[:, None] * (torch.arange(40) >= 20)
    faint = torch.full((40, 1), 0.04) * (torch.arange(40) >= 20)
    found = canny(torch.stack([fading, faint]), sigma=1.0, low=0.02, high=0.5)
    assert found[0, 1:-1, 18:22].any(1).all()
    assert not found[1].any()


def test_images_of_a_batch_do_not_touch_each_other():
    images = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([canny(image[None], 1.5) for image in images])
    assert torch.equal(canny(images, 1.5), alone)


def test_a_constant_image_has_no_edge():
    assert not canny(torch.full((1, 16, 16), 0.7)).any()


def test_wrong_shapes_and_thresholds_are_refused():
    with pytest.raises(ValueError, match=r"\(batch, height, width\)"):
        canny(torch.zeros(1, 1, 8, 8))
    with pytest.raises(ValueError, match="0 < low <= high"):
        EdgeConfig(low=0.2, high=0.1)
