"""What the detector is compared with, on the same pairs, augmentation, steps and post-processing.

A threshold on intensity, a normative z-map, an autoencoder and a denoising one; the autoencoder also under random
contrasts, which asks whether the method's gain is more than augmentation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from disentangle.anatomy_uad.augment import View, augmented, plain
from disentangle.anatomy_uad.config import RestorerConfig, ScoreConfig
from disentangle.anatomy_uad.data import Pairs, Slices, check_multiple, pairs_of, training_tensors
from disentangle.anatomy_uad.fitted import Fitted, mapped, restored, stored
from disentangle.anatomy_uad.losses import dissimilarity, l1, masked_mean
from disentangle.anatomy_uad.model import StemmedUNet
from disentangle.anatomy_uad.objective import stacked
from disentangle.anatomy_uad.postprocess import finished
from disentangle.batches import Batches
from disentangle.cache import Stored, cached
from disentangle.device import mixed_seed, seeded
from disentangle.imaging.cohort import Cohort
from disentangle.networks.blocks import conv_block, transposed_block
from disentangle.training import Task, train

DARK_LESIONS = ("T1",)
"""Sequences on which most lesions are darker than their surroundings."""


def threshold_score(slices: Slices, config: ScoreConfig) -> np.ndarray:
    """The intensity itself as the score, on T1 one minus it: (slice, height, width)."""
    raw = 1 - slices.images if slices.sequence in DARK_LESIONS else slices.images
    return finished(raw, slices.brain, slices.spacing_mm, config)


@dataclass(frozen=True)
class NormativeMap:
    """Mean and spread of healthy people, pixel by pixel: by sequence and position, (height, width) each.

    ``positions`` (position,) are heights in mm, rising; ``mean`` and ``deviation`` have a key per sequence and the
    shape (position, height, width).
    """

    positions: np.ndarray
    mean: dict[str, np.ndarray]
    deviation: dict[str, np.ndarray]


def fit_normative_map(
    data: Pairs, positions: np.ndarray, *, smoothing_px: float = 1.5, floor: float = 0.03
) -> NormativeMap:
    """Mean and standard deviation over healthy slices at equal ``positions`` (pair,), in mm.

    Both are smoothed, weighted by how often a pixel lay in the brain; ``floor`` is the least deviation. Raises
    ValueError where a position has fewer than 3 slices.
    """
    positions = np.asarray(positions, float)
    if positions.shape != (len(data),):
        raise ValueError(f"{positions.shape} positions, expected one for each of {len(data)} pairs")
    heights, number, counts = np.unique(positions, return_inverse=True, return_counts=True)
    if counts.min() < 3:
        raise ValueError(f"position {heights[counts.argmin()]:g} mm has {counts.min()} slices, expected at least 3")
    mean, deviation = {}, {}
    for slices in (data.first, data.second):
        found = [_moments(slices, number == k, smoothing_px) for k in range(len(heights))]
        mean[slices.sequence] = np.stack([first for first, _ in found])
        spread = np.stack([second for _, second in found])
        deviation[slices.sequence] = np.maximum(spread, np.float32(floor))
    return NormativeMap(heights, mean, deviation)


def normative_score(fitted: NormativeMap, slices: Slices, positions: np.ndarray, config: ScoreConfig) -> np.ndarray:
    """|x - mean| / deviation at the nearest known position: (slice, height, width)."""
    if slices.sequence not in fitted.mean:
        raise ValueError(f"no normative map of {slices.sequence!r}, expected one of {sorted(fitted.mean)}")
    mean = fitted.mean[slices.sequence]
    if slices.images.shape[1:] != mean.shape[1:]:
        raise ValueError(f"slices are {slices.images.shape[1:]}, but the normative map is {mean.shape[1:]}")
    nearest = np.abs(np.asarray(positions, float)[:, None] - fitted.positions).argmin(1)
    raw = np.abs(slices.images - mean[nearest]) / fitted.deviation[slices.sequence][nearest]
    return finished(raw, slices.brain, slices.spacing_mm, config)


class DenseAutoencoder(nn.Module):
    """Images (batch, 1, height, width) -> the same through ``latent`` numbers; sides divisible by 16."""

    def __init__(self, config: RestorerConfig, height: int, width: int):
        super().__init__()
        base, grid = config.base, (height // 16, width // 16)
        widths = [base, 2 * base, 4 * base, 4 * base]
        places = widths[-1] * math.prod(grid)
        self.encoder = nn.Sequential(
            *(conv_block(a, b, stride=2) for a, b in zip([1, *widths], widths, strict=False)),
            nn.Flatten(),
            nn.Linear(places, config.latent),
        )
        self.decoder = nn.Sequential(
            nn.Linear(config.latent, places),
            nn.GELU(),
            nn.Unflatten(1, (widths[-1], *grid)),
            *(transposed_block(a, b) for a, b in zip(widths[:0:-1], widths[-2::-1], strict=True)),
            nn.ConvTranspose2d(base, 1, 4, stride=2, padding=1),
        )

    def forward(self, images: Tensor, brain: Tensor) -> Tensor:
        return self.decoder(self.encoder(images)).float().sigmoid() * brain


class Denoiser(nn.Module):
    """A U-Net that sees a noisy image and puts out the clean one, both (batch, 1, height, width)."""

    def __init__(self, config: RestorerConfig):
        super().__init__()
        self.unet = StemmedUNet(1, 1, config.base, config.depth, config.stem)

    def forward(self, images: Tensor, brain: Tensor) -> Tensor:
        return self.unet(images) * brain


def coarse_noise(shape: torch.Size, deviation: float, grid: int, device: torch.device | str = "cpu") -> Tensor:
    """Noise (batch, 1, height, width): normal on ``grid`` squared points, enlarged and rolled at random.

    Kascenas, Pugeault and O'Neil 2022. Enlarging lessens the deviation.
    """
    noise = F.interpolate(torch.randn(shape[0], 1, grid, grid, device=device), shape[-2:], mode="bilinear")
    rows, columns = (int(torch.randint(side, (1,))) for side in shape[-2:])
    return deviation * noise.roll((rows, columns), (-2, -1))


class RestorerTask(Task):
    """An autoencoder or a denoiser on both sequences of every pair."""

    def __init__(self, model: nn.Module, config: RestorerConfig):
        super().__init__()
        self.model, self.config = model, config

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        return self._terms(augmented(batch, self.config.augmentation))

    def validation_losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self._terms(plain(batch))

    def _terms(self, view: View) -> dict[str, Tensor]:
        images, targets = stacked(view.image), stacked(view.target)
        brain = view.brain.repeat(2, 1, 1, 1)
        if self.config.kind == "dae":
            noise = coarse_noise(images.shape, self.config.noise, self.config.noise_grid, images.device)
            drawn = self.model(images + noise * brain, brain)
            return {"loss": masked_mean((drawn - targets).square(), brain)}
        drawn = self.model(images, brain)
        return {"loss": l1(drawn, targets, brain) + self.config.ssim * dissimilarity(drawn, targets, brain)}


def fit_restorer(
    data: Cohort | Pairs,
    config: RestorerConfig,
    seed: int,
    *,
    validation: Cohort | Pairs | None = None,
    cache: bool = True,
) -> Fitted:
    """Train a baseline of ``config.BASELINES``; the arguments are those of `train.fit`."""
    pairs = pairs_of(data, config.sequences)
    held_out = None if validation is None else pairs_of(validation, config.sequences)
    check_multiple(pairs.first, config.multiple)
    height, width = pairs.first.images.shape[1:]

    def make(checkpoint: Path | None) -> Stored:
        tensors, levels = training_tensors(pairs, None)
        unseen = held_out and training_tensors(held_out, tuple(levels.tolist()))[0]
        model = new_restorer(config, seed, height, width)
        batches = Batches(tensors, config.training.batch_size, mixed_seed(seed, "restorer"))
        task = RestorerTask(model, config)
        history = train(task, batches, config.training, seed, validation=unseen, checkpoint=checkpoint)
        return stored(model, history)

    parts = config.all_parts() | {"seed": seed, "data": pairs.sha256}
    parts["validation"] = held_out.sha256 if held_out else None
    kept, from_cache = cached(f"anatomy_uad_{config.kind}", parts, __name__, make) if cache else (make(None), False)
    return restored(new_restorer(config, seed, height, width), config, kept, from_cache, config.training.device)


def new_restorer(config: RestorerConfig, seed: int, height: int, width: int) -> nn.Module:
    """An untrained baseline, the same for the same seed."""
    with seeded(seed, "anatomy_uad_restorer", config.kind):
        return (DenseAutoencoder(config, height, width) if config.kind == "ae" else Denoiser(config)).eval()


def redraw(fitted: Fitted, slices: Slices) -> np.ndarray:
    """Slices (slice, height, width) as a trained baseline redraws them; an autoencoder takes its own size alone."""
    return mapped(fitted, lambda images, brain: fitted.model(images, brain)[:, 0], slices)


def _moments(slices: Slices, rows: np.ndarray, smoothing_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed mean and standard deviation of some rows, (height, width) each, over slices with brain at a pixel."""
    images, inside = slices.images[rows].astype(np.float64), slices.brain[rows].astype(np.float64)

    def smooth(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, smoothing_px)

    weight = np.maximum(smooth(inside.sum(0)), 1e-6)
    mean = smooth((images * inside).sum(0)) / weight
    variance = smooth(((images - mean) ** 2 * inside).sum(0)) / weight
    return mean.astype(np.float32), np.sqrt(variance).astype(np.float32)
