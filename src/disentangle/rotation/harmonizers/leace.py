"""LEACE: no linear classifier can tell the setting any more, at the least change of the latents.

Belrose et al. 2023 (NeurIPS, arXiv 2306.03819), theorem 4.3: x - W+ P W (x - mean) with W = Sigma_xx^(-1/2) and P
the orthogonal projector on the columns of W Sigma_xz, z the one-hot setting.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from disentangle.rotation.harmonizers.base import LinearMap, symmetric_power

SMALLEST = 1e-9  # correlation below which whitened latents and setting count as uncorrelated


class Leace(LinearMap):
    """Least-squares concept erasure; ``rank_`` directions, at most settings - 1, are taken out, obliquely."""

    name = "leace"

    def fit(self, latents: np.ndarray, setting: np.ndarray, location: np.ndarray | None = None) -> Self:
        """Erase the setting (row,) from latents (row, latent); ``location`` is not looked at."""
        rows, codes, settings = self._training(latents, setting)
        self.mean_ = rows.mean(axis=0)
        rows = rows - self.mean_
        covariance = rows.T @ rows / len(rows)
        whiten, colour = symmetric_power(covariance, -0.5), symmetric_power(covariance, 0.5)
        shares = np.bincount(codes) / len(codes)
        means = np.array([rows[codes == code].mean(axis=0) for code in range(len(settings))])
        cross = (shares[:, None] * means).T  # Sigma_xz: centring the rows has centred the one-hot codes
        basis, values, _ = np.linalg.svd(whiten @ cross, full_matrices=False)
        basis = basis[:, values > SMALLEST]
        self.rank_ = basis.shape[1]
        self.matrix_ = np.eye(len(self.mean_)) - colour @ basis @ basis.T @ whiten
        return self
