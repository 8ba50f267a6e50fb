"""Which lesions and slices a study takes, and when it calls a lesion malignant.

The published counts of such studies keep the 14 groups of more than four annotations (touching lesions that
the grouping cannot part): 1,194 lesions, 639 patients and 7,512 slices for three readers. Without them it
would be 1,180 lesions, 633 patients and 7,344 slices.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from disentangle.imaging.lidc.lesion import Lesion

UNDECIDED = 3
TOO_SMALL_PX = 8


@dataclass(frozen=True, eq=False)
class SelectedLesion:
    """A lesion that a study takes.

    Attributes
    ----------
    lesion : Lesion
    malignancy : float
        The readers' ratings of 1..5 in one number: their mean or their upper median.
    masks : bool array, (slice, row, column)
        Consensus at level 0.5 on the slices taken.
    slices : int array, (slice,)
        Which slices of the lesion's box these are.
    """

    lesion: Lesion
    malignancy: float
    masks: np.ndarray
    slices: np.ndarray

    @property
    def malignant(self) -> float:
        """1 above three, 0 below, NaN where the readers stay undecided."""
        return math.nan if self.malignancy == UNDECIDED else float(self.malignancy > UNDECIDED)


def mean_malignancy(lesion: Lesion) -> float:
    """Mean of the readers' ratings."""
    return float(lesion.rating("malignancy").mean())


def upper_median_malignancy(lesion: Lesion) -> int:
    """Upper median of the readers' ratings: an even number of readers is decided upwards (3 and 4 give 4)."""
    return statistics.median_high(lesion.rating("malignancy").tolist())


def with_slices(lesion: Lesion, malignancy: float, more_than: int = TOO_SMALL_PX) -> SelectedLesion | None:
    """The lesion on its slices of more than so many consensus pixels; None where it has no such slice."""
    masks = lesion.consensus()
    slices = np.flatnonzero(masks.sum(axis=(1, 2)) > more_than)
    return SelectedLesion(lesion, malignancy, masks[slices], slices) if len(slices) else None


def at_least(lesions: Sequence[Lesion], readers: int) -> list[SelectedLesion]:
    """Lesions that so many readers marked and whose mean malignancy is not 3, on slices above 8 pixels."""
    rated = [(lesion, mean_malignancy(lesion)) for lesion in lesions if lesion.readers >= readers]
    return _taken(with_slices(lesion, rating) for lesion, rating in rated if rating != UNDECIDED)


def readers3(lesions: Sequence[Lesion]) -> list[SelectedLesion]:
    """Three readers or more: 1,194 lesions of 639 patients, 7,512 slices."""
    return at_least(lesions, 3)


def published(lesions: Sequence[Lesion]) -> list[SelectedLesion]:
    """The rule of Keel et al. 2023 as programmed: every group of the first scan of a patient, upper median.

    13,920 slices of 875 patients (their code reports 13,916); undecided lesions are kept.
    """
    chosen = [lesion for lesion in lesions if lesion.first_scan_of_patient]
    return _taken(with_slices(lesion, upper_median_malignancy(lesion)) for lesion in chosen)


def _taken(candidates) -> list[SelectedLesion]:
    return [candidate for candidate in candidates if candidate is not None]


RULES = {"readers3": readers3, "published": published}


def select(lesions: Sequence[Lesion], rule: str = "readers3") -> list[SelectedLesion]:
    """The lesions that one of ``RULES`` takes.

    Raises
    ------
    ValueError
        No such rule.
    """
    if rule not in RULES:
        raise ValueError(f"no rule {rule!r} for choosing lesions; there are {sorted(RULES)}")
    return RULES[rule](lesions)
