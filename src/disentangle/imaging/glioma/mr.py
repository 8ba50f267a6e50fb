"""MR volumes from maps of shares: texture, bias field, Rician noise, grey values (PUIR digest, 12.3 and D6)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from disentangle.imaging.glioma.heads import FIELD_OF_VIEW_MM, PARTS, TEXTURE_LEVELS
from disentangle.imaging.glioma.relaxation import MODALITIES, REFERENCE
from disentangle.imaging.lidc.texture import join, uniform

WAVES = 10
TEXTURE_SIGN = {"T1": 1.0, "T1ce": 1.0, "T2": -0.5, "FLAIR": -0.5}
HALF_WIDTH = 3 * 1.4826  # times MAD: the digest's (x - median) / (6 * 1.4826 * MAD) + 0.5
STATIC = {
    3.0: ((0.270, 0.0257), (0.288, 0.0217), (0.284, 0.0543), (0.149, 0.0146)),
    1.5: ((0.346, 0.0402), (0.360, 0.0375), (0.260, 0.0494), (0.150, 0.0111)),
}
"""Median and MAD of each modality at a field for ``scaling="static"``: means over thirty people without jitter."""


def scene(maps: Tensor, texture: Tensor, levels: Tensor, strength: float = 1.0) -> Tensor:
    """Noiseless volumes (modality, z, row, column) of one person.

    ``maps`` (8, z, row, column) uint8 in 1/255, ``texture`` int8 in 1/400, ``levels`` (modality, tissue).
    """
    shares = maps.float() / 255
    healthy = torch.einsum("mt,tzyx->mzyx", levels[:, :4], shares[:4])
    sign = torch.tensor([TEXTURE_SIGN[name] for name in MODALITIES], device=levels.device)
    grain = 1 + strength / TEXTURE_LEVELS * sign[:, None, None, None] * texture.float()
    return healthy * grain + torch.einsum("mt,tzyx->mzyx", levels[:, 4:], shares[4:])


def bias_field(key: Tensor, side: int, largest: float) -> Tensor:
    """Smooth factors (modality, z, row, column) within 1 -+ ``largest``; ``key`` (modality,)."""
    length = uniform(key, "bias length", 180.0, 420.0, WAVES)
    rise, turn = uniform(key, "bias rise", -1.0, 1.0, WAVES), uniform(key, "bias turn", 0.0, 2 * math.pi, WAVES)
    start = uniform(key, "bias phase", 0.0, 2 * math.pi, WAVES)
    flat = (1 - rise**2).sqrt()
    line = FIELD_OF_VIEW_MM * ((torch.arange(side, device=key.device) + 0.5) / side - 0.5)
    steps = [2 * math.pi / length * part for part in (rise, flat * turn.cos(), flat * turn.sin())]
    up, down, across = (torch.exp(1j * step[..., None] * line) for step in steps)
    phase = torch.exp(1j * start)
    waves = torch.einsum("mw,mwz,mwy,mwx->mzyx", phase, up, down, across).real
    return torch.exp(math.log1p(largest) * torch.tanh(waves * math.sqrt(2 / WAVES)))


def noisy(volumes: Tensor, levels: Tensor, key: Tensor, percent: float) -> Tensor:
    """Magnitudes (modality, z, row, column) under Rician noise of about ``percent`` of the reference tissue."""
    if percent == 0:
        return volumes
    reference = torch.stack([levels[at, PARTS.index(REFERENCE[name])] for at, name in enumerate(MODALITIES)])
    sd = percent / 100 * reference * uniform(key, "noise level", 0.8, 1.2)
    drawn = []
    for one in key.tolist():  # on the CPU, so that a person looks the same on every device
        generator = torch.Generator().manual_seed(one & (2**63 - 1))
        drawn.append(torch.randn(2, *volumes.shape[1:], generator=generator))
    real, imaginary = (sd[:, None, None, None] * part for part in torch.stack(drawn, dim=1).to(volumes.device))
    return torch.hypot(volumes + real, imaginary)


def keys(person: int, seed: int, field_t: float, device: torch.device | str = "cpu") -> Tensor:
    """A key for each modality of a person's scan at a field."""
    scan = [join(torch.tensor([person], device=device), seed, at, int(10 * field_t)) for at in range(len(MODALITIES))]
    return torch.cat(scan)


def robust(volumes: Tensor, brain: Tensor) -> Tensor:
    """Median and MAD inside the brain, (modality, 2)."""
    inside = volumes[:, brain]
    middle = inside.median(dim=1).values
    return torch.stack([middle, (inside - middle[:, None]).abs().median(dim=1).values], dim=1)


def to_unit(volumes: Tensor, brain: Tensor, scale: Tensor) -> Tensor:
    """Grey values 0..1: median at 0.5, three robust SDs to either side, 0 outside the brain, in steps of 1/4095."""
    middle, width = scale.to(volumes)[:, :, None, None, None].unbind(1)
    unit = (volumes - middle) / (2 * HALF_WIDTH * width.clamp(min=1e-6)) + 0.5
    return unit.clamp(0, 1).mul(4095).round().div(4095) * brain
