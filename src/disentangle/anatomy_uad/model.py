"""The networks: image -> anatomy, anatomy -> code, image -> modality, edges -> code, code and modality -> image.

Sections as the summary of the paper names them; layers are our choice. Images are (batch, 1, height, width) in 0..1 and
0 outside the brain; ``brain`` (batch, 1, height, width) holds 0 and 1.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentangle.anatomy_uad.config import DALConfig
from disentangle.anatomy_uad.edges import canny
from disentangle.networks.blocks import conv_block
from disentangle.networks.film import FiLMBlock
from disentangle.networks.initialisation import glorot_
from disentangle.networks.unet import UNet

TISSUES = ("csf", "gm", "wm")


class Anatomy(NamedTuple):
    """What the extractor finds.

    ``logits`` and ``tissues`` (batch, 3, height, width), tissues one-hot with the gradient of the softmax; ``image``
    (batch, 1, height, width), the level of each pixel's tissue inside the brain, 0 outside.
    """

    logits: Tensor
    tissues: Tensor
    image: Tensor


def differentiable_one_hot(logits: Tensor, temperature: float) -> Tensor:
    """1 on the channel of the largest logit, 0 elsewhere; the gradient is that of softmax(logits / temperature)."""
    soft = (logits / temperature).softmax(1)
    hard = torch.zeros_like(soft).scatter_(1, logits.argmax(1, keepdim=True), 1.0)
    return hard + (soft - soft.detach())


class StemmedUNet(nn.Module):
    """A U-Net (batch, inputs, height, width) -> (batch, outputs, height, width) on blocks of ``stem`` squared pixels.

    A stem of 2 makes four channels of every one and halves the sides, which cuts the cost about fourfold.
    """

    def __init__(self, inputs: int, outputs: int, base: int, depth: int, stem: int):
        super().__init__()
        self.unet = UNet(stem**2 * inputs, stem**2 * outputs, base, depth)
        self.fold, self.unfold = nn.PixelUnshuffle(stem), nn.PixelShuffle(stem)

    def forward(self, maps: Tensor) -> Tensor:
        return self.unfold(self.unet(self.fold(maps))).float()


class Combiner(nn.Module):
    """Codes (batch, channels, height / stem, width / stem) and vectors (batch, size) -> images of one channel.

    Residual blocks without normalisation, modulated by the vector: it alters what a tissue looks like, never where it
    is. A pixel depends on a square of stem * (4 * ``blocks`` + 3) pixels around it.
    """

    def __init__(self, channels: int, size: int, blocks: int, stem: int):
        super().__init__()
        self.blocks = nn.ModuleList(FiLMBlock(channels, channels, size) for _ in range(blocks))
        self.head = nn.Sequential(nn.Conv2d(channels, stem**2, 3, padding=1), nn.PixelShuffle(stem))
        glorot_(self)

    def forward(self, code: Tensor, modality: Tensor) -> Tensor:
        for block in self.blocks:
            code = block(code, modality)
        return self.head(code).float().sigmoid()


class ModalityExtractor(nn.Module):
    """Four convolutions of stride 2, a mean over the brain, a linear layer: z (batch, size), no map leaves it.

    ``trim`` leaves out that part of each image's places, those of the largest features, where a lesion would sit.
    """

    def __init__(self, size: int, base: int):
        super().__init__()
        widths = [1, base, 2 * base, 4 * base, 4 * base]
        self.features = nn.Sequential(*(conv_block(a, b, stride=2) for a, b in zip(widths, widths[1:], strict=False)))
        self.head = nn.Linear(widths[-1], size)

    def forward(self, images: Tensor, brain: Tensor, trim: float = 0.0) -> Tensor:
        maps = self.features(images).float()
        weight = F.adaptive_avg_pool2d(brain, maps.shape[-2:])
        if trim:
            weight = weight * _kept(maps, weight, trim)
        pooled = (maps * weight).sum((2, 3)) / weight.sum((2, 3)).clamp_min(1e-6)
        return self.head(pooled).float()


class DAL(nn.Module):
    """All networks. ``levels`` are the grey levels of the tissues; ``mean_modality`` (2, size) of each sequence."""

    def __init__(self, config: DALConfig):
        super().__init__()
        size, channels = config.modality_size, config.code_channels
        self.config, self.temperature = config, config.last_temperature
        self.extractor = StemmedUNet(1, len(TISSUES), config.base, config.depth, config.stem)
        fold = nn.PixelUnshuffle(config.stem)
        self.encoder = nn.Sequential(fold, conv_block(config.stem**2, channels), conv_block(channels, channels))
        self.modality = ModalityExtractor(size, config.modality_base)
        self.combiner = Combiner(channels, size, config.combiner_blocks, config.stem)
        folded = 2 * config.stem**2
        self.restorer = nn.Sequential(fold, UNet(folded, channels, config.base, config.depth))
        self.register_buffer("levels", torch.zeros(len(TISSUES)))
        self.register_buffer("mean_modality", torch.zeros(2, size))

    @property
    def first_stage(self) -> list[nn.Module]:
        """What the first stage trains: everything but the restorer."""
        return [self.extractor, self.encoder, self.modality, self.combiner]

    def anatomy(self, images: Tensor, brain: Tensor) -> Anatomy:
        """Tissues and anatomical image of images."""
        logits = self.extractor(images)
        tissues = differentiable_one_hot(logits, self.temperature)
        return Anatomy(logits, tissues, brain * (tissues * self.levels[:, None, None]).sum(1, keepdim=True))

    def code(self, anatomy: Tensor) -> Tensor:
        """The anatomical code (batch, code channel, height / stem, width / stem) of an anatomical image."""
        return self.encoder(anatomy).float()

    def combine(self, code: Tensor, modality: Tensor, brain: Tensor) -> Tensor:
        """The image of a code in the look of a modality vector, 0 outside the brain."""
        return self.combiner(code, modality) * brain

    def edges(self, anatomy: Tensor, brain: Tensor) -> Tensor:
        """Canny's edges of an anatomical image inside the brain, (batch, 1, height, width) of 0 and 1, no gradient."""
        found = canny(anatomy[:, 0].detach(), self.config.edges.sigma, self.config.edges.low, self.config.edges.high)
        return found[:, None] * brain

    def conditions(self, images: Tensor, anatomy: Tensor, brain: Tensor) -> Tensor:
        """What the restorer sees beside the brain's outline: edges, in the arms the anatomical image or the image."""
        kind = self.config.restorer_input
        if kind == "edges":
            return self.edges(anatomy, brain)
        return images if kind == "image" else anatomy.detach()

    def restored_code(self, conditions: Tensor, brain: Tensor) -> Tensor:
        """The anatomical code that the restorer imagines for edges (batch, 1, height, width)."""
        return self.restorer(torch.cat([conditions, brain], 1)).float()

    def pseudo_healthy(
        self, images: Tensor, brain: Tensor, modality: Tensor | None = None, trim: float = 0.0
    ) -> Tensor:
        """Images as healthy ones, in their own modality or in the given one."""
        z = self.modality(images, brain, trim) if modality is None else modality
        conditions = self.conditions(images, self.anatomy(images, brain).image, brain)
        return self.combine(self.restored_code(conditions, brain), z, brain)


def _kept(maps: Tensor, weight: Tensor, trim: float) -> Tensor:
    """0 at the places of each image whose features are longest, 1 elsewhere: (batch, 1, height, width)."""
    length = maps.norm(dim=1, keepdim=True).where(weight > 0, -torch.inf).flatten(1)
    inside = (weight > 0).flatten(1).sum(1)
    rank = length.argsort(1, descending=True).argsort(1)
    return (rank >= (trim * inside).floor()[:, None]).view_as(weight).float()
