"""The terms of both stages; the names consistency and similarity are the paper's, the formulas ours.

Means are over the pixels of the brain, (batch, 1, height, width) of 0 and 1; images (batch, 1, height, width).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from disentangle.metrics.ssim import uniform_ssim_map


def masked_mean(values: Tensor, brain: Tensor) -> Tensor:
    """Mean of (batch, channel, height, width) over the brain of the batch, all channels alike."""
    return (values * brain).sum() / (brain.sum() * values.shape[1]).clamp_min(1)


def l1(images: Tensor, drawn: Tensor, brain: Tensor) -> Tensor:
    """Mean absolute difference in the brain."""
    return masked_mean((images - drawn).abs(), brain)


def dissimilarity(images: Tensor, drawn: Tensor, brain: Tensor, window: int = 7, stride: int = 2) -> Tensor:
    """Mean of 1 - SSIM in the brain, at every second pixel to save time."""
    return masked_mean(1 - uniform_ssim_map(images, drawn, window, stride), brain[..., ::stride, ::stride])


def consistency(first: Tensor, second: Tensor, logits: tuple[Tensor, Tensor], brain: Tensor) -> Tensor:
    """Two sequences of one head have one anatomy: L1 of the anatomical images + half the mutual cross-entropies.

    ``logits`` are divided by the temperature; each sequence's most probable tissue is the other's label.
    """
    one, two = logits
    mutual = F.cross_entropy(one, two.argmax(1), reduction="none") + F.cross_entropy(
        two, one.argmax(1), reduction="none"
    )
    return l1(first, second, brain) + 0.5 * masked_mean(mutual[:, None], brain)


def similarity(anatomy: Tensor, logits: Tensor, prior: Tensor, levels: Tensor, brain: Tensor) -> Tensor:
    """The anatomical image resembles a T1 of three grey levels, ``prior``: L1 + cross-entropy with its nearest level.

    L1 alone, whose slope is a difference of levels, loses to the consistency of anatomies that ignore the image.
    """
    nearest = (prior - levels.view(1, -1, 1, 1)).abs().argmin(1)
    return l1(anatomy, prior, brain) + masked_mean(F.cross_entropy(logits, nearest, reduction="none")[:, None], brain)
