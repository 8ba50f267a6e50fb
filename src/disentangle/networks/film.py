"""Decoders that draw an image from maps and a vector: feature-wise modulation (FiLM), or concatenation.

Perez et al. 2018, in the form of SDNet (Chartsias et al. 2019, section 3.3). No layer changes the size, so the
vector can alter what a region looks like and never where it is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from disentangle.networks.initialisation import glorot_

SLOPE = 0.3
"""Of leaky ReLU, Keras' default, which the SDNet release uses."""


def film(maps: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """gamma * maps + beta for each channel: maps (batch, channel, height, width), the others (batch, channel)."""
    return gamma[..., None, None] * maps + beta[..., None, None]


class FiLMBlock(nn.Module):
    """Convolution, activation, convolution modulated by a vector, activation, and a shortcut from the first.

    Two linear layers turn the vector (batch, condition) into gamma and beta, both unconstrained.
    """

    def __init__(self, inputs: int, outputs: int, condition: int):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.modulation = nn.Sequential(
            nn.Linear(condition, 2 * outputs), nn.LeakyReLU(SLOPE), nn.Linear(2 * outputs, 2 * outputs)
        )
        self.activation = nn.LeakyReLU(SLOPE)

    def forward(self, maps: Tensor, vector: Tensor) -> Tensor:
        start = self.activation(self.first(maps))
        # Scale and offset in 32 bit: in bfloat16 two near vectors would often draw the very same image.
        with torch.autocast(maps.device.type, enabled=False):
            gamma, beta = self.modulation(vector.float()).chunk(2, dim=1)
        return start + self.activation(film(self.second(start), gamma, beta))


class FiLMDecoder(nn.Module):
    """Maps (batch, channels, height, width) and vectors (batch, condition) -> images (batch, 1, height, width).

    Values lie in -1..1. A pixel depends on the maps in a square of 4 * ``blocks`` + 3 pixels around it: 19 for four.
    """

    def __init__(self, channels: int, condition: int, blocks: int = 4):
        super().__init__()
        self.blocks = nn.ModuleList(FiLMBlock(channels, channels, condition) for _ in range(blocks))
        self.head = nn.Conv2d(channels, 1, 3, padding=1)
        glorot_(self)

    def forward(self, maps: Tensor, vector: Tensor) -> Tensor:
        for block in self.blocks:
            maps = block(maps, vector)
        return self.head(maps).float().tanh()


class ConcatenationDecoder(nn.Module):
    """The same layers without modulation; the vector enters as constant maps beside the first block's input."""

    def __init__(self, channels: int, condition: int, blocks: int = 4):
        super().__init__()
        inputs = [channels + condition] + [channels] * (blocks - 1)
        self.first = nn.ModuleList(nn.Conv2d(width, channels, 3, padding=1) for width in inputs)
        self.second = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in inputs)
        self.activation = nn.LeakyReLU(SLOPE)
        self.head = nn.Conv2d(channels, 1, 3, padding=1)
        glorot_(self)

    def forward(self, maps: Tensor, vector: Tensor) -> Tensor:
        constant = vector[..., None, None].expand(-1, -1, *maps.shape[-2:])
        maps = torch.cat([maps, constant.to(maps.dtype)], 1)
        for first, second in zip(self.first, self.second, strict=True):
            start = self.activation(first(maps))
            maps = start + self.activation(second(start))
        return self.head(maps).float().tanh()
