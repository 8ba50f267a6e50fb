"""Mutual information of binned columns, in nats, for all pairs of latents and factors at once."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata


def discretise(values: np.ndarray, bins: int) -> np.ndarray:
    """Bins of about equal counts, by rank; equal values share a bin.

    Ranks make the result independent of any monotone change of a column, so that Gaussian latents and
    points of a simplex are treated alike.

    Parameters
    ----------
    values : array (n, columns)
    bins : int
        At most this many; a column of few different values keeps fewer.

    Returns
    -------
    int array (n, columns) in 0..bins-1
    """
    values = np.asarray(values, float)
    if np.isnan(values).any():
        raise ValueError(f"{int(np.isnan(values).any(axis=0).sum())} columns hold NaN: drop those rows first")
    middle = rankdata(values, axis=0) - 0.5
    return np.minimum((middle * bins / len(values)).astype(int), bins - 1)


def entropy(codes: np.ndarray) -> np.ndarray:
    """Entropy in nats of each column of ``codes`` (n, columns): (columns,)."""
    return np.array([_entropy_of_counts(np.bincount(column)) for column in np.asarray(codes).T])


def mutual_information_matrix(latents: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Mutual information in nats of every latent with every factor.

    Parameters
    ----------
    latents : int array (n, D)
    factors : int array (n, F)
        Bin numbers, as from `discretise`.

    Returns
    -------
    array (D, F)
        The plug-in estimate; under independence it is about (a-1)(b-1)/2n nats above zero for a and b bins.
    """
    latents, factors = np.asarray(latents), np.asarray(factors)
    joint = _one_hot(latents).T @ _one_hot(factors) / len(latents)
    a, b = latents.max() + 1, factors.max() + 1
    joint = joint.reshape(latents.shape[1], a, factors.shape[1], b).transpose(0, 2, 1, 3)
    independent = joint.sum(3, keepdims=True) * joint.sum(2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(joint > 0, joint * np.log(joint / independent), 0.0)
    return np.maximum(terms.sum((2, 3)), 0.0)


def _one_hot(codes: np.ndarray) -> np.ndarray:
    """(n, columns * levels) of zeros and ones."""
    return (codes[:, :, None] == np.arange(codes.max() + 1)).reshape(len(codes), -1).astype(float)


def _entropy_of_counts(counts: np.ndarray) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum())
