"""Each setting brought to one mean and one spread, latent by latent (ComBat without its empirical Bayes)."""

from __future__ import annotations

from typing import Self

import numpy as np

from disentangle.rotation.harmonizers.base import SettingMap


class ZScore(SettingMap):
    """(z - mean of its setting) / deviation of its setting, in units of the pooled deviation, about the pooled mean.

    The pooled deviation is given back so that a latent weighs in distances what it weighed before. A latent that
    is constant within a setting is only moved.
    """

    name = "zscore"

    def fit(self, latents: np.ndarray, setting: np.ndarray, location: np.ndarray | None = None) -> Self:
        """Means and deviations of latents (row, latent) in each setting (row,); ``location`` is not looked at."""
        rows, codes, self.settings_ = self._training(latents, setting)
        self.n_features_in_ = rows.shape[1]
        parts = [rows[codes == code] for code in range(len(self.settings_))]
        self.means_ = np.array([part.mean(axis=0) for part in parts])
        variances = np.array([part.var(axis=0) for part in parts])
        shares = np.bincount(codes) / len(codes)
        pooled = shares @ variances
        varies = variances > (1e-10 * np.abs(rows).max(axis=0)) ** 2
        self.scales_ = np.sqrt(np.where(varies, pooled / np.where(varies, variances, 1), 1))
        self.mean_ = shares @ self.means_
        return self

    def _map(self, latents: np.ndarray, code: int) -> np.ndarray:
        return (latents - self.means_[code]) * self.scales_[code] + self.mean_
