"""No harmonization: the latents as the autoencoder made them, centred."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from disentangle.rotation.harmonizers.base import Harmonizer, as_given, check_latents


class Entangled(Harmonizer):
    """z - mean of the training rows: what every other method is compared with."""

    name = "entangled"

    def fit(self, latents: np.ndarray, setting: np.ndarray | None = None, location: np.ndarray | None = None) -> Self:
        """Remember the mean of latents (row, latent); nothing else is looked at."""
        self.mean_ = check_latents(latents).mean(axis=0)
        return self

    def transform(self, latents: np.ndarray, setting: np.ndarray | None = None) -> np.ndarray:
        """Centred latents (row, latent)."""
        check_is_fitted(self)
        return as_given(check_latents(latents, len(self.mean_)) - self.mean_, latents)
