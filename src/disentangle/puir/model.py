"""PUIR's network: volume -> feature -> completed by a prior -> invariant X_h -> images of all modalities.

The paper's method section was not readable; the shapes follow the released fine-tuning code. Volumes are (batch, 1,
side, side, side), features z, completed features z' and invariants X_h (batch, channel, grid, grid, grid).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from disentangle.puir.backbones import backbone
from disentangle.puir.config import PUIRConfig

EPSILON = 1e-5


class Completion(nn.Module):
    """z' = attention(query z, key O, value O) of features z to the prior O, (1, channel, grid, grid, grid).

    Without residual, normalisation or position, as released. Tokens are channels of as many numbers as there
    are places, or places of as many numbers as there are channels. Without a prior the features ask themselves.
    """

    def __init__(self, config: PUIRConfig):
        super().__init__()
        self.tokens, shape = config.attention, (1, config.channels, *config.places)
        self.prior = None
        if config.prior != "none":
            self.prior = nn.Parameter(torch.randn(shape), requires_grad=config.prior == "learned")
        self.attention = nn.MultiheadAttention(config.attention_width, config.heads, batch_first=True)

    def forward(self, features: Tensor) -> Tensor:
        prior = features if self.prior is None else self.prior.expand_as(features)
        query, asked = self._as_tokens(features), self._as_tokens(prior)
        found, _ = self.attention(query, asked, asked, need_weights=False)
        return (found if self.tokens == "channel" else found.transpose(1, 2)).reshape(features.shape)

    def _as_tokens(self, maps: Tensor) -> Tensor:
        return maps.flatten(2) if self.tokens == "channel" else maps.flatten(2).transpose(1, 2)


class PUIR(nn.Module):
    """The network of both stages and of all tasks; ``outputs`` maps are drawn, one a modality unless said otherwise."""

    def __init__(self, config: PUIRConfig, outputs: int | None = None):
        super().__init__()
        self.config, channels = config, config.channels
        self.backbone = backbone(config, outputs or len(config.modalities))
        if config.completion:
            self.completion = Completion(config)
            size, pad = ((1, 3, 3), (0, 1, 1)) if config.flat else (3, 1)
            # Two convolutions with nothing between them, as released. They start as the identity (ours), so that
            # transfer starts where pre-training, which does without them, ended.
            self.transfer = nn.Sequential(*(nn.Conv3d(channels, channels, size, padding=pad) for _ in range(2)))
            self.fusion = nn.Conv3d(3 * channels, channels, 1)
            for layer in self.transfer:
                nn.init.dirac_(layer.weight)
                nn.init.zeros_(layer.bias)

    def encode(self, volumes: Tensor) -> tuple[list[Tensor], Tensor]:
        """Skips and the feature z of volumes in 0..1."""
        return self.backbone.encode(volumes)

    def invariant(self, features: Tensor) -> Tensor:
        """X_h from one modality's feature z alone: the transfer block stands in for the other modality."""
        if not self.config.completion:
            return normalised(features)
        completed = self.completion(features)
        return self.fused(features, completed, self.transfer(completed))

    def fused(self, features: Tensor, completed: Tensor, other: Tensor) -> Tensor:
        """X_h of z, z' and a third: another modality's z', in the same orientation, or what stands in for it."""
        parts = [features, completed, other]
        if self.config.fusion == "released":
            parts = [features, other, features]
        return normalised(self.fusion(torch.cat(parts, 1)))

    def decode(self, invariant: Tensor, skips: list[Tensor] | None = None) -> Tensor:
        """Images (batch, modality, side, side, side); ``skips`` None draws them from X_h alone."""
        return self.backbone.decode(invariant, skips if self.config.skips else None)

    def forward(self, volumes: Tensor) -> Tensor:
        """All modalities of volumes of any one modality."""
        skips, features = self.encode(volumes)
        return self.decode(self.invariant(features), skips)


class Heads(nn.Module):
    """What training alone needs: embeddings for the contrast and the class of a view's rotation.

    The release reads them from two corner places of X_h. Here the embedding reads the mean over places, which no
    rotation changes, and the class a flattened map, where alone an equivariant feature shows its orientation.
    """

    def __init__(self, config: PUIRConfig, rotations: int):
        super().__init__()
        self.embedding = nn.Linear(config.channels, config.embedding)
        self.squeeze = nn.Conv3d(config.channels, 4, 1)
        self.rotation = nn.Linear(4 * math.prod(config.places), rotations)

    def embed(self, invariant: Tensor) -> Tensor:
        """(batch, embedding), not normalised."""
        return self.embedding(invariant.flatten(2).mean(-1))

    def rotation_logits(self, invariant: Tensor) -> Tensor:
        """(batch, rotation)."""
        return self.rotation(self.squeeze(invariant).flatten(1))


def normalised(maps: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over the channels of each place, as Swin's maps have it.

    Without it the distances that invariance and equivariance measure would vanish by shrinking all features.
    """
    maps = maps.float()
    deviation = maps.var(1, keepdim=True, correction=0).add(EPSILON).sqrt()
    return (maps - maps.mean(1, keepdim=True)) / deviation


def carry_over(model: nn.Module, state: Mapping[str, Tensor]) -> list[str]:
    """Load all weights whose name and shape fit; the names of those that stay as they are."""
    own = model.state_dict()
    fitting = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
    model.load_state_dict(fitting, strict=False)
    return sorted(set(own) - set(fitting))
