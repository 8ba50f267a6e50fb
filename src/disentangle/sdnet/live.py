"""Small cohorts on which a page trains live."""

from __future__ import annotations

from disentangle.imaging import datasets
from disentangle.imaging.cohort import Cohort
from disentangle.sdnet.splits import FOLDS

SIDE = 64


def small_cohort(data: str, people: int | None = None) -> Cohort:
    """The cohort of the comparison with half as many pixels a side; of simulated people as many as wanted.

    Raises ValueError for people who cannot be split into folds.
    """
    own = {"coarser": 128 / SIDE} if data == "acdc" else {"people": people}
    cohort = datasets.load(data, size=SIDE, **own)
    largest = cohort.samples.groupby("diagnosis")["subject"].nunique().max()
    if largest < FOLDS:
        raise ValueError(
            f"cohort {data} has {cohort.people} people, at most {largest} of one diagnosis; {FOLDS} folds need "
            f"a diagnosis with at least {FOLDS}"
        )
    return cohort
