"""What the latents of lesions know: disentanglement against the readers' ratings, clusters, both given size.

Follows the paper's feature exploration (its cluster analysis and its comparison of the Gaussian with the
Dirichlet prior) and adds what that lacks: floors, permutation nulls and size taken out. One row is one lesion
unless the caller chooses otherwise. All scores of `disentanglement` work on ranks of single columns, so
that Gaussian latents and points of a simplex are treated alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from disentangle.metrics.dci import dci
from disentangle.metrics.mig import mig
from disentangle.metrics.nmi import (
    agglomerative_clusters,
    agreement,
    kmeans_clusters,
    quantile_strata,
)
from disentangle.metrics.partial import ranks, residual_ranks
from disentangle.metrics.sap import sap

BINS = 10  # of equal counts, for the mutual information of MIG: about 120 lesions a bin
ROTATIONS = 5  # random rotations behind the floor
SIZE_DEGREE = 3  # the polynomial in the rank of size that is taken out
LABEL_QUANTILES = 4  # size and shape become labels by their quartiles
SIZE_STRATA = 10  # "given size" compares lesions of one decile; within a quartile size still tells much
SMALLEST_SHARE = 1e-12  # a component of a simplex point below this is taken as this, so that its log exists


def lesion_means(latents: np.ndarray, lesions: Sequence) -> tuple[np.ndarray, np.ndarray]:
    """Mean latent of each lesion's slices: array (lesions, D) and the lesions' names in its order.

    The mean of points of a simplex lies on the simplex.
    """
    names, codes = np.unique(np.asarray(lesions), return_inverse=True)
    latents = np.asarray(latents, float)
    sums = np.zeros((len(names), latents.shape[1]))
    np.add.at(sums, codes.ravel(), latents)
    return sums / np.bincount(codes.ravel())[:, None], names


def largest_slices(area: np.ndarray, lesions: Sequence) -> np.ndarray:
    """Row of each lesion's largest slice, in the order of the lesions' names; the first of equals."""
    order = np.lexsort((-np.asarray(area, float), np.asarray(lesions)))
    return order[np.unique(np.asarray(lesions)[order], return_index=True)[1]]


def coordinates(latents: np.ndarray, *, simplex: bool) -> np.ndarray:
    """Coordinates (n, D) in which straight lines make sense: the latents, or centred log-ratios of a simplex.

    Raises
    ------
    ValueError
        Where ``simplex`` is said but rows are negative or do not sum to 1, or a value is not finite.
    """
    latents = np.asarray(latents, float)
    if not np.isfinite(latents).all():
        bad = ~np.isfinite(latents).all(axis=1)
        raise ValueError(f"{bad.sum()} of {len(latents)} latents are not finite, first row {bad.argmax()}")
    if not simplex:
        return latents
    sums = latents.sum(axis=1)
    if (latents < 0).any() or np.abs(sums - 1).max() > 1e-3:
        found = f"{sums.min():.3g}..{sums.max():.3g}"
        raise ValueError(f"a simplex has rows >= 0 that sum to 1, found sums {found}")
    logs = np.log(np.maximum(latents, SMALLEST_SHARE))
    return logs - logs.mean(axis=1, keepdims=True)


def disentanglement(
    latents: np.ndarray,
    factors: np.ndarray,
    *,
    seed: int,
    simplex: bool = False,
    size: np.ndarray | None = None,
    groups: Sequence | None = None,
    rotations: int = ROTATIONS,
) -> dict[str, dict[str, float]]:
    """MIG, SAP and DCI of latents against factors, with floors.

    Parameters
    ----------
    latents : array (n, D)
    factors : array or table (n, F)
        Ratings, diameter, ...; lesions with a missing factor must be dropped before.
    size : array (n,) or (n, sizes) or None
        What ``*_given_size`` takes out of latents and factors; a factor that it determines drops out there.
    groups : sequence (n,) or None
        The person of each row, for the folds of DCI.

    Returns
    -------
    dict
        ``{condition: {"mig", "sap", "dci_disentanglement", "dci_completeness", "dci_informativeness"}}``.
        Conditions: ``plain``; ``rotated``, the same information in random directions (mean of rotations: a
        representation that is no better is not disentangled); ``shuffled``, rows in random order, what
        chance gives; with ``size`` also ``given_size``, ``rotated_given_size``, ``shuffled_given_size``.
    """
    rng = np.random.default_rng(seed)
    points, factors = coordinates(latents, simplex=simplex), np.asarray(factors, float)
    turned = [points @ random_rotation(points.shape[1], rng) for _ in range(rotations)]
    shuffle = rng.permutation(len(points))
    result = {}
    for suffix, given in (("", None), ("_given_size", size)):
        if suffix and size is None:
            continue
        result[f"plain{suffix}"] = scores(latents, factors, seed=seed, size=given, groups=groups)
        floor = [scores(one, factors, seed=seed, size=given, groups=groups) for one in turned]
        result[f"rotated{suffix}"] = {name: float(np.mean([one[name] for one in floor])) for name in floor[0]}
        chance = _as_scored(latents, given)[shuffle], _as_scored(factors, given)
        result[f"shuffled{suffix}"] = _scores(*chance, groups, seed)
    if size is not None:
        result["given_size"] = result.pop("plain_given_size")
    return result


def scores(
    latents: np.ndarray,
    factors: np.ndarray,
    *,
    seed: int,
    size: np.ndarray | None = None,
    groups: Sequence | None = None,
) -> dict[str, float]:
    """MIG, SAP and the three of DCI, on ranks; given size where ``size`` is given. No floors."""
    return _scores(_as_scored(latents, size), _as_scored(factors, size), groups, seed)


def score_draws(
    latents: np.ndarray,
    factors: np.ndarray,
    groups: Sequence,
    *,
    draws: int,
    seed: int,
    size: np.ndarray | None = None,
) -> dict[str, list[float]]:
    """`scores` for each of ``draws`` bootstrap draws of people (0.2 to 0.4 s each for 1,200 lesions).

    The same seed and people give the same draws, so that two models' lists may be subtracted one by one.
    """
    rng = np.random.default_rng(seed)
    latents, factors = np.asarray(latents, float), np.asarray(factors, float)
    people, codes = np.unique(np.asarray(groups), return_inverse=True)
    rows_of = [np.flatnonzero(codes == person) for person in range(len(people))]
    drawn = []
    for _ in range(draws):
        rows = np.concatenate([rows_of[one] for one in rng.integers(len(people), size=len(people))])
        given = None if size is None else np.asarray(size)[rows]
        drawn.append(scores(latents[rows], factors[rows], seed=seed, size=given, groups=codes[rows]))
    return {name: [one[name] for one in drawn] for name in drawn[0]}


def clusters(
    latents: np.ndarray,
    *,
    malignant: np.ndarray,
    size: np.ndarray,
    shape: np.ndarray,
    patient: Sequence,
    k: int,
    permutations: int,
    seed: int,
    simplex: bool = False,
) -> dict[str, dict[str, dict[str, float]]]:
    """Agreement of clusters of latents with malignancy, size, shape and patient, with permutation nulls.

    Parameters
    ----------
    latents : array (n, D)
        One row a lesion (`lesion_means`, or the rows of `largest_slices`). Neighbouring slices look alike, so
        that with several slices a lesion every label would agree.
    malignant, size, shape : array (n,)
        0/1 (NaN: undecided, left out of that label); size and one shape feature, cut at their quartiles.
    patient : sequence (n,)
    k : int
        Number of clusters.
    simplex : bool
        Points of a simplex are clustered by Hellinger distance (square roots), others by Euclidean.

    Returns
    -------
    dict
        ``{label: {condition: Agreement as dict}}``, labels ``malignancy``, ``size``, ``shape``, ``patient``;
        conditions ``kmeans``, ``ward``, and ``…_given_size`` (compared and shuffled inside deciles of size).
    """
    coordinates(latents, simplex=simplex)  # refuses what is not finite or not on the simplex
    points = np.sqrt(np.asarray(latents, float)) if simplex else np.asarray(latents, float)
    found = {"kmeans": kmeans_clusters(points, k, seed=seed), "ward": agglomerative_clusters(points, k)}
    labels = {
        "malignancy": np.asarray(malignant, float),
        "size": quantile_strata(size, LABEL_QUANTILES),
        "shape": quantile_strata(shape, LABEL_QUANTILES),
        "patient": np.unique(np.asarray(patient), return_inverse=True)[1],
    }
    strata = quantile_strata(size, SIZE_STRATA)
    result: dict = {label: {} for label in labels}
    for label, values in labels.items():
        known = np.isfinite(values)
        for method, numbers in found.items():
            options = dict(permutations=permutations, seed=seed)
            plain = agreement(numbers[known], values[known], **options)
            result[label][method] = plain.as_dict()
            if label != "size":
                given = agreement(numbers[known], values[known], strata=strata[known], **options)
                result[label][f"{method}_given_size"] = given.as_dict()
    return result


def random_rotation(dimensions: int, rng: np.random.Generator) -> np.ndarray:
    """A uniformly random orthogonal matrix (QR of a Gaussian one, signs fixed: Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))
    return q * np.sign(np.diag(r))


def _as_scored(values: np.ndarray, size: np.ndarray | None) -> np.ndarray:
    return ranks(values) if size is None else residual_ranks(values, size, degree=SIZE_DEGREE)


def _scores(known: np.ndarray, truth: np.ndarray, groups: Sequence | None, seed: int) -> dict[str, float]:
    importance = dci(known, truth, groups=groups, seed=seed)
    return {
        "mig": mig(known, truth, bins=BINS),
        "sap": sap(known, truth),
        "dci_disentanglement": importance.disentanglement,
        "dci_completeness": importance.completeness,
        "dci_informativeness": importance.informativeness,
    }
