"""What the anatomy keeps of the scanner, and how well two sequences agree on it."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from disentangle.anatomy_uad.model import TISSUES

COMPONENTS = 24
FOLDS = 4


def tissue_dice(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Dice per tissue of two maps (slice, height, width), 0 outside, 1 CSF, 2 GM, 3 WM; 1 where both lack it."""
    if first.shape != second.shape:
        raise ValueError(f"tissue maps have the shapes {first.shape} and {second.shape}")
    found = {}
    for number, name in enumerate(TISSUES, 1):
        a, b = first == number, second == number
        total = int(a.sum()) + int(b.sum())
        found[name] = 2 * int((a & b).sum()) / total if total else 1.0
    return found


def pooled(maps: np.ndarray, size: int = 4) -> np.ndarray:
    """Means over squares of ``size`` pixels, a row a slice: (slice, features) of (slice, height, width)."""
    count, height, width = maps.shape
    cut = maps[:, : height - height % size, : width - width % size].astype(np.float32)
    return cut.reshape(count, height // size, size, width // size, size).mean((2, 4)).reshape(count, -1)


def tissue_features(tissues: np.ndarray, size: int = 4) -> np.ndarray:
    """Shares of each tissue in squares of ``size`` pixels: (slice, features)."""
    return np.concatenate([pooled(tissues == number, size) for number in range(1, len(TISSUES) + 1)], axis=1)


def hits(features: np.ndarray, sites: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """Whether a linear probe names the site of each slice, trained on other people: bool (slice,).

    Standardised features, at most ``COMPONENTS`` principal components, logistic regression; folds by person.
    """
    subject, sites = np.asarray(subject), np.asarray(sites)
    folds = min(FOLDS, len(np.unique(subject)))
    if folds < 2:
        raise ValueError("a probe needs at least two people, found one")
    features = np.asarray(features, np.float64)
    least = min(features.shape[1], len(features) * (folds - 1) // folds - 1, COMPONENTS)
    probe = make_pipeline(
        StandardScaler(), PCA(least, random_state=0), StandardScaler(), LogisticRegression(max_iter=500, C=0.3)
    )
    guessed = cross_val_predict(probe, features, sites, groups=subject, cv=GroupKFold(folds))
    return guessed == sites
