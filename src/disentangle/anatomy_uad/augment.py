"""How training varies a pair of sequences: one geometry for both, intensities of each by itself, on the device.

Contrast randomisation shows the networks sequences that no scanner made; it is an arm of its own among the baselines.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from disentangle.anatomy_uad.config import Augmentation

_KNOTS = 5


class View(NamedTuple):
    """A batch as the networks see it.

    ``image`` what goes in and ``target`` what is to be drawn, (batch, 2, height, width); ``brain`` float of 0 and 1 and
    ``prior``, the first sequence at three levels, (batch, 1, height, width). All are 0 outside the brain.
    """

    image: Tensor
    target: Tensor
    brain: Tensor
    prior: Tensor


def plain(batch: dict[str, Tensor]) -> View:
    """The batch as it is."""
    return View(batch["image"], batch["image"], batch["brain"].float(), batch["prior"])


@torch.no_grad()
def augmented(batch: dict[str, Tensor], config: Augmentation) -> View:
    """The batch of `data.training_tensors`, varied with torch's current generator."""
    with torch.autocast(batch["image"].device.type, enabled=False):
        images, prior, brain = _moved(batch, config)
        singles = images.flatten(0, 1)[:, None]
        masks = brain.repeat_interleave(2, 0)
        target = _restyled(singles, config) * masks
        image = _degraded(target, config) * masks
    shape = images.shape
    return View(image.view(shape), target.view(shape), brain, prior * brain)


def _moved(batch: dict[str, Tensor], config: Augmentation) -> tuple[Tensor, Tensor, Tensor]:
    """Images, prior and brain turned, scaled, shifted and flipped together."""
    stack = torch.cat([batch["image"], batch["prior"], batch["brain"].float()], 1)
    count, device = len(stack), stack.device
    angle = _between(count, -1, 1, device) * math.radians(config.rotation)
    zoom = 1 + _between(count, -1, 1, device) * config.scale
    flip = torch.where(torch.rand(count, device=device) < 0.5 * config.flip, -1.0, 1.0)
    cosine, sine = angle.cos() * zoom, angle.sin() * zoom
    shift = 2 * config.shift * (2 * torch.rand(count, 2, device=device) - 1)
    rows = torch.stack([cosine * flip, -sine, shift[:, 0], sine * flip, cosine, shift[:, 1]], 1)
    grid = F.affine_grid(rows.view(-1, 2, 3), list(stack.shape), align_corners=False)
    moved = F.grid_sample(stack, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    brain = (moved[:, 3:] > 0.5).float()
    return moved[:, :2] * brain, moved[:, 2:3], brain


def _restyled(images: Tensor, config: Augmentation) -> Tensor:
    """Another exponent and slope, or with some probability a random curve: (batch, 1, height, width) in 0..1."""
    count, device = len(images), images.device
    exponent = config.gamma ** _between(count, -1, 1, device)
    slope = 1 + config.contrast * _between(count, -1, 1, device)
    usual = (images.clamp(1e-6, 1) ** _wide(exponent) - 0.5) * _wide(slope) + 0.5
    if not config.randomised:
        return usual.clamp(0, 1)
    chosen = torch.rand(count, device=device) < config.randomised
    return torch.where(_wide(chosen), random_curves(images), usual).clamp(0, 1)


def random_curves(images: Tensor) -> Tensor:
    """Each image (batch, 1, height, width) in 0..1 through a piecewise linear curve of its own, onto 0..1.

    A third of the curves rise, a third fall, a third do neither.
    """
    count, device = len(images), images.device
    values = torch.rand(count, _KNOTS, device=device)
    rising = values.sort(1).values
    kind = torch.randint(3, (count, 1), device=device)
    values = torch.where(kind == 0, rising, torch.where(kind == 1, rising.flip(1), values))
    low, high = values.amin(1, keepdim=True), values.amax(1, keepdim=True)
    values = (values - low) / (high - low).clamp_min(1e-3)
    place = images.flatten(1).clamp(0, 1) * (_KNOTS - 1)
    left = place.floor().clamp_max(_KNOTS - 2)
    index = left.long()
    share = place - left
    found = values.gather(1, index) * (1 - share) + values.gather(1, index + 1) * share
    return found.view_as(images)


def _degraded(images: Tensor, config: Augmentation) -> Tensor:
    """What a scanner adds: a smooth bias, blur and Rician noise."""
    count, device = len(images), images.device
    field = F.interpolate(torch.randn(count, 1, 4, 4, device=device), images.shape[-2:], mode="bicubic")
    found = images * (config.bias * field).exp()
    blurred = torch.rand(count, device=device) < config.blur
    found = torch.where(_wide(blurred), F.avg_pool2d(found, 3, 1, 1), found)
    deviation = _wide(config.noise * torch.rand(count, device=device))
    real, imaginary = (deviation * torch.randn_like(found) for _ in range(2))
    return ((found + real).square() + imaginary.square()).sqrt().clamp(0, 1)


def _between(count: int, low: float, high: float, device: torch.device) -> Tensor:
    return low + (high - low) * torch.rand(count, device=device)


def _wide(values: Tensor) -> Tensor:
    return values[:, None, None, None]
