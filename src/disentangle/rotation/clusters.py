"""Tissue clusters: k-means fitted once on pooled training latents, and how many clusters are stable."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score

from disentangle.metrics.consistency import ari_of, contingency

STARTS = 10
START_ROWS = 20_000  # the starts compete on so many rows, the best is refined on all: nine tenths of the time saved
BLOCK = 65_536  # rows whose distances are held at once
SUB_COHORTS = 20  # as in the group's earlier study (Pan et al. 2023, Eur Radiol 33:925)
SHARE = 0.5
FITTED_ROWS = 5000  # of each half
JUDGED_ROWS = 2000


@dataclass(frozen=True)
class Clusters:
    """Centres (cluster, latent) of tissue clusters; ``inertia`` is the summed squared distance of the fitted rows."""

    centres: np.ndarray
    inertia: float

    def predict(self, latents: np.ndarray) -> np.ndarray:
        """Number (row,) of the nearest centre of each row of latents (row, latent)."""
        latents = _checked(latents)
        if latents.shape[1] != self.centres.shape[1]:
            raise ValueError(f"{latents.shape[1]} latents a row, but the clusters have {self.centres.shape[1]}")
        parts = (latents[start : start + BLOCK] for start in range(0, len(latents), BLOCK))
        return np.concatenate([cdist(part, self.centres, "sqeuclidean").argmin(axis=1) for part in parts])


def fit_clusters(latents: np.ndarray, k: int, seed: int) -> Clusters:
    """k-means (k-means++, the best of ten starts) on latents (row, latent) of all settings together.

    Give every setting the same number of rows, or the clusters serve the most frequent one. The starts are tried
    on at most 20 000 rows; the best one is refined on all.

    Raises
    ------
    ValueError
        Not finite, or fewer distinct rows than clusters.
    """
    latents = _checked(latents)
    if not 1 <= k <= len(latents):
        raise ValueError(f"{k} clusters asked of {len(latents)} rows")
    rng = np.random.default_rng(seed)
    some = _sample(latents, START_ROWS, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # too few distinct rows: an error below
        model = KMeans(k, n_init=STARTS, random_state=seed).fit(some)
        if len(some) < len(latents):
            model = KMeans(k, init=model.cluster_centers_, n_init=1).fit(latents)
    found = len(np.unique(model.labels_))
    if found < k:
        raise ValueError(f"{k} clusters asked of {len(latents)} rows, but only {found} of them differ enough")
    return Clusters(model.cluster_centers_, float(model.inertia_))


def stability(latents: np.ndarray, subjects: np.ndarray, ks: Sequence[int], seed: int) -> pd.DataFrame:
    """How alike the clusterings of 20 random halves of the people are, for each number of clusters.

    Each half is clustered alone; all clusterings name the same rows, drawn from everybody; the adjusted Rand index of
    two
    of them is one value.

    Parameters
    ----------
    latents, subjects : array (row, latent), array (row,)
        Training rows and their people.
    ks : sequence of int
        Numbers of clusters, at least 2 each.

    Returns
    -------
    DataFrame indexed by ``k``
        ``stability``, the mean over pairs of halves; ``spread``, the deviation over halves of each one's mean with
        all others; ``silhouette``, the mean over halves.
    """
    latents, subjects = _checked(latents), np.asarray(subjects)
    people = np.unique(subjects)
    if subjects.shape != (len(latents),) or len(people) < 4:
        raise ValueError(f"{len(people)} people over {subjects.shape} rows, expected at least 4 over ({len(latents)},)")
    if not len(ks) or min(ks) < 2:
        raise ValueError(f"numbers of clusters are {list(ks)}, expected at least one, each at least 2")
    rng = np.random.default_rng(seed)
    halves = [rng.choice(people, round(SHARE * len(people)), replace=False) for _ in range(SUB_COHORTS)]
    parts = [_sample(latents[np.isin(subjects, half)], FITTED_ROWS, rng) for half in halves]
    judged = _sample(latents, JUDGED_ROWS, rng)
    distances = cdist(judged, judged)
    rows = {k: _stability_of([fit_clusters(part, k, seed).predict(judged) for part in parts], distances, k) for k in ks}
    columns = ["stability", "spread", "silhouette"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("k")


def choose_k(table: pd.DataFrame) -> int:
    """The number of clusters with the highest silhouette among those as stable as the most stable one.

    As stable: within one ``spread`` of the best ``stability`` in the table of :func:`stability`.
    """
    best = table.loc[table["stability"].idxmax()]
    stable = table[table["stability"] >= best["stability"] - best["spread"]]
    return int(stable["silhouette"].idxmax())


def _stability_of(labels: list[np.ndarray], distances: np.ndarray, k: int) -> tuple[float, float, float]:
    agreement = np.full((len(labels), len(labels)), np.nan)
    for i, j in combinations(range(len(labels)), 2):
        agreement[i, j] = agreement[j, i] = ari_of(contingency(labels[i], labels[j], (k, k)))
    of_each = np.nanmean(agreement, axis=1)
    silhouettes = [silhouette_score(distances, one, metric="precomputed") for one in labels if len(np.unique(one)) > 1]
    return float(of_each.mean()), float(of_each.std(ddof=1)), float(np.mean(silhouettes))


def _sample(latents: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
    return latents if len(latents) <= rows else latents[rng.choice(len(latents), rows, replace=False)]


def _checked(latents: np.ndarray) -> np.ndarray:
    latents = np.asarray(latents, float)
    if latents.ndim != 2 or not latents.size or not np.isfinite(latents).all():
        raise ValueError(f"latents of shape {latents.shape}, expected finite (rows, latents), none of them 0")
    return latents
