"""Encoders and decoders of 64x64 images with a full-field bottleneck: the paper's, and compact ones.

Encoders map (batch, channel, 64, 64) to (batch, feature); decoders map (batch, feature) back to values in
0..1.
"""

from __future__ import annotations

from torch import Tensor, nn

from disentangle.networks.blocks import conv_block, resize_block, transposed_block


def paper_encoder(channels: int, base: int) -> nn.Sequential:
    """Seven 3x3 blocks down to 8x8, then a full-field 8x8 convolution: 32 * base features."""
    return nn.Sequential(
        conv_block(channels, base),
        conv_block(base, 2 * base),
        conv_block(2 * base, 2 * base, stride=2),
        conv_block(2 * base, 2 * base),
        conv_block(2 * base, 4 * base, stride=2),
        conv_block(4 * base, 4 * base),
        conv_block(4 * base, 4 * base, stride=2),
        nn.Conv2d(4 * base, 32 * base, 8),
        nn.GELU(),
        nn.Flatten(),
    )


def paper_decoder(features: int, channels: int, base: int) -> nn.Sequential:
    """1x1 convolution, full-field transposed block, then three times a 3x3 block and a resize block."""
    return nn.Sequential(
        nn.Unflatten(1, (features, 1, 1)),
        nn.Conv2d(features, 32 * base, 1),
        transposed_block(32 * base, 4 * base, kernel=8, stride=1, padding=0),
        conv_block(4 * base, 4 * base),
        resize_block(4 * base, 4 * base),
        conv_block(4 * base, 2 * base),
        resize_block(2 * base, 2 * base),
        conv_block(2 * base, base),
        resize_block(base, base),
        nn.Conv2d(base, channels, 3, padding=1),
        nn.Sigmoid(),
    )


class FlattenChannelsLast(nn.Module):
    """(batch, channel, height, width) -> (batch, height * width * channel), without copy if channels-last."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.permute(0, 2, 3, 1).flatten(1)


class UnflattenChannelsLast(nn.Module):
    """The way back of `FlattenChannelsLast` to (batch, channel, side, side)."""

    def __init__(self, channels: int, side: int):
        super().__init__()
        self.channels, self.side = channels, side

    def forward(self, features: Tensor) -> Tensor:
        return features.unflatten(1, (self.side, self.side, self.channels)).permute(0, 3, 1, 2)


def compact_encoder(channels: int, base: int) -> nn.Sequential:
    """Overlapping 8x8 patches of stride 4, one strided block, a full-field linear layer: 16 * base features.

    No layer keeps maps at 64x64 or 32x32, where the paper's network spends nine tenths of its time on a CPU.
    """
    return nn.Sequential(
        conv_block(channels, 2 * base, kernel=8, stride=4, padding=2),
        conv_block(2 * base, 4 * base, kernel=4, stride=2, padding=1),
        FlattenChannelsLast(),
        nn.Linear(8 * 8 * 4 * base, 16 * base),
        nn.GELU(),
    )


def compact_decoder(features: int, channels: int, base: int) -> nn.Sequential:
    """The compact encoder mirrored; the last layer draws the image from overlapping 8x8 patches."""
    return nn.Sequential(
        nn.Linear(features, 16 * base),
        nn.GELU(),
        nn.Linear(16 * base, 8 * 8 * 4 * base, bias=False),
        UnflattenChannelsLast(4 * base, 8),
        nn.GELU(),
        nn.BatchNorm2d(4 * base),
        transposed_block(4 * base, 2 * base),
        nn.ConvTranspose2d(2 * base, channels, 8, stride=4, padding=2),
        nn.Sigmoid(),
    )


def feature_count(blocks: str, base: int) -> int:
    """Features that an encoder of the given blocks puts out."""
    return {"paper": 32, "compact": 16}[blocks] * base


def count_parameters(model: nn.Module) -> int:
    """Trainable numbers of a model; a model built under ``torch.device("meta")`` costs no memory."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
