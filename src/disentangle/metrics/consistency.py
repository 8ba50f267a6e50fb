"""Do clusters of the same tissue stay the same when the setting changes? ARI, NMI and Dice over pairs of settings.

One clustering names the tissue of each location under each setting; two settings agree as far as their contingency
table is diagonal. All scores are computed from tables (..., clusters, clusters), many at once.
A clustering that puts everything into one cluster agrees perfectly: :func:`effective_clusters` belongs beside.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

SCORES = ("ari", "nmi", "dice", "dice_weighted")


def consistency(labels: np.ndarray, clusters: int, *, matched: bool = False) -> dict[str, float]:
    """Agreement of clusters between settings, averaged over unordered pairs of settings.

    Parameters
    ----------
    labels : int array (location, setting)
        Cluster of each location under each setting, in 0..clusters - 1.
    clusters : int
    matched : bool
        Clusters were fitted in each setting separately: rename them by the best assignment before Dice.

    Returns
    -------
    dict
        ``ari``, ``nmi`` (arithmetic mean of entropies), ``dice`` (mean over clusters that occur in the pair) and
        ``dice_weighted`` (clusters weighed by size: the share of locations that keep their cluster).

    Raises
    ------
    ValueError
        Fewer than two settings, no location, or a label out of range.
    """
    labels = _checked(labels, clusters)
    tables = _tables(labels, np.zeros(len(labels), int), 1, clusters)[0]
    return {name: float(values.mean()) for name, values in _scores(tables, matched).items()}


def consistency_per_person(
    labels: np.ndarray, subjects: np.ndarray, clusters: int, *, matched: bool = False
) -> pd.DataFrame:
    """The scores of :func:`consistency` for each person's locations: one row a person, indexed by subject.

    ``subjects`` (location,) names the person of each location. The mean over rows weighs people equally.
    """
    labels = _checked(labels, clusters)
    subjects = np.asarray(subjects)
    if subjects.shape != (len(labels),):
        raise ValueError(f"subjects have shape {subjects.shape}, expected ({len(labels)},), one a location")
    names, people = np.unique(subjects, return_inverse=True)
    tables = _tables(labels, people.ravel(), len(names), clusters)
    scores = {name: values.mean(axis=1) for name, values in _scores(tables, matched).items()}
    return pd.DataFrame(scores, index=pd.Index(names, name="subject"))


def paired_labels(
    labels: np.ndarray, location: np.ndarray, setting: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Long rows as a matrix (location, setting), with the locations and settings that it is ordered by.

    Parameters
    ----------
    labels, location, setting : array (row,)

    Raises
    ------
    ValueError
        A location is missing under some setting, or there twice.
    """
    labels, location, setting = map(np.asarray, (labels, location, setting))
    if not labels.shape == location.shape == setting.shape:
        raise ValueError(f"labels {labels.shape}, location {location.shape}, setting {setting.shape} must be alike")
    places, row = np.unique(location, return_inverse=True)
    settings, column = np.unique(setting, return_inverse=True)
    counts = np.zeros((len(places), len(settings)), int)
    np.add.at(counts, (row.ravel(), column.ravel()), 1)
    if (counts != 1).any():
        place, other = np.argwhere(counts != 1)[0]
        raise ValueError(
            f"location {places[place]} occurs {counts[place, other]} times under {settings[other]}, once expected "
            f"({(counts != 1).any(axis=1).sum()} of {len(places)} locations are not seen once under every setting)"
        )
    matrix = np.empty(counts.shape, labels.dtype)
    matrix[row.ravel(), column.ravel()] = labels
    return matrix, places, settings


def effective_clusters(labels: np.ndarray) -> float:
    """exp(entropy of cluster sizes): k for k clusters of equal size, 1 where all is one cluster."""
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    if not counts.size:
        raise ValueError("no labels: the number of clusters is unknown")
    shares = counts / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def ari_of(tables: np.ndarray) -> np.ndarray:
    """Adjusted Rand index (Hubert and Arabie 1985) of contingency tables (..., a, b); 1 where neither side varies.

    Tables add up over people: sum those of a bootstrap draw and score the sum.
    """
    tables = np.asarray(tables, float)
    together, of_a, of_b = _pairs(tables), _pairs(tables.sum(-1), 1), _pairs(tables.sum(-2), 1)
    everyone = tables.sum((-2, -1))
    expected = of_a * of_b / np.maximum(everyone * (everyone - 1) / 2, 1)
    ceiling = (of_a + of_b) / 2
    same = ceiling == expected
    return np.where(same, 1.0, (together - expected) / np.where(same, 1, ceiling - expected))


