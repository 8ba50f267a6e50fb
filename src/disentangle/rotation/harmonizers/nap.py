"""NAP: the directions in which the same tissue differs most between settings are projected out.

Nuisance attribute projection (Solomonoff, Campbell and Boardman 2005, ICASSP), there for recordings of one speaker;
RUV-III (Molania et al. 2019) does the same with technical replicates.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from disentangle.rotation.differences import PairTable, checked_labels, pair_table
from disentangle.rotation.harmonizers.base import LinearMap

SMALLEST = 1e-12  # share of all variance below which a direction does not differ within locations


class Nap(LinearMap):
    """The leading eigenvectors of the scatter within locations are removed, orthogonally.

    Rows of one location minus their mean span what their pairwise differences span, with the same scatter but for
    a factor where every location has all settings. After ``fit``: ``directions_`` (removed, latent), ``spread_``
    (latent,) the variances within locations, largest first.

    Parameters
    ----------
    drop : int or None
        How many directions; None: settings - 1, as many as means of settings can differ in. Fewer where the same
        tissue does not differ at all.
    """

    name = "nap"
    needs_pairs = True

    def __init__(self, drop: int | None = None):
        self.drop = drop

    def fit(self, latents: np.ndarray, setting: np.ndarray, location: np.ndarray | None = None) -> Self:
        """Fit on latents (row, latent), setting (row,), location (row,); locations of one row are not used.

        Raises
        ------
        ValueError
            No locations, one seen twice under the same setting, a setting that shares none with another; more
            directions than latents.
        """
        rows, _, settings = self._training(latents, setting, rows=1)
        drop = len(settings) - 1 if self.drop is None else self.drop
        if not 0 <= drop < rows.shape[1]:
            raise ValueError(f"{self.name}: {drop} directions to drop of {rows.shape[1]} latents")
        if location is None:
            raise ValueError(f"{self.name}: the tissue position of every row is needed to form pairs, found none")
        table = pair_table(setting, checked_labels(location, len(rows), "location"))
        self.mean_ = rows.mean(axis=0)
        within, freedom = _within(rows, table)
        values, vectors = np.linalg.eigh(within.T @ within / freedom)
        self.spread_ = values[::-1]
        kept = self.spread_[:drop] > SMALLEST * rows.var(axis=0).sum()
        self.directions_ = vectors[:, ::-1].T[:drop][kept]
        self.matrix_ = np.eye(rows.shape[1]) - self.directions_.T @ self.directions_
        return self


def _within(rows: np.ndarray, table: PairTable) -> tuple[np.ndarray, int]:
    """Rows of the table less the mean of their location, and their degrees of freedom."""
    seen = table.rows >= 0
    counts = seen.sum(axis=1, keepdims=True)
    sums = sum(np.where(mask[:, None], rows[numbers], 0) for numbers, mask in zip(table.rows.T, seen.T, strict=True))
    means = sums / counts
    centred = [rows[numbers[mask]] - means[mask] for numbers, mask in zip(table.rows.T, seen.T, strict=True)]
    return np.concatenate(centred), int(counts.sum() - len(counts))
