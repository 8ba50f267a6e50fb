"""Rank correlations of latents with factors, and the same with a covariate such as size taken out."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

_NOTHING_LEFT = 1e-6  # share of a column's spread below which a residual is rounding, not signal


def correlation_matrix(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson correlation of every column of ``a`` (n, D) with every one of ``b`` (n, F): (D, F).

    A constant column correlates 0 with everything.
    """
    return _unit(a).T @ _unit(b)


def spearman_matrix(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Spearman correlation of every column of ``a`` (n, D) with every one of ``b`` (n, F): (D, F)."""
    return correlation_matrix(ranks(a), ranks(b))


def partial_spearman(a: np.ndarray, b: np.ndarray, covariate: np.ndarray) -> np.ndarray:
    """Spearman correlation given a covariate: Pearson of what straight lines in its rank leave of the ranks.

    Parameters
    ----------
    a, b : array (n, D), (n, F)
    covariate : array (n,) or (n, covariates)
    """
    return correlation_matrix(residual_ranks(a, covariate, degree=1), residual_ranks(b, covariate, degree=1))


def residual_ranks(values: np.ndarray, covariate: np.ndarray, *, degree: int) -> np.ndarray:
    """What a polynomial in the covariate's rank leaves of each column's ranks.

    Parameters
    ----------
    values : array (n, columns)
    covariate : array (n,) or (n, covariates)
    degree : int
        1 is the partial Spearman correlation; more also takes out a bend.

    Returns
    -------
    array (n, columns)
        A column that the covariate determines becomes exactly zero.
    """
    values, covariate = ranks(values), ranks(covariate)
    if len(values) != len(covariate):
        raise ValueError(f"{len(values)} rows of values but {len(covariate)} of the covariate")
    powers = [_unit(covariate) * np.sqrt(len(covariate))]
    for _ in range(1, degree):
        powers.append(powers[-1] * powers[0])
    design = np.column_stack([np.ones(len(values)), *powers])
    residual = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    nothing_left = residual.std(axis=0) <= _NOTHING_LEFT * np.maximum(values.std(axis=0), 1e-300)
    residual[:, nothing_left] = 0.0
    return residual


def ranks(values: np.ndarray) -> np.ndarray:
    """Mean ranks of each column, (n,) or (n, columns) to (n, columns)."""
    values = np.asarray(values, float)
    return rankdata(values[:, None] if values.ndim == 1 else values, axis=0)


def _unit(values: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and length 1; constant ones become 0."""
    values = np.asarray(values, float)
    centred = values - values.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    constant = length <= 1e-12 * np.maximum(np.abs(values).max(axis=0), 1e-300) * np.sqrt(len(values))
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, length))
