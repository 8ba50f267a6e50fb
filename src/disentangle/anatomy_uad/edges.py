"""Canny's edges in torch, of many images at once and on any device, step by step as scikit-image finds them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_TRUNCATE = 4.0
_GROWTHS = 8  # steps of hysteresis between two looks at whether it has ended


@torch.no_grad()
def canny(images: Tensor, sigma: float = 1.0, low: float = 0.1, high: float = 0.2) -> Tensor:
    """Edges (batch, height, width) bool of images (batch, height, width) on a scale of 1.

    Gaussian smoothing, Sobel gradient, thinning to the largest magnitude across the edge, and hysteresis: weak edges
    (``low``) stay where they touch strong ones (``high``), 8-connected. Canny 1986; thresholds and borders as in
    ``skimage.feature.canny``. Computed in 64 bit where the device has it.
    """
    if images.ndim != 3:
        raise ValueError(f"images have the shape {tuple(images.shape)}, expected (batch, height, width)")
    kind = torch.float32 if images.device.type == "mps" else torch.float64
    with torch.autocast(images.device.type, enabled=False):
        down, right = _sobel(_smoothed(images.to(kind), sigma))
        magnitude = (down.square() + right.square()).sqrt()
        weak = _is_ridge(magnitude, down, right) & (magnitude >= low)
        weak = F.pad(weak[:, 1:-1, 1:-1], (1, 1, 1, 1))  # nobody knows what lies beyond the border
        return _connected(weak, weak & (magnitude >= high))


def _smoothed(images: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing, divided by the share of the kernel that lies inside the image."""
    radius = int(_TRUNCATE * sigma + 0.5)
    offsets = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (offsets / sigma).square())
    kernel = kernel / kernel.sum()
    inside = _blurred(torch.ones_like(images[:1]), kernel) + torch.finfo(images.dtype).eps
    return _blurred(images, kernel) / inside


def _blurred(images: Tensor, kernel: Tensor) -> Tensor:
    radius, maps = len(kernel) // 2, images[:, None]
    maps = F.conv2d(maps, kernel[None, None, :, None], padding=(radius, 0))
    return F.conv2d(maps, kernel[None, None, None, :], padding=(0, radius))[:, 0]


def _sobel(images: Tensor) -> tuple[Tensor, Tensor]:
    """Derivatives down and to the right, with the weights 1, 2, 1 across; the border repeats."""
    padded = F.pad(images[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    down = padded[:, 2:] - padded[:, :-2]
    right = padded[:, :, 2:] - padded[:, :, :-2]
    return (
        down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:],
        right[:, :-2] + 2 * right[:, 1:-1] + right[:, 2:],
    )


def _is_ridge(magnitude: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Whether no neighbour along the gradient, interpolated between two pixels, is larger."""
    steep, across = down.abs(), right.abs()
    vertical = steep > across
    share = torch.minimum(steep, across) / torch.maximum(steep, across).clamp_min(torch.finfo(magnitude.dtype).tiny)
    same = (down * right) >= 0  # the gradient points down-right or up-left
    height, width = magnitude.shape[-2:]
    padded = F.pad(magnitude, (1, 1, 1, 1))

    def at(rows: int, columns: int) -> Tensor:
        return padded[:, 1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]

    ridge = torch.ones_like(vertical)
    for sign in (1, -1):
        straight = torch.where(vertical, at(sign, 0), torch.where(same, at(0, sign), at(0, -sign)))
        oblique = torch.where(same, at(sign, sign), at(sign, -sign))
        ridge &= oblique * share + straight * (1 - share) <= magnitude
    return ridge


def _connected(weak: Tensor, strong: Tensor) -> Tensor:
    """Weak pixels that a path over weak neighbours joins to a strong one."""
    allowed, found = weak[:, None].float(), strong[:, None].float()
    longest = math.prod(weak.shape[-2:])
    for _ in range(0, longest, _GROWTHS):
        before = found
        for _ in range(_GROWTHS):
            found = F.max_pool2d(found, 3, stride=1, padding=1) * allowed
        if torch.equal(found, before):
            break
    return found[:, 0] > 0
