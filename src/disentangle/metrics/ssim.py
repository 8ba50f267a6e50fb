"""Structural similarity as maps on the device that trains: differentiable, and the same where it scores.

`image_quality` has the Gaussian form for tables, in numpy; here windows are uniform, as scikit-image's default,
because two poolings compute their moments several times faster on a processor than Gaussian ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_C1, _C2 = 0.01**2, 0.03**2


def uniform_ssim_map(images: Tensor, drawn: Tensor, window: int = 7, stride: int = 1) -> Tensor:
    """Structural similarity at every ``stride``-th pixel of (batch, channel, height, width), data range 1, in 32 bit.

    Windows are ``window`` pixels wide (odd) and cut off at the border of the image. Wang et al. 2004; inside, as
    ``structural_similarity(win_size=window, use_sample_covariance=False)`` of scikit-image.
    """
    with torch.autocast(images.device.type, enabled=False):
        x, y = images.float(), drawn.float()
        # Apart, so that no gradient is computed for the image that is not drawn.
        mean_x, square_x = _pooled([x, x * x], window, stride)
        mean_y, square_y, product = _pooled([y, y * y, x * y], window, stride)
        both, squares = mean_x * mean_y, mean_x.square() + mean_y.square()
        luminance = (2 * both + _C1) / (squares + _C1)
        contrast = (2 * (product - both) + _C2) / (square_x + square_y - squares + _C2)
        return luminance * contrast


def _pooled(maps: list[Tensor], window: int, stride: int) -> tuple[Tensor, ...]:
    """Means over windows of each of the maps, by rows and then by columns."""
    half = window // 2
    rows = F.avg_pool2d(torch.cat(maps, 1), (window, 1), (stride, 1), (half, 0), count_include_pad=False)
    found = F.avg_pool2d(rows, (1, window), (1, stride), (0, half), count_include_pad=False)
    return found.split(maps[0].shape[1], 1)
