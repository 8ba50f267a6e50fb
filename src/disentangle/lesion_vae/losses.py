"""Reconstruction and divergence terms of the lesion autoencoders.

Images are (batch, channel, height, width) in 0..1; every term is a value per image, (batch,), 32 bit.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales of MS-SSIM (Wang, Simoncelli and Bovik, 2003)."""

_C1, _C2 = 0.01**2, 0.03**2


def gaussian_kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, 1)) in nats, summed over the latent axis."""
    return -0.5 * (1 + logvar - mean.square() - logvar.exp()).sum(-1)


def dirichlet_kl(concentration: Tensor, prior: float, direction: str = "elbo") -> Tensor:
    """KL between a Dirichlet posterior and the symmetric prior in nats.

    ``elbo`` is KL(posterior || prior), ``reversed`` KL(prior || posterior), which the released code
    minimises.
    """
    target = torch.full_like(concentration, prior)
    p, q = (concentration, target) if direction == "elbo" else (target, concentration)
    p_total, q_total = p.sum(-1), q.sum(-1)
    normaliser = torch.lgamma(p_total) - torch.lgamma(q_total) + (torch.lgamma(q) - torch.lgamma(p)).sum(-1)
    moment = torch.digamma(p) - torch.digamma(p_total).unsqueeze(-1)
    return normaliser + ((p - q) * moment).sum(-1)


def pixel_error(image: Tensor, drawn: Tensor, kind: str = "l1", weight: Tensor | None = None) -> Tensor:
    """Mean absolute (``l1``) or squared (``mse``) error of each image, over the pixels in ``weight``."""
    error = image - drawn
    return _mean(error.abs() if kind == "l1" else error.square(), weight)


def ssim(image: Tensor, drawn: Tensor, window: int = 7, weight: Tensor | None = None) -> Tensor:
    """Structural similarity of each image over uniform windows that lie inside it, data range 1.

    Windows are uniform, as in scikit-image's default, because average pooling computes their moments several
    times faster on a processor than Gaussian windows by convolution. ``weight`` counts a window by the
    share of it that is marked.
    """
    luminance, contrast = _ssim_maps(image, drawn, window)
    return _mean(luminance * contrast, None if weight is None else _pooled(weight, window))


def ms_ssim(image: Tensor, drawn: Tensor, window: int = 3, weight: Tensor | None = None) -> Tensor:
    """Multi-scale structural similarity of each image: five scales, each half the size of the one before.

    Window 3, as a side of 64 ends at 4 pixels. Scales with negative contrast count as zero.
    """
    values = []
    for scale in range(len(SCALE_WEIGHTS)):
        if scale:
            image, drawn = F.avg_pool2d(image, 2), F.avg_pool2d(drawn, 2)
            weight = None if weight is None else F.avg_pool2d(weight, 2)
        luminance, contrast = _ssim_maps(image, drawn, window)
        last = scale == len(SCALE_WEIGHTS) - 1
        marked = None if weight is None else _pooled(weight, window)
        values.append(_mean(luminance * contrast if last else contrast, marked))
    exponents = torch.tensor(SCALE_WEIGHTS, device=image.device)
    # The floor keeps the gradient of the power finite at zero.
    return (torch.stack(values, -1).clamp_min(1e-4) ** exponents).prod(-1)


def region_weight(mask: Tensor, dilation: int) -> Tensor:
    """Pixels within ``dilation`` of ``mask`` (batch, height, width), as (batch, 1, height, width) in {0, 1}."""
    side = 2 * dilation + 1
    return F.max_pool2d(mask.unsqueeze(1).float(), side, stride=1, padding=dilation)


def _ssim_maps(image: Tensor, drawn: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """Luminance and contrast-structure maps; moments in one pooling, with no gradient for the fixed image."""
    channels = image.shape[1]
    fixed = _pooled(torch.cat([image, image.square()], 1), window).split(channels, 1)
    moving = _pooled(torch.cat([drawn, drawn.square(), image * drawn], 1), window).split(channels, 1)
    (mean_x, square_x), (mean_y, square_y, product) = fixed, moving
    both, squares = mean_x * mean_y, mean_x.square() + mean_y.square()
    contrast = (2 * (product - both) + _C2) / (square_x + square_y - squares + _C2)
    return (2 * both + _C1) / (squares + _C1), contrast


def _pooled(maps: Tensor, window: int) -> Tensor:
    return F.avg_pool2d(maps, window, stride=1)


def _mean(maps: Tensor, weight: Tensor | None) -> Tensor:
    if weight is None:
        return maps.flatten(1).mean(1)
    weight = weight.expand_as(maps)
    return (maps * weight).flatten(1).sum(1) / weight.flatten(1).sum(1).clamp_min(1e-6)
