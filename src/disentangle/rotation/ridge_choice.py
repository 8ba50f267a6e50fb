"""Chooses the strength of a Cox model's ridge by cross-validated partial likelihood.

The choice needs hundreds of trial fits of which nothing is kept but one number, and a lifelines fit spends 40 ms,
mostly on tables and baseline hazards. So the trial coefficients are found here, in half a millisecond, by Newton's
method on the same penalised partial likelihood (Breslow ties); a test holds them against lifelines. The models that
predict are lifelines' own (``survival.fit_cox``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_STEPS = 30
_PRECISION = 1e-8


def choose_ridge(
    covariates: np.ndarray,
    time: np.ndarray,
    event: np.ndarray,
    fold: np.ndarray,
    strengths: Sequence[float],
    free: np.ndarray,
) -> float:
    """The strength with the largest cross-validated partial likelihood, the strongest of equals.

    For each fold l(all; b) - l(without the fold; b), with b fitted without the fold (Verweij and van Houwelingen
    1993, Statistics in Medicine 12:2305).

    Parameters
    ----------
    covariates : array (n, p), standardised
    time, event, fold : arrays (n,)
    strengths : each in lifelines' scale: n * strength / 2 * the sum of squared coefficients is taken off
    free : bool array (p,), coefficients without penalty
    """
    strengths = sorted(strengths, reverse=True)
    everyone = RiskSets(covariates, time, event)
    gained = np.zeros(len(strengths))
    for left_out in np.unique(fold):
        kept = fold != left_out
        part = RiskSets(covariates[kept], time[kept], event[kept])
        start = np.zeros(covariates.shape[1])
        for at, strength in enumerate(strengths):
            start = part.fit(np.where(free, 0.0, strength), start)
            gained[at] += everyone.log_likelihood(start) - part.log_likelihood(start)
    return strengths[int(np.argmax(gained))]


class RiskSets:
    """People in order of falling time, so that everybody before a person is at risk with them.

    Parameters
    ----------
    covariates : array (n, p); time, event : arrays (n,)
    """

    def __init__(self, covariates: np.ndarray, time: np.ndarray, event: np.ndarray) -> None:
        order = np.argsort(-np.asarray(time, float), kind="stable")
        falling = -np.asarray(time, float)[order]
        self.covariates = np.asarray(covariates, float)[order]
        self.event = np.asarray(event, float)[order]
        self.last = np.searchsorted(falling, falling, side="right") - 1  # the last one who shares this time
        self.first = np.searchsorted(falling, falling, side="left")

    def log_likelihood(self, coefficients: np.ndarray) -> float:
        """Partial log-likelihood, Breslow's form for ties."""
        score = self.covariates @ coefficients
        return float(((score - np.logaddexp.accumulate(score)[self.last]) * self.event).sum())

    def fit(self, ridge: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Coefficients (p,) that maximise the likelihood less n * ridge (p,) / 2 * squared coefficients."""
        ridge = len(self.event) * ridge
        coefficients, reached = start, self._objective(start, ridge)
        for _ in range(_STEPS):
            gradient, curvature = self._derivatives(coefficients)
            gradient = gradient - ridge * coefficients
            step = np.linalg.lstsq(curvature + np.diag(ridge), gradient, rcond=None)[0]
            coefficients, better = self._walk(coefficients, step, ridge, reached)
            if better - reached < _PRECISION:
                break
            reached = better
        return coefficients

    def _walk(self, coefficients, step, ridge, reached) -> tuple[np.ndarray, float]:
        """A step halved until the objective does not fall."""
        for halving in range(10):
            ahead = coefficients + step / 2**halving
            better = self._objective(ahead, ridge)
            if better >= reached:
                return ahead, better
        return coefficients, reached

    def _objective(self, coefficients: np.ndarray, ridge: np.ndarray) -> float:
        return self.log_likelihood(coefficients) - float((ridge * coefficients**2).sum()) / 2

    def _derivatives(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradient (p,) and negative second derivative (p, p) of the log-likelihood."""
        score = self.covariates @ coefficients
        weight = np.exp(score - score.max())
        total = np.cumsum(weight)[self.last]
        mean = np.cumsum(weight[:, None] * self.covariates, axis=0)[self.last] / total[:, None]
        gradient = self.event @ (self.covariates - mean)
        exposure = np.cumsum((self.event / total)[::-1])[::-1][self.first]  # over all events at which one is at risk
        second = (self.covariates * (weight * exposure)[:, None]).T @ self.covariates
        return gradient, second - (mean * self.event[:, None]).T @ mean