def nmi_of(tables: np.ndarray) -> np.ndarray:
    """Mutual information over the mean of both entropies, of tables (..., a, b); 1 where neither side varies."""
    tables = np.asarray(tables, float)
    joint = tables / tables.sum((-2, -1), keepdims=True)
    of_a, of_b = _entropy(joint.sum(-1), 1), _entropy(joint.sum(-2), 1)
    scale = (of_a + of_b) / 2
    flat = scale < 1e-12
    shared = np.maximum(of_a + of_b - _entropy(joint, 2), 0)
    return np.where(flat, 1.0, np.minimum(shared / np.where(flat, 1, scale), 1))


def dice_of(tables: np.ndarray) -> np.ndarray:
    """Dice of each cluster, averaged over clusters that occur on either side, of tables (..., k, k)."""
    both, total = _overlap(tables)
    present = total > 0
    return np.where(present, 2 * both / np.where(present, total, 1), 0).sum(-1) / present.sum(-1)


def contingency(
    first: np.ndarray, second: np.ndarray, shape: tuple[int, int], groups: np.ndarray | None = None
) -> np.ndarray:
    """How often codes ``first`` (row,) and ``second`` (row,) meet: tables (group, *shape), or ``shape`` without groups.

    ``groups`` (row,) are codes from 0, such as the person of each row.
    """
    first, second = np.asarray(first), np.asarray(second)
    for name, codes, bound in (("first", first, shape[0]), ("second", second, shape[1])):
        if codes.size and not 0 <= codes.min() <= codes.max() < bound:
            raise ValueError(f"{name} codes lie in {codes.min()}..{codes.max()}, expected 0..{bound - 1}")
    cells = first * shape[1] + second
    if groups is None:
        return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    count = int(np.max(groups)) + 1
    cells = np.asarray(groups) * (shape[0] * shape[1]) + cells
    return np.bincount(cells, minlength=count * shape[0] * shape[1]).reshape(count, *shape)


def _checked(labels: np.ndarray, clusters: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.shape[0] < 1 or labels.shape[1] < 2 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels are {labels.dtype} of shape {labels.shape}, expected integers (locations, settings), "
            "at least one location and two settings"
        )
    if not 0 <= labels.min() <= labels.max() < clusters:
        raise ValueError(f"labels lie in {labels.min()}..{labels.max()}, expected 0..{clusters - 1}")
    return labels.astype(np.int64)


def _tables(labels: np.ndarray, people: np.ndarray, count: int, clusters: int) -> np.ndarray:
    """(person, pair of settings, clusters, clusters)"""
    pairs = combinations(range(labels.shape[1]), 2)
    return np.stack([contingency(labels[:, s], labels[:, t], (clusters, clusters), people) for s, t in pairs], axis=1)


def _scores(tables: np.ndarray, matched: bool) -> dict[str, np.ndarray]:
    scores = {"ari": ari_of(tables), "nmi": nmi_of(tables)}
    tables = _matched(tables) if matched else tables
    both, total = _overlap(tables)
    return scores | {"dice": dice_of(tables), "dice_weighted": 2 * both.sum(-1) / total.sum(-1)}


def _matched(tables: np.ndarray) -> np.ndarray:
    """Tables with columns renamed by the assignment that keeps most locations."""
    flat = tables.reshape(-1, *tables.shape[-2:])
    renamed = [table[:, linear_sum_assignment(table, maximize=True)[1]] for table in flat]
    return np.stack(renamed).reshape(tables.shape)


def _overlap(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tables = np.asarray(tables)
    return np.diagonal(tables, axis1=-2, axis2=-1), tables.sum(-1) + tables.sum(-2)


def _pairs(counts: np.ndarray, axes: int = 2) -> np.ndarray:
    return (counts * (counts - 1) / 2).sum(tuple(range(-axes, 0)))


def _entropy(shares: np.ndarray, axes: int) -> np.ndarray:
    return -(shares * np.log(np.where(shares > 0, shares, 1))).sum(tuple(range(-axes, 0)))
