"""A discriminator of segmentation masks, and the least-squares losses of its game (Mao et al. 2018).

DCGAN-like without batch normalisation, as in SDNet (Chartsias et al. 2019, section 3.2, and its release).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from disentangle.networks.initialisation import glorot_

SLOPE = 0.2


class MaskDiscriminator(nn.Module):
    """Masks (batch, channels, side, side) -> scores (batch,) in 32 bit, 1 meant for real ones and 0 for predicted.

    4x4 convolutions with base, 2, 4 and 8 times base filters halve the side each, one with 16 times base keeps
    it. ``head`` ``flatten`` is the published linear layer over all places, ``mean`` averages them first and so
    takes any side. ``spectral`` normalises the four middle convolutions by their largest singular value.
    """

    def __init__(
        self,
        channels: int,
        side: int,
        base: int = 64,
        head: Literal["flatten", "mean"] = "flatten",
        spectral: bool = False,
    ):
        super().__init__()
        if side % 16:
            raise ValueError(f"masks have the side {side}, expected a multiple of 16")
        widths = [channels, base, 2 * base, 4 * base, 8 * base]
        halving = [nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in zip(widths, widths[1:], strict=False)]
        # Keras' 'same' padding of an even kernel at stride 1: one pixel before, two after.
        keeping = nn.Sequential(nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(8 * base, 16 * base, 4))
        places = (side // 16) ** 2 if head == "flatten" else 1
        self.pool = nn.AdaptiveAvgPool2d(1) if head == "mean" else nn.Identity()
        self.layers = glorot_(nn.ModuleList([*halving, keeping]))
        self.head = glorot_(nn.Linear(places * 16 * base, 1))
        if spectral:
            for conv in self.middle:
                spectral_norm(conv)

    @property
    def middle(self) -> list[nn.Conv2d]:
        """The four convolutions after the first, whose size the release restrains."""
        return [*self.layers[1:-1], self.layers[-1][1]]

    def forward(self, masks: Tensor) -> Tensor:
        for layer in self.layers:
            masks = F.leaky_relu(layer(masks), SLOPE)
        return self.head(self.pool(masks).flatten(1)).squeeze(-1).float()


def spectral_penalty(convolutions: list[nn.Conv2d], iterations: int = 3) -> Tensor:
    """Sum over layers of mean |W / sigma(W) - W|, the target W / sigma(W) held constant, as in the SDNet release.

    sigma is the largest singular value by power iteration. Meant for layers without spectral normalisation.
    """
    return sum((target_of(conv.weight, iterations) - conv.weight).abs().mean() for conv in convolutions)


@torch.no_grad()
def target_of(weight: Tensor, iterations: int) -> Tensor:
    """A weight (output, ...) divided by its largest singular value as a matrix (output, rest)."""
    matrix = weight.float().flatten(1)
    left = torch.ones(len(matrix), device=weight.device)
    for _ in range(iterations):
        right = F.normalize(matrix.T @ left, dim=0)
        left = F.normalize(matrix @ right, dim=0)
    return weight / (left @ matrix @ right)


def lsgan_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """mean (D(real) - 1)^2 + mean D(fake)^2 of scores."""
    return (real - 1).square().mean() + fake.square().mean()


def lsgan_generator_loss(fake: Tensor) -> Tensor:
    """mean (D(fake) - 1)^2 of scores."""
    return (fake - 1).square().mean()
