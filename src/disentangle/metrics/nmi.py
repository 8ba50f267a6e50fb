"""Do clusters agree with a label beyond chance, and beyond what size explains? NMI with permutation nulls."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans

KMEANS_STARTS = 10


@dataclass(frozen=True)
class Agreement:
    """Normalised mutual information of clusters and a label, with what shuffled labels give.

    ``excess`` is (value - null mean) / (1 - null mean): 0 chance, 1 identical. ``p`` is the share of
    shuffles that reach the value, the observed order counted among them.
    """

    value: float
    null_mean: float
    null_low: float
    null_high: float
    excess: float
    p: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def kmeans_clusters(latents: np.ndarray, k: int, *, seed: int) -> np.ndarray:
    """Cluster numbers (n,) of the best of ten k-means starts on ``latents`` (n, D)."""
    return KMeans(k, n_init=KMEANS_STARTS, random_state=seed).fit_predict(np.asarray(latents, float))


def agglomerative_clusters(latents: np.ndarray, k: int) -> np.ndarray:
    """Cluster numbers (n,) of Ward's agglomerative clustering of ``latents`` (n, D), cut at ``k``."""
    return AgglomerativeClustering(k).fit_predict(np.asarray(latents, float))


def quantile_strata(covariate: np.ndarray, strata: int) -> np.ndarray:
    """Stratum (n,) in 0..strata-1 of each row, by quantiles of the covariate."""
    edges = np.quantile(covariate, np.linspace(0, 1, strata + 1)[1:-1])
    return np.searchsorted(edges, covariate, side="right")


def nmi(clusters: np.ndarray, labels: np.ndarray, strata: np.ndarray | None = None) -> float:
    """Mutual information over the mean of both entropies; 0 where neither varies.

    With ``strata``, information and entropies are those given the stratum: what clusters and labels share
    among rows of like size.
    """
    strata = np.zeros(len(clusters), int) if strata is None else strata
    return _nmi(*(_codes(part) for part in (clusters, labels, strata)))


def agreement(
    clusters: np.ndarray,
    labels: np.ndarray,
    *,
    permutations: int,
    seed: int | np.random.Generator,
    strata: np.ndarray | None = None,
) -> Agreement:
    """NMI with its permutation null; with ``strata``, given the stratum, and shuffled inside strata.

    Parameters
    ----------
    clusters, labels, strata : array (n,)
    permutations : int
    """
    if not len(clusters) == len(labels) == len(labels if strata is None else strata):
        raise ValueError(f"{len(clusters)} clusters, {len(labels)} labels: lists must be of equal length")
    strata = np.zeros(len(clusters), int) if strata is None else np.asarray(strata)
    order = np.argsort(strata, kind="stable")
    clusters, labels, strata = (_codes(np.asarray(part)[order]) for part in (clusters, labels, strata))
    blocks = np.split(np.arange(len(labels)), np.cumsum(np.bincount(strata))[:-1])
    rng = np.random.default_rng(seed)
    value = _nmi(clusters, labels, strata)
    null = np.empty(permutations)
    for draw in range(permutations):
        shuffled = np.concatenate([rng.permutation(labels[block]) for block in blocks])
        null[draw] = _nmi(clusters, shuffled, strata)
    low, high = np.percentile(null, [2.5, 97.5])
    mean = float(null.mean())
    excess = (value - mean) / (1 - mean) if mean < 1 else 0.0
    p = (1 + (null >= value - 1e-12).sum()) / (1 + permutations)
    return Agreement(value, mean, float(low), float(high), float(excess), float(p))


def _nmi(clusters: np.ndarray, labels: np.ndarray, strata: np.ndarray) -> float:
    """NMI given strata, from codes: H(C,S), H(L,S) and H(C,L,S) less H(S)."""
    k, m = clusters.max() + 1, labels.max() + 1
    of_strata = _entropy(strata)
    of_clusters = _entropy(strata * k + clusters) - of_strata
    of_labels = _entropy(strata * m + labels) - of_strata
    of_both = _entropy((strata * k + clusters) * m + labels) - of_strata
    scale = (of_clusters + of_labels) / 2
    return float(max(of_clusters + of_labels - of_both, 0.0) / scale) if scale > 1e-12 else 0.0


def _entropy(codes: np.ndarray) -> float:
    counts = np.bincount(codes)
    p = counts[counts > 0] / len(codes)
    return float(-(p * np.log(p)).sum())


def _codes(labels: np.ndarray) -> np.ndarray:
    return np.unique(np.asarray(labels), return_inverse=True)[1].ravel()
