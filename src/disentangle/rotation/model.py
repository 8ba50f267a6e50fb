"""The patch autoencoder: an image in, a vector out, and back; no domain information anywhere."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from disentangle.networks.autoencoder import FlattenChannelsLast, UnflattenChannelsLast
from disentangle.networks.blocks import conv_block, transposed_block
from disentangle.rotation.config import AutoencoderConfig
from disentangle.training import Task

IMAGE_SIZE = 32
BLURS = (3, 5, 9)
"""Sides in pixels of the boxes between which the octaves of detail lie, finest first."""
_SIDE = 4
_FLOOR = 1e-4
_CHUNK = 4096


class Autoencoder(Task):
    """Images (batch, 1, 32, 32) in 0..1 -> latents (batch, latent) -> images.

    The first layer sees overlapping 8x8 patches at stride 4: no layer keeps maps at 32x32 or 16x16, where a stack of
    3x3 layers spends most of its time on a processor. The last layer is linear, so that a technical shift of the
    grey values is not bent by a squashing function.
    """

    def __init__(self, config: AutoencoderConfig):
        super().__init__()
        base, features = config.base, _SIDE**2 * 2 * config.base
        self.config = config
        self.encoder = nn.Sequential(
            conv_block(1, base, kernel=8, stride=4, padding=2),
            conv_block(base, 2 * base, kernel=4, stride=2, padding=1),
            FlattenChannelsLast(),
            nn.Linear(features, config.latent),
        )
        self.decoder = nn.Sequential(
            nn.Linear(config.latent, features, bias=False),
            UnflattenChannelsLast(2 * base, _SIDE),
            nn.GELU(),
            nn.BatchNorm2d(2 * base),
            transposed_block(2 * base, base),
            nn.ConvTranspose2d(base, 1, 8, stride=4, padding=2),
        )
        self.texture = nn.Linear(config.latent, len(BLURS))
        self.register_buffer("level", torch.tensor(0.0))
        self.register_buffer("spread", torch.tensor(1.0))
        self.register_buffer("texture_level", torch.zeros(len(BLURS)))
        self.register_buffer("texture_spread", torch.ones(len(BLURS)))

    def measure(self, images: Tensor) -> None:
        """Take the mean and standard deviation of grey values and of texture, in which network and loss count."""
        self.level.fill_(images.mean())
        self.spread.fill_(images.std().clamp_min(1e-6))
        energy = self.log_energy(images)
        self.texture_level.copy_(energy.mean(0))
        self.texture_spread.copy_(energy.std(0, correction=0).clamp_min(1e-3))

    def batch_of(self, images: Tensor) -> dict[str, Tensor]:
        """What `losses` wants; the energy is the same however an image is turned, so it is computed once."""
        return {"image": images, "energy": self.log_energy(images)}

    def encode(self, images: Tensor) -> Tensor:
        """Latents (batch, latent), in 32 bit whatever the precision of the network."""
        return self.encoder((images - self.level) / self.spread).float()

    def decode(self, latents: Tensor) -> Tensor:
        """Images (batch, 1, 32, 32), unbounded: the caller clips where it shows them."""
        return self.level + self.spread * self.decoder(latents).float()

    def log_energy(self, images: Tensor) -> Tensor:
        """Logarithm of the variance in each octave of detail, (batch, octave), in units of the grey values'."""
        return torch.cat([_log_energy((part - self.level) / self.spread) for part in images.split(_CHUNK)])

    def detail(self, latents: Tensor) -> Tensor:
        """Standard deviation of the grey values in each octave that the latents stand for, (batch, octave)."""
        return self.spread * (0.5 * (self.texture_level + self.texture_spread * self.texture(latents).float())).exp()

    def forward(self, images: Tensor) -> Tensor:
        """Reconstructions."""
        return self.decode(self.encode(images))

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        images = batch["image"]
        if self.training and self.config.turns:
            images = turned(images, int(torch.randint(8, ())))
        latents = self.encode(images)
        pixel = ((self.decode(latents) - images) / self.spread).square().mean()
        energy = (batch["energy"] - self.texture_level) / self.texture_spread
        texture = (self.texture(latents).float() - energy).square().mean()
        return {"loss": pixel + self.config.texture_weight * texture, "pixel": pixel, "texture": texture}


def turned(images: Tensor, turn: int) -> Tensor:
    """Images under one of the eight symmetries of a square, ``turn`` in 0..7; 0 leaves them alone."""
    images = torch.rot90(images, turn % 4, (-2, -1))
    return images.flip(-1) if turn >= 4 else images


def _log_energy(images: Tensor) -> Tensor:
    """Each octave is what one box blur takes out of the picture that the finer blurs left."""
    rest, energy = images, []
    for side in BLURS:
        padded = nn.functional.pad(rest, (side // 2,) * 4, mode="reflect")
        smooth = nn.functional.avg_pool2d(padded, side, stride=1)
        energy.append((rest - smooth).square().mean((1, 2, 3)))
        rest = smooth
    return (torch.stack(energy, 1) + _FLOOR).log()
