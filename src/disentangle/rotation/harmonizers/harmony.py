"""Harmony: soft clusters in which settings mix, and a linear correction in each (Korsunsky et al. 2019, Nat Methods).

Computed by harmonypy, an optional extra. Harmony corrects the rows that it is given and leaves no map behind: new
people can only be harmonized by running it again with them inside.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from disentangle.rotation.harmonizers.base import Harmonizer, as_given, check_latents

FEWEST = 60  # harmonypy takes one cluster for 30 rows, and with fewer than two clusters there is nothing to mix


class Harmony(Harmonizer):
    """Harmony with the published penalty and harmonypy's choices for the rest; transductive.

    Use ``fit_transform`` on training and test rows together, or :func:`harmonize`, which does that. ``transform``
    gives back the corrected rows of the fit and refuses any others. Latents are centred first, since Harmony
    clusters directions as seen from the origin; the mean is given back.

    Parameters
    ----------
    penalty : float
        Ridge penalty of the correction, 1 in the paper. What harmonypy 2 estimates when it is given none grows with
        the clusters, and leaves about a fifth of a plain shift of the settings, however many rows there are.
    seed : int
        Of harmonypy's first clusters and of the order of its updates.
    """

    name = "harmony"
    needs_setting = True
    new_patients = False

    def __init__(self, penalty: float = 1.0, seed: int = 0):
        self.penalty = penalty
        self.seed = seed

    def fit(self, latents: np.ndarray, setting: np.ndarray, location: np.ndarray | None = None) -> Self:
        """Correct latents (row, latent) for setting (row,); ``location`` is not looked at."""
        rows, codes, self.settings_ = self._training(latents, setting)
        if len(rows) < FEWEST:
            raise ValueError(f"{self.name}: {len(rows)} rows, at least {FEWEST} expected")
        mean = rows.mean(axis=0)
        model = _harmonypy().run_harmony(
            rows - mean, {"setting": codes}, "setting", lamb=self.penalty, verbose=False, random_state=self.seed
        )
        self.fitted_on_, self.corrected_ = rows, np.asarray(model.Z_corr) + mean
        return self

    def transform(self, latents: np.ndarray, setting: np.ndarray | None = None) -> np.ndarray:
        """The corrected rows of the fit; an error for any other rows."""
        check_is_fitted(self)
        rows = check_latents(latents, self.fitted_on_.shape[1])
        if not np.array_equal(rows, self.fitted_on_):
            raise ValueError(
                f"{self.name}: {len(rows)} rows that are not the {len(self.fitted_on_)} of the fit. Harmony has no map "
                "for new rows: call fit_transform on training and test rows together"
            )
        return as_given(self.corrected_, latents)


def _harmonypy():
    try:
        import harmonypy
    except ImportError as error:
        raise ImportError("harmony needs harmonypy: pip install 'disentangle[rotation]'") from error
    return harmonypy
