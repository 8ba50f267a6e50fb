"""Convolution blocks: activation before normalisation, down and up by a factor of two.

The order convolution, GELU, batch normalisation is the one of the lesion autoencoders (Keel et al., BMVC
2023).
"""

from __future__ import annotations

from torch import Tensor, nn


def conv_block(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> nn.Sequential:
    """Convolution without bias -> GELU -> batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.GELU(), nn.BatchNorm2d(outputs)
    )


def transposed_block(inputs: int, outputs: int, kernel: int = 4, stride: int = 2, padding: int = 1) -> nn.Sequential:
    """Transposed convolution without bias -> GELU -> batch normalisation; doubles the side by default."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False),
        nn.GELU(),
        nn.BatchNorm2d(outputs),
    )


def resize_block(inputs: int, outputs: int) -> nn.Sequential:
    """Bilinear enlargement by four, then a 4x4 convolution block of stride 2: doubles the side."""
    return nn.Sequential(
        nn.Upsample(scale_factor=4, mode="bilinear", align_corners=False),
        conv_block(inputs, outputs, kernel=4, stride=2, padding=1),
    )


class FullyConnectedBlock(nn.Module):
    """Linear without bias -> batch normalisation -> GELU, on (batch, feature).

    ``momentum`` is torch's: the share of the newest batch in the running statistics.
    """

    def __init__(self, inputs: int, outputs: int, momentum: float = 0.1):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.norm = nn.BatchNorm1d(outputs, momentum=momentum)
        self.activation = nn.GELU()

    def forward(self, features: Tensor) -> Tensor:
        return self.activation(self.norm(self.linear(features)))
