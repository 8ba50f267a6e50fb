"""ComBat: location and scale of each setting, shrunk by empirical Bayes over latents.

Johnson, Li and Rabinovic 2007 (Biostatistics 8:118), equations 3.1 to 3.3; for imaging Fortin et al. 2018
(NeuroImage 167:104). The parametric prior; fitted on training rows, applied to rows of other people.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from disentangle.rotation.harmonizers.base import SettingMap, as_given, check_latents

LONGEST = 1000  # rounds of the empirical Bayes iteration; it takes fewer than ten where a setting has 50 rows


class ComBat(SettingMap):
    """z* = (z - a - X b - s gamma) / delta + a + X b, with s the pooled deviation of the residuals.

    ``a`` is the mean over rows, ``X`` covariates whose effect is to be kept, ``gamma`` and ``delta`` the shift and
    spread of the setting in units of s. Covariates must not hold outcomes of the test.

    Parameters
    ----------
    tolerance : float
        The iteration for gamma and delta ends when both change by less than this share.
    """

    name = "combat"

    def __init__(self, tolerance: float = 1e-4):
        self.tolerance = tolerance

    def fit(
        self,
        latents: np.ndarray,
        setting: np.ndarray,
        location: np.ndarray | None = None,
        covariates: np.ndarray | None = None,
    ) -> Self:
        """Estimate the shift and spread of every setting.

        Parameters
        ----------
        latents, setting : array (row, latent), array of str (row,)
        location : not looked at
        covariates : array (row, covariate) or None
            Numbers, 0/1 for groups.

        Raises
        ------
        ValueError
            One setting only, a setting of one row, or a covariate that the settings determine.
        """
        rows, codes, self.settings_ = self._training(latents, setting)
        self.n_features_in_, count = rows.shape[1], len(self.settings_)
        extra = self._covariates(covariates, len(rows))
        self.n_covariates_ = extra.shape[1]
        design = np.hstack([np.eye(count)[codes], extra])
        self._check_design(design)
        effects = np.linalg.lstsq(design, rows, rcond=None)[0]
        self.mean_ = np.bincount(codes) / len(rows) @ effects[:count]
        self.effects_ = effects[count:]
        residuals = rows - design @ effects
        spread = np.sqrt((residuals**2).mean(axis=0))
        varies = spread > 1e-10 * np.abs(rows).max(axis=0)
        spread = np.where(varies, spread, 1.0)
        standard = (rows - self.mean_ - extra @ self.effects_) / spread
        fitted = [self._shrunk(standard[codes == code], varies) for code in range(count)]
        self.shifts_ = np.array([shift for shift, _ in fitted]) * spread
        self.scales_ = np.sqrt([scale for _, scale in fitted])
        return self

    def transform(
        self,
        latents: np.ndarray,
        setting: np.ndarray | None = None,
        covariates: np.ndarray | None = None,
        *,
        unseen: str = "error",
    ) -> np.ndarray:
        """Harmonized latents (row, latent); ``covariates`` of these rows where the fit had any.

        ``unseen``: see :meth:`SettingMap.transform`.
        """
        if covariates is None and not getattr(self, "n_covariates_", 0):
            return super().transform(latents, setting, unseen=unseen)
        rows = check_latents(latents, self.n_features_in_)
        explained = self._covariates(covariates, len(rows), self.n_covariates_) @ self.effects_
        return as_given(super().transform(rows - explained, setting, unseen=unseen) + explained, latents)

    def _map(self, latents: np.ndarray, code: int) -> np.ndarray:
        return (latents - self.mean_ - self.shifts_[code]) / self.scales_[code] + self.mean_

    def _shrunk(self, standard: np.ndarray, varies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shift and squared scale of one setting; a latent without spread is moved whole and not scaled."""
        shift, scale = standard.mean(axis=0), np.ones(standard.shape[1])
        if varies.any():
            variance = standard[:, varies].var(axis=0, ddof=1)
            shift[varies], scale[varies] = empirical_bayes(len(standard), shift[varies], variance, self.tolerance)
        return shift, scale

    def _covariates(self, covariates: np.ndarray | None, rows: int, expected: int | None = None) -> np.ndarray:
        values = np.empty((rows, 0)) if covariates is None else np.asarray(covariates, float)
        if values.ndim != 2 or len(values) != rows or (expected is not None and values.shape[1] != expected):
            wanted = "any number of" if expected is None else expected
            raise ValueError(
                f"{self.name}: covariates have shape {values.shape}, expected {rows} rows, {wanted} columns"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{self.name}: covariates are NaN or infinite in {(~np.isfinite(values)).sum()} places")
        return values

    def _check_design(self, design: np.ndarray) -> None:
        rank = np.linalg.matrix_rank(design)
        if rank < design.shape[1] or len(design) <= design.shape[1]:
            raise ValueError(
                f"{self.name}: {len(design)} rows and {design.shape[1]} columns of settings and covariates, of rank "
                f"{rank}: a covariate is constant, follows from the setting, or there are too few rows"
            )


def empirical_bayes(
    count: int, shift: np.ndarray, variance: np.ndarray, tolerance: float = 1e-4
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior shift and variance of one setting (Johnson 2007, equations 3.2 and 3.3).

    The priors are normal for shifts and inverse gamma for variances, with moments taken over latents. With one
    latent there is nothing to borrow from, and the estimates come back as they are.

    Parameters
    ----------
    count : int
        Rows of the setting.
    shift, variance : array (latent,)
        Mean and variance (over count - 1) of standardised latents. A variance of exactly 0 counts as 1, as in the
        reference implementations.

    Returns
    -------
    shift, variance : array (latent,)
    """
    variance = np.where(variance == 0, 1.0, variance)
    if len(shift) < 2:
        return shift, variance
    prior_mean, prior_variance = shift.mean(), shift.var(ddof=1)
    centre, width = variance.mean(), variance.var(ddof=1)
    if width <= np.finfo(float).eps * centre**2:  # all variances alike: the prior is a point
        return _posterior_shift(count, shift, variance, prior_mean, prior_variance), variance
    a = (2 * width + centre**2) / width
    b = (centre * width + centre**3) / width
    squares = (count - 1) * variance
    found = shift, variance
    for _ in range(LONGEST):
        new_shift = _posterior_shift(count, shift, found[1], prior_mean, prior_variance)
        new_variance = (b + (squares + count * (shift - new_shift) ** 2) / 2) / (count / 2 + a - 1)
        change = max(_largest_share(new_shift, found[0]), _largest_share(new_variance, found[1]))
        found = new_shift, new_variance
        if change <= tolerance:
            break
    return found


def _posterior_shift(count: int, shift, variance, prior_mean: float, prior_variance: float) -> np.ndarray:
    return (count * prior_variance * shift + variance * prior_mean) / (count * prior_variance + variance)


def _largest_share(new: np.ndarray, old: np.ndarray) -> float:
    """Largest relative change; changes below 1e-12 count as none, for a shift may be zero."""
    change = np.abs(new - old)
    return float((np.where(change > 1e-12, change, 0) / np.maximum(np.abs(old), 1e-12)).max())
