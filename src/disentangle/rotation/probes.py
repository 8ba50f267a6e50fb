"""Probes: what a small classifier still reads from latents, and what chance alone would read (digest 3.5, 6.3)."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from disentangle.rotation.differences import PairTable, checked_labels, checked_latents

Kind = Literal["linear", "mlp"]


def fit_probe(
    latents: np.ndarray, labels: np.ndarray, kind: Kind = "linear", *, seed: int = 0, rows: int = 20_000
) -> Pipeline:
    """A classifier of ``labels`` (row,) from standardised latents (row, dimension), on at most ``rows`` random rows.

    ``linear`` is logistic regression, ``mlp`` a network with one hidden layer of 64 and 15 epochs.
    Raises ValueError for a single class.
    """
    latents = checked_latents(latents)
    labels = checked_labels(labels, len(latents), "labels")
    if len(np.unique(labels)) < 2:
        raise ValueError(f"labels are {str(labels[0])!r} in every row, a probe needs at least two classes")
    if len(labels) > rows:
        some = np.random.default_rng(seed).choice(len(labels), rows, replace=False)
        latents, labels = latents[some], labels[some]
    if kind not in ("linear", "mlp"):
        raise ValueError(f"kind is {kind!r}, expected 'linear' or 'mlp'")
    if kind == "linear":
        # Classes count equally, as they do in the score.
        classifier = LogisticRegression(class_weight="balanced", max_iter=300, tol=1e-3)
    else:
        batch = min(128, len(labels) // 2)
        classifier = MLPClassifier(
            (64,), batch_size=batch, alpha=0.01, learning_rate_init=3e-3, max_iter=15, random_state=seed
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is part of what a probe is
        return make_pipeline(StandardScaler(), classifier).fit(latents, labels)


def balanced_accuracy(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Mean over the classes in ``labels`` of the share that is predicted right; chance is 1 / classes."""
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    return float(np.mean([(predicted[labels == name] == name).mean() for name in np.unique(labels)]))


def setting_probe(
    train_latents: np.ndarray,
    train_setting: np.ndarray,
    test_latents: np.ndarray,
    test_setting: np.ndarray,
    kind: Kind = "linear",
    *,
    seed: int = 0,
) -> float:
    """Balanced accuracy on test rows of a probe for the setting; the caller gives rows of other people.

    Raises ValueError where the test holds a class that the training rows do not have.
    """
    test_latents = checked_latents(test_latents, np.shape(train_latents)[-1])
    test_setting = checked_labels(test_setting, len(test_latents), "test labels")
    unknown = sorted(set(test_setting.tolist()) - set(np.unique(train_setting).tolist()))
    if unknown:
        raise ValueError(f"test labels name {unknown}, which no training row has")
    probe = fit_probe(train_latents, train_setting, kind, seed=seed)
    return balanced_accuracy(test_setting, probe.predict(test_latents))


def tissue_probe(
    train_latents: np.ndarray,
    train_tissue: np.ndarray,
    test_latents: np.ndarray,
    test_tissue: np.ndarray,
    kind: Kind = "linear",
    *,
    seed: int = 0,
) -> float:
    """As `setting_probe`, for the tissue: known in simulations alone, and used for evaluation alone."""
    return setting_probe(train_latents, train_tissue, test_latents, test_tissue, kind, seed=seed)


def guessing_limit(chance: float, units: int, deviations: float = 2.0) -> float:
    """The accuracy that a guesser exceeds by luck alone: chance plus ``deviations`` binomial standard deviations.

    ``units`` are independent ones (locations, people), not rows: several rows of a unit are decided together, so the
    limit is rather too high than too low.
    """
    return chance + deviations * float(np.sqrt(chance * (1 - chance) / units))


def same_location(latents: np.ndarray, table: PairTable, *, limit: int = 1000, seed: int = 0) -> float:
    """Share of rows whose nearest row under another setting is the same location: biology without labels.

    The mean over pairs of settings, on at most ``limit`` random locations; chance is one over their number. Rises
    where technical shifts go, falls where biology goes with them.
    """
    pick = np.random.default_rng(seed).permutation(len(table.rows))[:limit]
    rows, shares = table.rows[pick], []
    for a in range(rows.shape[1]):
        for b in range(rows.shape[1]):
            pairs = rows[(rows[:, a] >= 0) & (rows[:, b] >= 0)]
            if a != b and len(pairs):
                nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(latents[pairs[:, b]])
                found = nearest.kneighbors(latents[pairs[:, a]], return_distance=False)[:, 0]
                shares.append(np.mean(found == np.arange(len(pairs))))
    return float(np.mean(shares))
