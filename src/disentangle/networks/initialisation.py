"""How the weights of networks that follow a Keras release begin."""

from __future__ import annotations

from torch import nn


def glorot_(module: nn.Module) -> nn.Module:
    """Glorot-uniform weights and zero biases in every convolution and linear layer, in place."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    return module
