"""Harrell's c-index of out-of-fold risks, paired differences, and intervals over people and repeats.

A pair of people counts where it is known who had the event first; it is right where that person had the higher
risk. In cross-validation only pairs of one fold are compared: risks of different folds come from different models.
"""

from __future__ import annotations

import numpy as np
from lifelines.utils import concordance_index

from disentangle.metrics.intervals import Interval, percentile_interval
from disentangle.rotation.survival import OutOfFold, SurvivalError


def cindex(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> float:
    """Harrell's c-index; ``risk`` (n,) is higher for earlier events. Equal risks count half.

    Deaths at the same time are no pair; a death and a censoring at the same time are (the censored lived longer).
    """
    try:
        return float(concordance_index(time, -np.asarray(risk, float), event))
    except ZeroDivisionError as error:
        raise SurvivalError(f"{len(risk)} people without one pair of known order: too few events") from error


def cindex_by_repeat(scores: OutOfFold) -> np.ndarray:
    """The c-index of each repeat, (repeats,), over pairs of people of one fold."""
    return _weighted(scores, np.ones((1, len(scores.subjects))))[:, 0]


def cindex_interval(
    scores: OutOfFold,
    *,
    seed: int,
    minus: OutOfFold | None = None,
    draws: int = 1000,
    draw_repeats: bool = True,
) -> Interval:
    """c-index, or paired difference of two, with the interval over people and repeats.

    Parameters
    ----------
    scores, minus
        With ``minus`` the result is c(scores) - c(minus); both must be of the same people, folds and repeats.
    draw_repeats
        Draw repeats of the cross-validation as well as people. False: people only, repeats averaged.

    Notes
    -----
    The value is the mean over repeats. People are drawn with replacement, models are not refitted: the interval
    tells how far other test people could change the result, and repeats how far other training sets could.
    """
    people = len(scores.subjects)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(people, np.full(people, 1 / people), size=draws).astype(float)
    weights = np.vstack([np.ones(people), counts])
    by_draw = _weighted(scores, weights)
    if minus is not None:
        _check_paired(scores, minus)
        by_draw = by_draw - _weighted(minus, weights)
    repeats = len(by_draw)
    drawn = (
        rng.multinomial(repeats, np.full(repeats, 1 / repeats), size=draws) if draw_repeats else np.ones((1, repeats))
    )
    mean = (by_draw[:, 1:].T * drawn).sum(axis=1) / drawn.sum(axis=1)
    return percentile_interval(float(by_draw[:, 0].mean()), mean, people)


def _weighted(scores: OutOfFold, weights: np.ndarray) -> np.ndarray:
    """c-index (repeats, draws) where person i of draw b is there ``weights[b, i]`` times."""
    known = _order_known(scores.time, scores.event)
    result = np.empty((len(scores.risk), len(weights)))
    for repeat, (risk, fold) in enumerate(zip(scores.risk, scores.fold, strict=True)):
        right = total = 0.0
        for one in np.unique(fold):
            inside = fold == one
            pairs = known[np.ix_(inside, inside)]
            higher = np.sign(risk[inside][:, None] - risk[inside][None]) / 2 + 0.5
            drawn = weights[:, inside]
            right = right + ((drawn @ (pairs * higher)) * drawn).sum(axis=1)
            total = total + ((drawn @ pairs) * drawn).sum(axis=1)
        with np.errstate(invalid="ignore"):
            result[repeat] = right / total
    return result


def _order_known(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """(n, n): 1 where person i is known to have had the event before person j."""
    happened = event == 1
    earlier = time[:, None] < time[None]
    outlived = (time[:, None] == time[None]) & ~happened[None]
    return (happened[:, None] & (earlier | outlived)).astype(float)


def _check_paired(scores: OutOfFold, minus: OutOfFold) -> None:
    for part in ("subjects", "time", "event", "fold"):
        ours, theirs = getattr(scores, part), getattr(minus, part)
        if ours.shape != theirs.shape or (ours != theirs).any():
            raise SurvivalError(
                f"the two models differ in {part} ({ours.shape} against {theirs.shape}), expected the same people, "
                "outcome and folds: use one seed, and leave the same people out of both"
            )
