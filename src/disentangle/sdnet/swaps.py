"""Style swapped between images, held against the exact picture; and whether anatomy stays the same in another style.

Section 5.3.2 shows swaps without a truth. The heart phantom has it: ``imaging.heart.pairs`` renders the anatomy of one
image in the style of another. Errors are mean absolute differences of images in 0..1.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from disentangle.imaging.cohort import Cohort
from disentangle.imaging.heart.pairs import in_style, style_of
from disentangle.metrics.image_quality import MASK_DILATION_PX, dilate
from disentangle.metrics.intervals import Interval, bootstrap
from disentangle.sdnet.fitted import Fitted
from disentangle.sdnet.train import decode, factors

ACROSS = ("scanner", "modality", "person")
ERRORS = ("swap", "copy", "own")
_DIGITS = 5


@dataclass(frozen=True, eq=False)
class Swap:
    """Pictures (pair, 1, side, side) in 0..1, and anatomies (pair, channel, side, side).

    ``source``: the image; ``exact``: its anatomy in the donor's style; ``swapped``: the model's version of that;
    ``own``: the model's reconstruction of ``exact`` itself, the best that its decoder does when it may look.
    ``anatomy``, ``anatomy_exact`` and ``anatomy_donor`` are s of source, exact picture and donor.
    """

    source: np.ndarray
    exact: np.ndarray
    swapped: np.ndarray
    own: np.ndarray
    anatomy: np.ndarray
    anatomy_exact: np.ndarray
    anatomy_donor: np.ndarray


def draw_pairs(cohort: Cohort, count: int, seed: int, *, across: str = "scanner") -> pd.DataFrame:
    """Pairs of image numbers ``row`` and ``donor`` for swaps, ``count`` of them, each row at most once.

    The donor is an image of another person, of another ``scanner`` or ``modality`` (or any "person"), with the level
    between base and apex nearest to the row's. Raises ValueError where no image has such a donor.
    """
    if across not in ACROSS:
        raise ValueError(f"across is {across!r}, expected one of {ACROSS}")
    samples, rng = cohort.samples, np.random.default_rng([seed, 23])
    subject, level = samples["subject"].to_numpy(), samples["level"].to_numpy()
    kind = subject if across == "person" else samples[across].to_numpy()
    pairs = []
    for row in rng.permutation(len(samples)):
        people = np.unique(subject[(kind != kind[row]) & (subject != subject[row])])
        if len(people):
            theirs = np.flatnonzero(subject == rng.choice(people))
            pairs.append((int(row), int(theirs[np.abs(level[theirs] - level[row]).argmin()])))
        if len(pairs) == count:
            break
    if not pairs:
        raise ValueError(f"cohort {cohort.name}: no image has a donor of another {across}")
    return pd.DataFrame(pairs, columns=["row", "donor"])


def swapped_pictures(fitted: Fitted, cohort: Cohort, pairs: pd.DataFrame) -> Swap:
    """Swap the styles of pairs (see `draw_pairs`) of a ``heart_phantom``, and render the exact answer."""
    rows, donors = pairs["row"].to_numpy(), pairs["donor"].to_numpy()
    exact = in_style(cohort, rows, [style_of(cohort, donor) for donor in donors])
    source, donor, answer = (factors(fitted, some) for some in (cohort.images[rows], cohort.images[donors], exact))
    return Swap(
        source=cohort.images[rows],
        exact=exact,
        swapped=decode(fitted, source.anatomy, donor.modality),
        own=decode(fitted, answer.anatomy, answer.modality),
        anatomy=source.anatomy,
        anatomy_exact=answer.anatomy,
        anatomy_donor=donor.anatomy,
    )


def swap_table(cohort: Cohort, pairs: pd.DataFrame, pictures: Swap) -> pd.DataFrame:
    """One row a pair: who, from and to which scanner, errors against the exact picture, and agreement of anatomies.

    ``swap``, ``copy`` (the source left as it is) and ``own`` are of the whole picture, ``*_heart`` of the drawn heart
    grown by 3 pixels (NaN without one). ``consistency`` is the Dice of s in two styles of one anatomy, mean of
    channels; ``other_anatomy`` that of s and the donor's s, what is had without any agreement.
    """
    samples, rows, donors = cohort.samples, pairs["row"].to_numpy(), pairs["donor"].to_numpy()
    table = {
        "subject": samples["subject"].to_numpy()[rows],
        "donor_subject": samples["subject"].to_numpy()[donors],
        "from": samples["scanner"].to_numpy()[rows],
        "to": samples["scanner"].to_numpy()[donors],
    }
    labels = cohort.labels[rows]
    heart = dilate((labels > 0) & (labels < 255), MASK_DILATION_PX)
    for name, picture in zip(ERRORS, (pictures.swapped, pictures.source, pictures.own), strict=True):
        error = np.abs(picture.astype(float) - pictures.exact)[:, 0]
        table |= {name: error.mean((1, 2)), f"{name}_heart": _mean_inside(error, heart)}
    for name, other in (("consistency", pictures.anatomy_exact), ("other_anatomy", pictures.anatomy_donor)):
        table[name] = mean_channel_dice(pictures.anatomy, other)
    return pd.DataFrame(table)


def swap_errors(fitted: Fitted, cohort: Cohort, pairs: pd.DataFrame) -> pd.DataFrame:
    """`swap_table` of the pictures that the model makes of these pairs."""
    return swap_table(cohort, pairs, swapped_pictures(fitted, cohort, pairs))


def swap_summary(table: pd.DataFrame, *, draws: int, seed: int, heart: bool = False) -> dict[str, Interval]:
    """Intervals over people, each person counted once.

    ``fraction``: error of the swap over that of copying the source, below 1 where swapping helps; ``own_fraction``:
    the same of ``own``; ``difference``: swap minus copy, paired in each person; ``better``: share of people whose
    swaps beat copying; ``consistency`` and ``other_anatomy``. A statistic that no person has (s without any pixel on
    a channel) is NaN with NaN bounds.
    """
    suffix = "_heart" if heart else ""
    means = table.groupby("subject")[[f"{name}{suffix}" for name in ERRORS] + ["consistency", "other_anatomy"]].mean()
    swap, copy, own, same, other = means.to_numpy().T
    statistics = {
        "fraction": lambda at: np.nansum(swap[at]) / np.nansum(copy[at]),
        "own_fraction": lambda at: np.nansum(own[at]) / np.nansum(copy[at]),
        "difference": lambda at: np.nanmean(swap[at] - copy[at]),
        "better": lambda at: np.mean(swap[at] < copy[at]),
        "consistency": lambda at: np.nanmean(same[at]),
        "other_anatomy": lambda at: np.nanmean(other[at]),
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice")
        return {name: _interval(statistic, means.index, draws, seed) for name, statistic in statistics.items()}


def swap_scores(table: pd.DataFrame) -> list[dict[str, object]]:
    """JSON-ready: the means of each person, with the number of ``pairs``."""
    numbers = table.columns.difference(["subject", "donor_subject", "from", "to"], sort=False)
    people = table.groupby("subject")
    means, counts = people[list(numbers)].mean(), people.size()
    return [
        {"subject": str(subject), "pairs": int(counts[subject])}
        | {name: round(float(v), _DIGITS) if np.isfinite(v) else None for name, v in row.items()}
        for subject, row in means.iterrows()
    ]


def channel_dice(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dice of each channel of two anatomies (image, channel, height, width): (image, channel).

    2 sum(a b) / (sum(a a) + sum(b b)), which for probabilities is 1 only where they are equal. NaN where a channel is
    empty in both.
    """
    if first.shape != second.shape or first.ndim != 4:
        raise ValueError(f"anatomies are {first.shape} and {second.shape}, expected (image, channel, height, width)")
    a, b = (np.asarray(s, np.float32) for s in (first, second))
    inner, size = (a * b).sum((2, 3)), (a * a).sum((2, 3)) + (b * b).sum((2, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(size > 0, 2 * inner / size, np.nan)


def mean_channel_dice(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mean of `channel_dice` over the channels that either uses: (image,); NaN where neither uses any."""
    return pd.DataFrame(channel_dice(first, second)).mean(axis=1).to_numpy()


def _interval(statistic: Callable[[np.ndarray], float], people: pd.Index, draws: int, seed: int) -> Interval:
    if np.isnan(statistic(np.arange(len(people)))):
        return Interval(float("nan"), float("nan"), float("nan"), len(people))
    return bootstrap(statistic, people, draws=draws, seed=seed)


def _mean_inside(values: np.ndarray, region: np.ndarray) -> np.ndarray:
    size = region.sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(size > 0, (values * region).sum((1, 2)) / size, np.nan)
