"""Latent space arithmetic (section 5.5): channels of s merged, swapped and permuted; walks along dimensions of z."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from disentangle.sdnet.fitted import Fitted
from disentangle.sdnet.train import decode

STEPS = 7
LIMIT = 3.0
SMALLEST_CHANGE = 1e-5
"""Grey values (of 0..1) that differ by less over a walk are the same: rounding of 32 bit, not an effect of z."""


@dataclass(frozen=True, eq=False)
class Traversal:
    """Walks along each dimension of z with all else held.

    ``values`` (step,) of z; ``images`` (dimension, step, height, width) in 0..1; ``correlation`` and ``difference``
    (dimension, height, width), see `pixel_correlation` and `pixel_difference`.
    """

    values: np.ndarray
    images: np.ndarray
    correlation: np.ndarray
    difference: np.ndarray


def merge_channels(anatomy: np.ndarray, into: int, away: int) -> np.ndarray:
    """s (image, channel, height, width) with channel ``away`` added to ``into`` and then emptied (MYO into LV)."""
    _check_channels(anatomy, into, away)
    merged = np.array(anatomy)
    merged[:, into] += merged[:, away]
    merged[:, away] = 0
    return merged


def swap_channels(anatomy: np.ndarray, first: int, second: int) -> np.ndarray:
    """s (image, channel, height, width) with two channels exchanged."""
    _check_channels(anatomy, first, second)
    order = np.arange(anatomy.shape[1])
    order[[first, second]] = second, first
    return anatomy[:, order]


def permute_channels(anatomy: np.ndarray, seed: int) -> np.ndarray:
    """s (image, channel, height, width) with its channels in a random order in which none keeps its place."""
    rng, channels = np.random.default_rng([seed, 31]), anatomy.shape[1]
    if channels < 2:
        raise ValueError(f"anatomy has {channels} channel, expected at least 2 to permute")
    # Channels along a random cycle: each takes the place of the next.
    cycle = rng.permutation(channels)
    order = np.empty(channels, int)
    order[cycle] = np.roll(cycle, 1)
    return anatomy[:, order]


def channel_overlap(anatomy: np.ndarray, labels: np.ndarray, structures: Mapping[str, int]) -> np.ndarray:
    """Dice of every structure with every channel over all images: (structure, channel).

    ``anatomy`` (image, channel, height, width), ``labels`` (image, height, width).
    """
    if len(anatomy) != len(labels) or anatomy.shape[2:] != labels.shape[1:]:
        raise ValueError(f"anatomy is {anatomy.shape} but labels are {labels.shape}")
    s = np.moveaxis(anatomy, 1, 0).reshape(anatomy.shape[1], -1).astype(float)
    masks = np.stack([labels.ravel() == label for label in structures.values()]).astype(float)
    return 2 * masks @ s.T / np.maximum(masks.sum(1)[:, None] + s.sum(1), 1e-12)


def channels_of(anatomy: np.ndarray, labels: np.ndarray, structures: Mapping[str, int]) -> dict[str, int]:
    """The channel that holds each structure: distinct channels with the largest sum of `channel_overlap`."""
    from scipy.optimize import linear_sum_assignment

    rows, channels = linear_sum_assignment(channel_overlap(anatomy, labels, structures), maximize=True)
    names = list(structures)
    return {names[row]: int(channel) for row, channel in zip(rows, channels, strict=True)}


def channel_arithmetic(
    fitted: Fitted, anatomy: np.ndarray, modality: np.ndarray, lv: int, myo: int, *, seed: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The three operations of section 5.5 on s, with z fixed.

    ``anatomy`` (image, channel, height, width) and ``modality`` (image, modality size) are those of `train.factors`,
    ``lv`` and ``myo`` numbers of channels (see `channels_of`). Gives ``original``, ``merged`` (MYO into LV),
    ``swapped`` (MYO and LV) and ``permuted``, each with the changed s and the image (image, 1, height, width) in 0..1
    that is drawn from it.
    """
    changed = {
        "original": anatomy,
        "merged": merge_channels(anatomy, lv, myo),
        "swapped": swap_channels(anatomy, myo, lv),
        "permuted": permute_channels(anatomy, seed),
    }
    return {name: (s, decode(fitted, s, modality)) for name, s in changed.items()}


def traverse(
    fitted: Fitted, anatomy: np.ndarray, modality: np.ndarray, *, steps: int = STEPS, limit: float = LIMIT
) -> Traversal:
    """Draw one anatomy (channel, height, width) with each dimension of z (modality size,) in turn set to -limit..limit.

    The steps are equal: -3 + (j - 1) for seven; the paper's -3 + 6 (j - 1) is a misprint.
    """
    if anatomy.ndim != 3 or modality.ndim != 1:
        raise ValueError(f"anatomy is {anatomy.shape} and modality {modality.shape}, expected those of one image")
    values, dimensions = np.linspace(-limit, limit, steps), len(modality)
    codes = np.tile(modality, (dimensions, steps, 1))
    for dimension in range(dimensions):
        codes[dimension, :, dimension] = values
    flat = decode(fitted, anatomy[None], codes.reshape(-1, dimensions))
    images = flat.reshape(dimensions, steps, *flat.shape[-2:])
    return Traversal(values, images, pixel_correlation(images, values), pixel_difference(images))


def pixel_correlation(images: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Pearson correlation over steps of each pixel with the value of z: (..., step, height, width) -> (..., h, w).

    0 where a pixel does not change (our choice for 0 / 0).
    """
    pixels = np.asarray(images, float)
    z = np.asarray(values, float) - np.mean(values)
    centred = pixels - pixels.mean(axis=-3, keepdims=True)
    covariance = np.einsum("...shw,s->...hw", centred, z)
    scale = np.sqrt((centred**2).sum(axis=-3) * (z**2).sum())
    constant = np.ptp(pixels, axis=-3) < SMALLEST_CHANGE
    return np.where(constant, 0.0, np.clip(covariance / np.where(constant, 1.0, scale), -1, 1))


def pixel_difference(images: np.ndarray) -> np.ndarray:
    """Last step minus first, for images in 0..1: (..., step, height, width) -> (..., height, width) in -1..1."""
    pixels = np.asarray(images, float)
    return pixels[..., -1, :, :] - pixels[..., 0, :, :]


def _check_channels(anatomy: np.ndarray, *channels: int) -> None:
    if len(set(channels)) < len(channels) or not all(0 <= c < anatomy.shape[1] for c in channels):
        raise ValueError(f"channels are {channels}, expected different ones of 0..{anatomy.shape[1] - 1}")
