"""Tissue composition of a person: the share of their patches in each cluster, and its log-ratios for a Cox model.

Digest of the paper, section 3.8: the paper says that profiles of clusters enter a Cox model; the log-ratios and the
matching of clusters between models are our choice. Nothing here sees an outcome.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment


def composition(labels: np.ndarray, subjects: Sequence, clusters: int) -> pd.DataFrame:
    """Share of each person's patches in each cluster.

    Parameters
    ----------
    labels : int array (patches,)
        Cluster of each patch, 0 to ``clusters - 1``, all from one clustering.
    subjects : sequence (patches,)
        The person of each patch. Give one setting a person, as in routine care, or every setting counts.
    clusters : int

    Returns
    -------
    DataFrame, one row a person (index ``subject``, sorted), columns ``cluster_0``, ...; rows sum to 1
    """
    labels, subjects = np.asarray(labels), np.asarray(subjects)
    if labels.ndim != 1 or labels.shape != subjects.shape:
        raise ValueError(f"labels are {labels.shape}, subjects {subjects.shape}, expected one of each for a patch")
    if not len(labels):
        raise ValueError("a composition needs at least one patch, found none")
    _check_labels("labels", labels, clusters)
    people, codes = np.unique(subjects, return_inverse=True)
    counts = np.zeros((len(people), clusters))
    np.add.at(counts, (codes.ravel(), labels), 1)
    shares = counts / counts.sum(axis=1, keepdims=True)
    return pd.DataFrame(shares, index=pd.Index(people, name="subject"), columns=_names(clusters))


def patches_per_person(subjects: Sequence) -> pd.Series:
    """How many patches each person has, indexed like ``composition``."""
    people, counts = np.unique(np.asarray(subjects), return_counts=True)
    return pd.Series(counts, index=pd.Index(people, name="subject"), name="patches")


def clr(profile: pd.DataFrame, patches: int | pd.Series) -> pd.DataFrame:
    """Centred log-ratios: log(share + e) minus its mean over the clusters, e = half a patch.

    Shares sum to one, so they are collinear and bounded; log-ratios are neither bounded nor tied to the others' sum
    (Aitchison 1982), but still sum to zero over clusters: fit them with a ridge, or leave one out.

    Parameters
    ----------
    profile : DataFrame (person, cluster)
        Shares, each row sums to 1.
    patches : int or Series indexed like ``profile``
        Patches of each person. An empty cluster counts as half a patch: e = 1 / (2 patches).
    """
    shares = profile.to_numpy(float)
    wrong = np.flatnonzero(~(np.isclose(shares.sum(axis=1), 1, atol=1e-6) & (shares >= 0).all(axis=1)))
    if len(wrong):
        raise ValueError(
            f"profile of {profile.index[wrong[0]]!r} is {np.round(shares[wrong[0]], 3).tolist()}, expected shares "
            f"that sum to 1 ({len(wrong)} such rows)"
        )
    if isinstance(patches, pd.Series):
        patches = patches.reindex(profile.index)
    counts = np.broadcast_to(np.asarray(patches, float), len(profile))
    if not (counts >= 1).all():  # NaN where the index differs
        at = profile.index[np.flatnonzero(~(counts >= 1))[0]]
        raise ValueError(f"patches of {at!r} is missing or below 1, expected the number of patches of every person")
    logs = np.log(shares + 1 / (2 * counts[:, None]))
    centred = logs - logs.mean(axis=1, keepdims=True)
    names = [f"clr_{name}" for name in profile.columns]
    return pd.DataFrame(centred, index=profile.index, columns=names)


def match_clusters(labels: np.ndarray, reference: np.ndarray, clusters: int) -> np.ndarray:
    """``labels`` renamed to agree as far as possible with ``reference`` on the same patches.

    Two models number their clusters at random; profiles can be averaged only after the names agree. The
    renaming is one-to-one and maximises the patches on which both agree (Hungarian algorithm).

    Parameters
    ----------
    labels, reference : int arrays (patches,), 0 to ``clusters - 1``
    """
    labels, reference = np.asarray(labels), np.asarray(reference)
    if labels.shape != reference.shape or labels.ndim != 1:
        raise ValueError(f"labels are {labels.shape}, reference {reference.shape}, expected the same patches")
    for name, values in (("labels", labels), ("reference", reference)):
        _check_labels(name, values, clusters)
    together = np.zeros((clusters, clusters))
    np.add.at(together, (labels, reference), 1)
    own, theirs = linear_sum_assignment(together, maximize=True)
    renamed = np.empty(clusters, int)
    renamed[own] = theirs
    return renamed[labels]


def mean_composition(labels: Sequence[np.ndarray], subjects: Sequence, clusters: int) -> pd.DataFrame:
    """Composition averaged over models or seeds, clusters matched to the first of them.

    Parameters
    ----------
    labels : sequence of int arrays (patches,)
        One array a model; all label the same patches in the same order.
    subjects, clusters : as in ``composition``
    """
    if not len(labels):
        raise ValueError("labels hold no model, expected at least one")
    matched = [np.asarray(labels[0]), *(match_clusters(other, labels[0], clusters) for other in labels[1:])]
    return sum(composition(one, subjects, clusters) for one in matched) / len(matched)


def _names(clusters: int) -> list[str]:
    return [f"cluster_{k}" for k in range(clusters)]


def _check_labels(name: str, labels: np.ndarray, clusters: int) -> None:
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"{name} are {labels.dtype}, expected whole numbers")
    if len(labels) and (labels.min() < 0 or labels.max() >= clusters):
        raise ValueError(
            f"{name} run from {labels.min()} to {labels.max()}, expected 0 to {clusters - 1} for {clusters} clusters"
        )
