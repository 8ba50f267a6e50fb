"""The U-Net of the SDNet release: batch normalisation, nearest-neighbour enlargement, one width parameter.

Ronneberger et al. 2015 in the form of Chartsias et al. 2019: 'same' convolutions with bias before each
batch normalisation, and no activation between enlargement and the skip connection.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from disentangle.networks.initialisation import glorot_

NORM_EPSILON = 1e-3
"""Keras' default, which the release uses."""


def normalised_conv(inputs: int, outputs: int, momentum: float) -> nn.Sequential:
    """3x3 convolution with bias -> batch normalisation; ``momentum`` is torch's, the newest batch's share."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs, eps=NORM_EPSILON, momentum=momentum)
    )


def double_conv(inputs: int, outputs: int, momentum: float) -> nn.Sequential:
    """Twice 3x3 convolution -> batch normalisation -> ReLU."""
    return nn.Sequential(
        normalised_conv(inputs, outputs, momentum),
        nn.ReLU(),
        normalised_conv(outputs, outputs, momentum),
        nn.ReLU(),
    )


class UNet(nn.Module):
    """(batch, inputs, height, width) -> (batch, outputs, height, width), linear.

    ``base`` filters at full size, doubled at each of ``levels`` halvings. Height and width must be divisible
    by 2**levels. With base 64, 4 levels and 8 outputs it is the published anatomy encoder.
    """

    def __init__(self, inputs: int, outputs: int, base: int = 64, levels: int = 4, momentum: float = 0.1):
        super().__init__()
        widths = [base * 2**level for level in range(levels + 1)]
        self.levels = levels
        self.down = nn.ModuleList(double_conv(a, b, momentum) for a, b in zip([inputs, *widths], widths, strict=False))
        self.pool, self.enlarge = nn.MaxPool2d(2), nn.Upsample(scale_factor=2, mode="nearest")
        # Deepest first, as they are used.
        steps = list(zip(widths[1:], widths[:-1], strict=True))[::-1]
        self.shrink = nn.ModuleList(normalised_conv(wide, narrow, momentum) for wide, narrow in steps)
        self.up = nn.ModuleList(double_conv(2 * narrow, narrow, momentum) for _, narrow in steps)
        self.head = nn.Conv2d(base, outputs, 1)
        glorot_(self)

    def forward(self, images: Tensor) -> Tensor:
        multiple = 2**self.levels
        if images.shape[-2] % multiple or images.shape[-1] % multiple:
            raise ValueError(f"images are {tuple(images.shape[-2:])}, expected both sides divisible by {multiple}")
        maps, skips = self.down[0](images), []
        for block in self.down[1:]:
            skips.append(maps)
            maps = block(self.pool(maps))
        for shrink, up in zip(self.shrink, self.up, strict=True):
            maps = up(torch.cat([shrink(self.enlarge(maps)), skips.pop()], 1))
        return self.head(maps)
