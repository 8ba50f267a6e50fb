"""The SSIM map that trains and scores is that of scikit-image."""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from disentangle.metrics.ssim import uniform_ssim_map


def pair() -> tuple[np.ndarray, np.ndarray]:
    sharp = np.random.default_rng(0).random((30, 41)).astype(np.float32)
    return sharp, gaussian_filter(sharp, 1)


def tensors() -> list[torch.Tensor]:
    return [torch.from_numpy(image)[None, None] for image in pair()]


def test_the_map_is_that_of_scikit_image_inside():
    for window in (3, 7, 11):
        settings = {"win_size": window, "use_sample_covariance": False, "data_range": 1.0, "full": True}
        _, expected = structural_similarity(*pair(), **settings)
        inner = slice(window // 2, -(window // 2))
        found = uniform_ssim_map(*tensors(), window)[0, 0].numpy()
        np.testing.assert_allclose(found[inner, inner], expected[inner, inner], atol=2e-5)


def test_a_stride_keeps_every_second_pixel_of_the_map():
    whole, coarse = uniform_ssim_map(*tensors(), 7), uniform_ssim_map(*tensors(), 7, stride=2)
    torch.testing.assert_close(coarse, whole[..., ::2, ::2])


def test_equal_images_have_one_everywhere_also_black_ones():
    for image in (tensors()[0], torch.zeros(1, 1, 16, 16)):
        torch.testing.assert_close(uniform_ssim_map(image, image), torch.ones_like(image), atol=1e-5, rtol=0)


def test_the_gradient_is_that_of_finite_differences():
    sharp, smooth = (image.double()[..., :9, :9] for image in tensors())
    drawn = smooth.clone().requires_grad_()
    uniform_ssim_map(sharp, drawn, 3).sum().backward()
    step = torch.zeros_like(smooth)
    step[0, 0, 4, 4] = 1e-2
    slope = (uniform_ssim_map(sharp, smooth + step, 3) - uniform_ssim_map(sharp, smooth - step, 3)).sum() / 2e-2
    torch.testing.assert_close(drawn.grad[0, 0, 4, 4].float(), slope, atol=1e-2, rtol=1e-2)
