"""Bootstrap intervals: over people, over paired scores of the same people, over people and runs together.

Slices and lesions of one person are not independent, so people are drawn, each with all that is theirs.
Where an experiment was repeated (seeds, label draws), runs are drawn as well, independently of the people
("crossed" or "pigeonhole" bootstrap: Owen 2007, Annals of Applied Statistics 1:386).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from disentangle.metrics.auc import concordance

CONFIDENCE = 0.95
_LARGEST_BLOCK = 4_000_000  # weights held at once: 32 MB


@dataclass(frozen=True)
class Interval:
    """A value with the bounds of its 95 % interval; ``n`` counts independent people."""

    value: float
    low: float
    high: float
    n: int

    def excludes(self, reference: float) -> bool:
        """Whether the interval lies wholly on one side of ``reference``."""
        return self.low > reference or self.high < reference

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(
    statistic: Callable[[np.ndarray], float], groups: Sequence, *, draws: int, seed: int | np.random.Generator
) -> Interval:
    """Percentile interval of any statistic, people drawn with replacement.

    Parameters
    ----------
    statistic : callable
        Takes an array of row indices (a person drawn twice has their rows twice) and returns a number.
    groups : sequence (n,)
        The person of each row.
    """
    codes, people = _codes(groups)
    rows_of = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    rng = np.random.default_rng(seed)
    value = float(statistic(np.arange(len(codes))))
    drawn = [
        statistic(np.concatenate([rows_of[person] for person in rng.integers(people, size=people)]))
        for _ in range(draws)
    ]
    return percentile_interval(value, np.asarray(drawn, float), people)


def auc_interval(
    scores: np.ndarray,
    labels: np.ndarray,
    groups: Sequence,
    *,
    draws: int,
    seed: int | np.random.Generator,
    minus: np.ndarray | None = None,
    folds: np.ndarray | None = None,
    run_factors: Sequence[Sequence] | None = None,
) -> Interval:
    """AUC, or paired difference of two AUCs, with people and runs drawn together.

    Parameters
    ----------
    scores : array (n,) or (runs, n)
        One row a run (a seed, a label draw); the AUC is averaged over runs. NaN: not scored in that run.
    labels : array (n,) or (runs, n)
        0 or 1; one row a run where labels were drawn anew.
    groups : sequence (n,)
        The person of each column.
    minus : array like ``scores`` or None
        Scores of a second method on the same rows and runs: the result is AUC(scores) - AUC(minus).
    folds : array (n,) or (runs, n) or None
        Models of different folds have different scales: where given, pairs are compared within a fold only.
    run_factors : list of sequences (runs,) or None
        What a run is made of, such as its seed and its label draw; each factor's levels are drawn
        independently. None: the runs themselves are drawn.
    """
    labels, folds = np.asarray(labels, float), np.zeros(1) if folds is None else np.asarray(folds)
    codes, people = _codes(groups)
    rng = np.random.default_rng(seed)
    person_counts = _counts(people, draws, rng)
    sides = [np.atleast_2d(np.asarray(side, float)) for side in (scores, minus) if side is not None]
    if sides[0].shape != sides[-1].shape or sides[0].shape[1] != len(codes):
        raise ValueError(f"scores {[s.shape for s in sides]} must be (runs, {len(codes)}) on both sides")
    sides = [np.where(np.isfinite(sum(sides)), side, np.nan) for side in sides]
    per_run = [_auc_by_draw(side, labels, folds, codes, person_counts) for side in sides]
    difference = per_run[0] - per_run[1] if minus is not None else per_run[0]
    runs = len(difference)
    weights = _product_counts([np.arange(runs)] if run_factors is None else run_factors, draws, rng)
    value = float(difference[:, 0].mean())
    return percentile_interval(value, _weighted_mean(difference[:, 1:].T, weights), people)


def crossed_bootstrap(
    values: np.ndarray,
    *,
    draws: int,
    seed: int | np.random.Generator,
    factors: Sequence[Sequence] | None = None,
) -> Interval:
    """Interval of a mean over people and runs, each factor's levels drawn independently.

    Parameters
    ----------
    values : array
        Either any number of axes, the first of them people, the others seeds, label draws, ...; or, with
        ``factors``, the column of a long table. NaN: not measured.
    factors : list of sequences (n,) or None
        Columns of the long table, people first, e.g. ``[table["subject"], table["seed"]]``.

    Notes
    -----
    With few levels (three seeds) the interval is somewhat too narrow: show every run beside it.
    """
    values = np.asarray(values, float)
    factors = list(np.indices(values.shape).reshape(values.ndim, -1)) if factors is None else factors
    values = values.ravel()
    known = np.isfinite(values)
    factors = [np.asarray(factor)[known] for factor in factors]
    people = len(np.unique(factors[0]))
    rng = np.random.default_rng(seed)
    block = max(1, _LARGEST_BLOCK // max(1, known.sum()))
    drawn = [
        _weighted_mean(values[known][None], _product_counts(factors, min(block, draws - start), rng))
        for start in range(0, draws, block)
    ]
    return percentile_interval(float(values[known].mean()), np.concatenate(drawn), people)


def percentile_interval(value: float, drawn: np.ndarray, people: int) -> Interval:
    """Interval between the outer percentiles of ``drawn``; draws without a value (NaN) are left out.

    Raises
    ------
    ValueError
        Where more than half of the draws have no value: too few people of one class.
    """
    known = drawn[np.isfinite(drawn)]
    if 2 * len(known) < len(drawn) or not len(known):
        raise ValueError(
            f"only {len(known)} of {len(drawn)} bootstrap draws over {people} people gave a value: "
            "too few people, or a class that is nearly empty"
        )
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(known, [tail, 100 - tail])
    return Interval(value, float(low), float(high), people)


def _auc_by_draw(scores, labels, folds, codes, person_counts) -> np.ndarray:
    """(runs, 1 + draws): the AUC of each run, with all people once and then with each draw of people."""
    n = len(codes)
    labels, folds = np.broadcast_to(labels, scores.shape), np.broadcast_to(folds, scores.shape)
    counts = np.vstack([np.ones((1, person_counts.shape[1])), person_counts])
    block = max(1, _LARGEST_BLOCK // n)
    result = np.empty((len(scores), len(counts)))
    for run, (row, truth, fold) in enumerate(zip(scores, labels, folds, strict=True)):
        parts = [np.isfinite(row) & np.isfinite(truth) & (fold == one) for one in np.unique(fold)]
        for start in range(0, len(counts), block):
            some = counts[start : start + block]
            totals = sum(np.array(concordance(row[p], truth[p] == 1, some[:, codes[p]])) for p in parts)
            with np.errstate(invalid="ignore"):
                result[run, start : start + block] = totals[0] / totals[1]
    return result


def _product_counts(factors: Sequence[Sequence], draws: int, rng: np.random.Generator) -> np.ndarray:
    """(draws, n): how often each row is taken when the levels of every factor are drawn independently."""
    weights = 1.0
    for factor in factors:
        codes, levels = _codes(factor)
        weights = weights * _counts(levels, draws, rng)[:, codes]
    return weights


def _weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return (values * weights).sum(axis=1) / weights.sum(axis=1)


def _counts(levels: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    return rng.multinomial(levels, np.full(levels, 1 / levels), size=draws).astype(float)


def _codes(groups: Sequence) -> tuple[np.ndarray, int]:
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    if not len(names):
        raise ValueError("a bootstrap needs at least one person, found none")
    return codes.ravel(), len(names)
