"""Encoders and decoders of volumes or slices: a small U-Net, and MONAI's Swin UNETR cut open at its deepest level.

A backbone has ``encode``: volumes (batch, 1, side, side, side) -> skips and the deepest map (batch, channel, grid,
grid, grid), and ``decode``: deepest map, skips (None: zeros) -> (batch, outputs, side, side, side), linear.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentangle.puir.config import PUIRConfig

SLOPE = 0.01


def backbone(config: PUIRConfig, outputs: int) -> nn.Module:
    """The backbone that a configuration names."""
    if config.backbone == "swin":
        return SwinBackbone(config.swin_features, outputs)
    return UNetBackbone(config.widths, outputs, config.flat)


def block(inputs: int, outputs: int, flat: bool = False) -> nn.Sequential:
    """3x3x3 (``flat``: 1x3x3) convolution without bias -> instance normalisation -> leaky ReLU."""
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, _size(3, flat), padding=_size(1, flat, 0), bias=False),
        nn.InstanceNorm3d(outputs, affine=True),
        nn.LeakyReLU(SLOPE),
    )


class UNetBackbone(nn.Module):
    """A U-Net on patches of two voxels a side, as Swin has them: levels of 1/2, 1/4 and 1/8 of the side.

    No convolution works at full size, where a CPU would spend nearly all its time: the last layer draws a gain and an
    offset for each voxel and output, and the output is gain x input voxel + offset, so that fine detail passes as the
    contrast asked for wants it. Strided convolutions are two wide, so that their grid has the symmetry of the cube and
    turning a volume can turn its features. ``flat`` leaves the first of the three axes alone.
    """

    def __init__(self, widths: tuple[int, int, int], outputs: int, flat: bool = False):
        super().__init__()
        pairs = list(zip(widths, widths[1:], strict=False))
        self.factor = two = _size(2, flat)
        self.down = nn.ModuleList(nn.Conv3d(a, b, two, stride=two) for a, b in [(1, widths[0]), *pairs])
        self.levels = nn.ModuleList(block(width, width, flat) for width in widths)
        self.shrink = nn.ModuleList(nn.Conv3d(b, a, 1) for a, b in pairs[::-1])
        self.up = nn.ModuleList(block(2 * a, a, flat) for a, _ in pairs[::-1])
        self.head = nn.Conv3d(widths[0], math.prod(two) * 2 * outputs, 1)

    def encode(self, volumes: Tensor) -> tuple[list[Tensor], Tensor]:
        """Skips are the volumes and the maps of the upper levels."""
        maps, skips = volumes, [volumes]
        for down, level in zip(self.down, self.levels, strict=True):
            maps = level(down(maps))
            skips.append(maps)
        return skips[:-1], maps

    def decode(self, deepest: Tensor, skips: list[Tensor] | None) -> Tensor:
        maps, left = deepest, list(skips or [])
        for shrink, up in zip(self.shrink, self.up, strict=True):
            wide = F.interpolate(shrink(maps), scale_factor=self.factor)
            maps = up(torch.cat([wide, left.pop() if left else torch.zeros_like(wide)], 1))
        gain, offset = voxels_of_channels(self.head(maps).float(), self.factor).chunk(2, 1)
        return gain * left.pop() + offset if left else offset


def voxels_of_channels(maps: Tensor, factor: tuple[int, int, int] = (2, 2, 2)) -> Tensor:
    """(batch, 8 * channel, side, side, side) -> (batch, channel, 2 * side, ...): a pixel shuffle in 3D."""
    batch, channels, *sides = maps.shape
    left = channels // math.prod(factor)
    parts = maps.reshape(batch, left, *factor, *sides).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return parts.reshape(batch, left, *(more * side for more, side in zip(factor, sides, strict=True)))


def _size(wide: int, flat: bool, depth: int = 1) -> tuple[int, int, int]:
    return (depth if flat else wide, wide, wide)


class SwinBackbone(nn.Module):
    """Swin UNETR (Hatamizadeh et al. 2022); its deepest map, which the decoder refines, may be replaced."""

    def __init__(self, features: int, outputs: int):
        super().__init__()
        from monai.networks.nets import SwinUNETR  # slow to load

        self.net = SwinUNETR(in_channels=1, out_channels=outputs, feature_size=features)

    @property
    def head(self) -> nn.Module:
        """The last layer."""
        return self.net.out

    def encode(self, volumes: Tensor) -> tuple[list[Tensor], Tensor]:
        """Skips are the volumes and the first four maps of the transformer."""
        *maps, deepest = self.net.swinViT(volumes, self.net.normalize)
        return [volumes, *maps], deepest

    def decode(self, deepest: Tensor, skips: list[Tensor] | None) -> Tensor:
        net, skips = self.net, skips or self._zeros(deepest)
        refined = [net.encoder1(skips[0]), net.encoder2(skips[1]), net.encoder3(skips[2]), net.encoder4(skips[3])]
        maps = net.decoder5(net.encoder10(deepest), skips[4])
        for decoder, skip in zip((net.decoder4, net.decoder3, net.decoder2), refined[:0:-1], strict=True):
            maps = decoder(maps, skip)
        return net.out(net.decoder1(maps, refined[0]))

    @staticmethod
    def _zeros(deepest: Tensor) -> list[Tensor]:
        batch, channels, *sides = deepest.shape
        skips = [deepest.new_zeros(batch, 1, *(32 * side for side in sides))]
        for level in range(4):
            parts = 2 ** (4 - level)
            skips.append(deepest.new_zeros(batch, channels // parts, *(parts * side for side in sides)))
        return skips
