"""CORAL: the covariance of each setting whitened and recoloured to a common one (Sun, Feng and Saenko 2016, AAAI).

The original adds the identity to covariances; here they are shrunk as Ledoit and Wolf (2004) do, which needs no
choice of scale.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.covariance import ledoit_wolf

from disentangle.rotation.harmonizers.base import SettingMap, symmetric_power


class Coral(SettingMap):
    """z* = (z - mean of its setting) C_setting^(-1/2) C_reference^(1/2) + mean of the reference.

    Parameters
    ----------
    reference : str or None
        The setting that the others are brought to. None: mean and covariance averaged over rows, so that no
        setting is favoured.
    """

    name = "coral"

    def __init__(self, reference: str | None = None):
        self.reference = reference

    def fit(self, latents: np.ndarray, setting: np.ndarray, location: np.ndarray | None = None) -> Self:
        """Mean and shrunk covariance of latents (row, latent) in each setting (row,); ``location`` is not looked at."""
        rows, codes, self.settings_ = self._training(latents, setting)
        self.n_features_in_ = rows.shape[1]
        if self.reference is not None and self.reference not in self.settings_:
            raise ValueError(f"{self.name}: reference {self.reference} is none of {', '.join(self.settings_)}")
        parts = [rows[codes == code] for code in range(len(self.settings_))]
        self.means_ = np.array([part.mean(axis=0) for part in parts])
        covariances = np.array([ledoit_wolf(part)[0] for part in parts])
        weights = (
            np.bincount(codes) / len(codes) if self.reference is None else np.array(self.settings_) == self.reference
        )
        self.mean_ = weights @ self.means_
        colour = symmetric_power(np.tensordot(weights, covariances, 1), 0.5)
        self.matrices_ = np.array([symmetric_power(one, -0.5) @ colour for one in covariances])
        return self

    def _map(self, latents: np.ndarray, code: int) -> np.ndarray:
        return (latents - self.means_[code]) @ self.matrices_[code] + self.mean_
