"""The terms of SDNet's cost (section 4.2) that are not of the adversary: overlap and divergence, in 32 bit."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

SMOOTHING = 0.1


def one_hot(labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Masks (batch, classes, height, width) of label maps (batch, height, width), and where labels are known.

    Label 0 is background and has no mask; a negative label is unknown, 0 in (batch, 1, height, width).
    """
    numbers = torch.arange(1, classes + 1, device=labels.device, dtype=labels.dtype)
    return (labels[:, None] == numbers[:, None, None]).float(), (labels[:, None] >= 0).float()


def pooled_dice_loss(
    probabilities: Tensor, masks: Tensor, known: Tensor | None = None, *, released: bool = False
) -> Tensor:
    """One minus the soft Dice of all classes pooled, per image, then the mean; (batch, class, height, width) each.

    Dice is (2 I + 0.1) / (S + 0.1). ``released`` doubles the numerator's constant, as the code does: an empty
    mask well predicted then counts -1 instead of 0. Pixels outside ``known`` (batch, 1, height, width) are left out.
    """
    if known is not None:
        probabilities, masks = probabilities * known, masks * known
    # One channel that holds all classes: MONAI's loss then pools them.
    flat = [maps.float().flatten(1).unsqueeze(1) for maps in (probabilities, masks)]
    return _dice(2 * SMOOTHING if released else SMOOTHING)(*flat)


def kl_nats(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, 1)) in nats, summed over dimensions, mean over the batch."""
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean), validate_args=False)
    posterior = Normal(mean, (0.5 * logvar).exp(), validate_args=False)
    return kl_divergence(posterior, prior).sum(-1).mean()


@lru_cache
def _dice(numerator: float):
    from monai.losses import DiceLoss  # slow to load, and not needed to apply a model

    return DiceLoss(smooth_nr=numerator, smooth_dr=SMOOTHING)
