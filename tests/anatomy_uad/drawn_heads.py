"""Drawn heads of three tissues in two contrasts, whose tissue is known at every pixel."""

import numpy as np
from scipy.ndimage import gaussian_filter

from disentangle.anatomy_uad.data import Pairs, checked_slices

SIDE = 48
GREY = {"T1": (0.0, 0.25, 0.6, 0.95), "T2": (0.0, 0.95, 0.5, 0.25)}


def drawn_heads(people: int = 6, slices: int = 2, seed: int = 0, side: int = SIDE) -> tuple[Pairs, np.ndarray]:
    """Pairs of T1 and T2, and the tissues (slice, side, side): 0 outside, 1 CSF, 2 grey, 3 white matter."""
    generator = np.random.default_rng(seed)
    tissues = np.stack([_tissues(generator, side) for _ in range(people * slices)])
    subject = np.array([f"s{seed}_{number // slices}" for number in range(len(tissues))])
    pictures = []
    for sequence, levels in GREY.items():
        clean = gaussian_filter(np.array(levels)[tissues], (0, 0.5, 0.5))
        noisy = clean + 0.02 * generator.standard_normal(clean.shape)
        pictures.append(checked_slices(noisy.clip(0, 1), tissues > 0, sequence, 2.0, subject))
    return Pairs(*pictures), tissues


def _tissues(generator: np.random.Generator, side: int) -> np.ndarray:
    down, right = np.mgrid[:side, :side] / side - 0.5
    height, width = generator.uniform(0.38, 0.44, 2)
    radius = np.hypot(down / height, right / width)
    wobble = gaussian_filter(generator.standard_normal((side, side)), side / 12)
    wobble /= 8 * wobble.std()
    found = np.where(radius + wobble > 0.85, 1, np.where(radius + wobble > 0.6, 2, 3))
    found = np.where(np.hypot(down / 0.14, right / 0.1) + wobble < 1, 1, found)
    return np.where(radius < 1, found, 0)
