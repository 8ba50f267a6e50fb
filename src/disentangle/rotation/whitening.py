"""The scale of latents: one choice for all methods, made once on training latents (digest 9.5, 9.6)."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from disentangle.rotation.differences import checked_latents


class Whitening(NamedTuple):
    """A linear map of latents (row, dimension) about their mean, and its way back.

    ``mean`` (dimension,), ``axes`` (dimension, component) principal axes, ``scale`` (component,) their divisors.
    """

    mean: np.ndarray
    axes: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, latents: np.ndarray, power: float = 1.0, floor: float = 1e-6) -> Self:
        """Principal axes of training latents, each divided by its standard deviation to the ``power``.

        Power 0 rotates only, 1 gives every axis the variance 1. An autoencoder's latents need something between or
        1: the mean grey value alone can hold nine tenths of their variance, and would decide clusters and shifts.
        Axes with less than ``floor`` of the largest variance are left out. Raises ValueError for constant latents.
        """
        if not 0 <= power <= 1:
            raise ValueError(f"power is {power}, expected 0..1")
        latents = checked_latents(latents)
        mean = latents.mean(0, dtype=np.float64)
        centred = latents - mean
        variances, axes = np.linalg.eigh(centred.T @ centred / len(latents))
        kept = np.flatnonzero(variances > floor * variances[-1])[::-1]
        if not len(kept) or variances[-1] <= 0:
            raise ValueError(f"latents are constant in all {latents.shape[1]} dimensions: there is no scale")
        return cls(mean, axes[:, kept], variances[kept] ** (power / 2))

    def transform(self, latents: np.ndarray) -> np.ndarray:
        """Components (row, component) in the latents' type."""
        latents = checked_latents(latents, len(self.mean))
        return ((latents - self.mean) @ (self.axes / self.scale)).astype(latents.dtype)

    def inverse(self, components: np.ndarray) -> np.ndarray:
        """Latents (row, dimension) of components."""
        components = checked_latents(components, len(self.scale))
        return ((components * self.scale) @ self.axes.T + self.mean).astype(components.dtype)
