"""The hybrid anomaly score: how far a slice is from its pseudo-healthy image, in intensity and in structure."""

from __future__ import annotations

import numpy as np
import torch

from disentangle.anatomy_uad.config import ScoreConfig
from disentangle.anatomy_uad.data import Slices
from disentangle.anatomy_uad.postprocess import finished
from disentangle.metrics.ssim import uniform_ssim_map

_CHUNK = 64


def anomaly_map(slices: Slices, drawn: np.ndarray, config: ScoreConfig) -> np.ndarray:
    """Scores (slice, height, width) float32 of slices whose pseudo-healthy images are ``drawn``, post-processed."""
    if drawn.shape != slices.images.shape:
        raise ValueError(f"drawn images have the shape {drawn.shape}, but slices {slices.images.shape}")
    raw = raw_score(slices.images, drawn, ssim=config.ssim, window=config.window)
    return finished(raw, slices.brain, slices.spacing_mm, config)


def raw_score(images: np.ndarray, drawn: np.ndarray, *, ssim: bool, window: int) -> np.ndarray:
    """|x - x'|, with ``ssim`` times 1 - SSIM in 0..2: (slice, height, width)."""
    difference = np.abs(images - drawn)
    if not ssim:
        return difference
    return difference * structural_difference(images, drawn, window)


@torch.no_grad()
def structural_difference(images: np.ndarray, drawn: np.ndarray, window: int) -> np.ndarray:
    """1 - SSIM within 0..2, windows of ``window`` pixels: (slice, height, width)."""
    parts = []
    for start in range(0, len(images), _CHUNK):
        x, y = (torch.from_numpy(part[start : start + _CHUNK])[:, None] for part in (images, drawn))
        parts.append((1 - uniform_ssim_map(x, y, window))[:, 0].clamp(0, 2).numpy())
    return np.concatenate(parts)
