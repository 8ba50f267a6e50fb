"""Area under the ROC curve with weights, exact under ties, for many weightings at once; accuracy."""

from __future__ import annotations

import numpy as np


def auc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Probability that a positive scores above a negative, ties counted half.

    Parameters
    ----------
    scores, labels : array (n,)
        ``labels`` are 0 or 1.
    weights : array (n,) or None
        Non-negative weights of the rows; None weighs all alike.

    Raises
    ------
    ValueError
        Where shapes differ, a label is neither 0 nor 1, a score is NaN, or a class has no weight.
    """
    scores, labels = _check(scores, labels)
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, float)
    concordant, pairs = concordance(scores, labels, weights[None])
    if pairs[0] == 0:
        raise ValueError(
            f"AUC needs both classes: {int(labels.sum())} positive and {int((~labels).sum())} "
            "negative rows, with a weight above zero in each"
        )
    return float(concordant[0] / pairs[0])


def concordance(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted count of concordant pairs (ties half) and of all pairs; their ratio is the AUC.

    Parameters
    ----------
    scores : array (n,)
    labels : bool array (n,)
    weights : array (draws, n)
        One weighting a row, such as how often a bootstrap draw took each lesion.

    Returns
    -------
    concordant, pairs : array (draws,)
        Both 0 where a class has no weight.
    """
    if scores.size == 0:
        return np.zeros(len(weights)), np.zeros(len(weights))
    order = np.argsort(scores, kind="stable")
    ranked, positive = scores[order], labels[order].astype(bool)
    first_of_tie = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    weights = np.asarray(weights, float)[:, order]
    positives = np.add.reduceat(weights * positive, first_of_tie, axis=1)
    negatives = np.add.reduceat(weights * ~positive, first_of_tie, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives
    concordant = (positives * (below + 0.5 * negatives)).sum(axis=1)
    return concordant, positives.sum(axis=1) * negatives.sum(axis=1)


def accuracy(scores: np.ndarray, labels: np.ndarray, threshold: float, weights: np.ndarray | None = None) -> float:
    """Share of rows whose score lies on the label's side of ``threshold`` (at it counts as positive)."""
    scores, labels = _check(scores, labels)
    return float(np.average((scores >= threshold) == labels, weights=weights))


def _check(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, labels = np.asarray(scores, float), np.asarray(labels)
    if scores.shape != labels.shape or scores.ndim != 1:
        raise ValueError(f"scores {scores.shape} and labels {labels.shape} must be two lists of equal length")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"labels must be 0 or 1, found {np.unique(labels)[:5].tolist()}")
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN")
    return scores, labels.astype(bool)
