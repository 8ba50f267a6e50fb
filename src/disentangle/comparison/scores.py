"""What is measured: swaps against the truth, what a probe reads from either code, and how the two codes depend.

Every score is a list with one number a test head, whose mean is the score.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from disentangle.comparison.people import Part
from disentangle.comparison.protocol import Codes
from disentangle.metrics.distance_correlation import unbiased_distance_correlation

COMPONENTS = 64
POOLED = 8
ROUNDS = 60
PROBES = ("linear", "nonlinear")
CODES = ("biology", "nuisance")


class SwapErrors(NamedTuple):
    """Mean absolute errors in the brain over those of copying the source, of each head.

    ``swap`` and ``own`` (head,); ``pairs`` (source, target), means over heads, own styles on the diagonal.
    """

    swap: np.ndarray
    own: np.ndarray
    pairs: np.ndarray


def swap_errors(drawn: np.ndarray, part: Part) -> SwapErrors:
    """Errors of swaps (head, section, source, target, side, side) against the heads as they are in each style.

    The unit is what copying costs, mean over all ordered pairs of different styles of the same head.
    """
    styles = part.grid[2]
    own = np.eye(styles, dtype=bool)
    errors, copies = np.empty((2, part.grid[0], styles, styles))
    for source in range(styles):
        for target in range(styles):
            truth = part.images[:, :, target]
            errors[:, source, target] = _inside(drawn[:, :, source, target] - truth, part.brain)
            copies[:, source, target] = _inside(part.images[:, :, source] - truth, part.brain)
    unit = copies[:, ~own].mean(1)
    return SwapErrors(errors[:, ~own].mean(1) / unit, errors[:, own].mean(1) / unit, errors.mean(0) / unit.mean())


def code_scores(training: Codes, test: Codes, training_part: Part, test_part: Part, seed: int) -> dict:
    """All scores of two codes, probes learned on training heads: name -> probe -> a number a test head."""
    features = {}
    for name in CODES:
        code = getattr(training, name)
        if code is not None:
            features[name] = compact(code, getattr(test, name), seed)
    found = {}
    for name, (train, held_out) in features.items():
        found[f"style_from_{name}"] = {
            probe: style_hits(train, training_part, held_out, test_part, probe, seed) for probe in PROBES
        }
        found[f"biology_from_{name}"] = {
            probe: biology_r2(train, training_part, held_out, test_part, probe, seed) for probe in PROBES
        }
    if len(features) == len(CODES):
        found["distance_correlation"] = dependence(features["biology"][1], features["nuisance"][1], test_part)
    return found


def compact(training: np.ndarray, test: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes (row, ...) as features (row, at most `COMPONENTS`), fitted on training rows.

    Maps are averaged over a grid of 8 x 8; more than `COMPONENTS` numbers become principal components, fewer are
    divided by their standard deviation.
    """
    train, held_out = _pooled(training), _pooled(test)
    if train.shape[1] > COMPONENTS:
        pca = PCA(min(COMPONENTS, len(train) - 1), svd_solver="randomized", random_state=seed).fit(train)
        return pca.transform(train), pca.transform(held_out)
    scale = StandardScaler().fit(train)
    return scale.transform(train), scale.transform(held_out)


def style_hits(
    training: np.ndarray, training_part: Part, test: np.ndarray, test_part: Part, probe: str, seed: int
) -> np.ndarray:
    """Share of each test head's images whose style a probe names; styles are equally frequent, chance is 1 / 6."""
    if probe == "linear":
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    else:
        model = HistGradientBoostingClassifier(max_iter=ROUNDS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        guess = model.fit(training, training_part.style).predict(test)
    return _by_head(guess == test_part.style, test_part)


def biology_r2(
    training: np.ndarray, training_part: Part, test: np.ndarray, test_part: Part, probe: str, seed: int
) -> np.ndarray:
    """1 - squared error of each test head over the mean spread of all, mean of the targets: the mean is R2.

    Spread is about the mean of the training heads, so that a probe that knows nothing has 0.
    """
    truth, known = test_part.targets, training_part.targets
    scores = []
    for target in range(truth.shape[1]):
        if probe == "linear":
            model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 7)))
        else:
            model = HistGradientBoostingRegressor(max_iter=ROUNDS, random_state=seed)
        guess = model.fit(training, known[:, target]).predict(test)
        spread = (truth[:, target] - known[:, target].mean()) ** 2
        scores.append(1 - _by_head((guess - truth[:, target]) ** 2, test_part) / spread.mean())
    return np.mean(scores, axis=0)


def dependence(biology: np.ndarray, nuisance: np.ndarray, part: Part) -> np.ndarray:
    """Unbiased squared distance correlation of two codes within each style, mean over styles: a number a head.

    The numbers are jackknife pseudo-values, each head left out once: their mean is the statistic without its bias of
    order 1 / n, their spread gives its interval. Within a style, so that style is no shared cause.
    """
    heads = part.grid[0]
    codes = [code.reshape(*part.grid, -1) for code in (biology, nuisance)]
    whole = _dependence(*codes)
    without = [_dependence(*(np.delete(code, head, axis=0) for code in codes)) for head in range(heads)]
    return heads * whole - (heads - 1) * np.array(without)


def _dependence(biology: np.ndarray, nuisance: np.ndarray) -> float:
    """Mean over styles of codes (head, section, style, dimension)."""
    values = []
    for style in range(biology.shape[2]):
        sides = (code[:, :, style].reshape(-1, code.shape[-1]) for code in (biology, nuisance))
        values.append(unbiased_distance_correlation(*sides))
    return float(np.mean(values))


def _pooled(code: np.ndarray) -> np.ndarray:
    """A row of numbers each: maps (row, channel, height, width) are averaged over squares."""
    code = np.asarray(code)
    if code.ndim == 4:
        rows, channels, height, width = code.shape
        squares = code.reshape(rows, channels, POOLED, height // POOLED, POOLED, width // POOLED)
        code = squares.mean((3, 5), dtype=np.float32)
    return code.reshape(len(code), -1).astype(np.float64)


def _by_head(values: np.ndarray, part: Part) -> np.ndarray:
    """Mean over the rows of each head, (head,)."""
    return np.asarray(values, float).reshape(part.grid[0], -1).mean(1)


def _inside(difference: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """Mean absolute difference in the brain of each head."""
    return (np.abs(difference) * brain).sum((1, 2, 3)) / brain.sum((1, 2, 3))
