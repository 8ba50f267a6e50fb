"""Disentanglement, completeness and informativeness (Eastwood and Williams 2018, ICLR).

Importance of latent i for factor j is the size of its weight in an elastic net on standardised columns.
The original uses the lasso; its weights are arbitrary between copies of a latent, while the elastic net's
share of squared penalty divides them evenly. It is also a hundred times faster than boosted trees.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNetCV
from sklearn.model_selection import GroupKFold

L1_SHARE = 0.5
FOLDS = 5
PENALTIES = np.geomspace(1.0, 1e-3, 15)  # as shares of the smallest penalty that empties the model


@dataclass(frozen=True)
class Dci:
    """Three scores in 0..1 (informativeness may fall below 0), and the importances (D, F) behind them."""

    disentanglement: float
    completeness: float
    informativeness: float
    importance: np.ndarray


def disentanglement(importance: np.ndarray) -> float:
    """How far each latent serves one factor only, latents weighed by their importance.

    ``importance`` (D, F), non-negative. 0 where nothing is important, or where there is one factor only.
    """
    return _concentration(importance)


def completeness(importance: np.ndarray) -> float:
    """How far each factor is served by one latent only, factors weighed by their importance."""
    return _concentration(importance.T)


def dci(latents: np.ndarray, factors: np.ndarray, *, groups: np.ndarray | None, seed: int) -> Dci:
    """All three scores.

    Parameters
    ----------
    latents, factors : array (n, D), (n, F)
        Constant factors are left out.
    groups : array (n,) or None
        The person of each row: folds are split by person. None: every row is a person.
    seed : int
        Orders people before the split into five folds.

    Notes
    -----
    Informativeness is the mean R squared over factors in the held-out folds, at the penalty that is best
    there (one of fifteen; the optimism of this choice is far below the spread between people).
    """
    latents, factors = _standardise(latents), np.asarray(factors, float)
    factors = _standardise(factors[:, np.ptp(factors, axis=0) > 0])
    groups = np.arange(len(latents)) if groups is None else np.asarray(groups)
    splits = _folds(groups, seed)
    fitted = [_fit(latents, factor, splits) for factor in factors.T]
    importance = np.column_stack([weights for weights, _ in fitted])
    r_squared = float(np.mean([score for _, score in fitted]))
    return Dci(disentanglement(importance), completeness(importance), r_squared, importance)


def _fit(latents: np.ndarray, factor: np.ndarray, splits: list) -> tuple[np.ndarray, float]:
    """Importance (D,) and held-out R squared for one standardised factor."""
    empties = np.abs(latents.T @ factor).max() / len(factor) / L1_SHARE
    if empties < 1e-12:
        return np.zeros(latents.shape[1]), 0.0
    model = ElasticNetCV(l1_ratio=L1_SHARE, alphas=empties * PENALTIES, cv=splits, tol=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(latents, factor)
    return np.abs(model.coef_), float(1 - model.mse_path_.mean(axis=-1).min())


def _folds(groups: np.ndarray, seed: int) -> list:
    _, codes = np.unique(groups, return_inverse=True)
    codes = np.random.default_rng(seed).permutation(codes.max() + 1)[codes]
    return list(GroupKFold(FOLDS).split(codes, groups=codes))


def _concentration(importance: np.ndarray) -> float:
    """Mean over rows, weighed by their sums, of 1 minus the row's entropy in units of its maximum."""
    total = importance.sum()
    if total == 0 or importance.shape[1] < 2:
        return 0.0
    rows = importance.sum(axis=1)
    p = importance / np.where(rows > 0, rows, 1)[:, None]
    entropy = -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1) / np.log(importance.shape[1])
    return float(((1 - entropy) * rows).sum() / total)


def _standardise(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float)
    spread = values.std(axis=0)
    constant = spread <= 1e-12 * np.maximum(np.abs(values).max(axis=0), 1e-300)
    return np.where(constant, 0.0, (values - values.mean(axis=0)) / np.where(constant, 1, spread))
