"""Small cohorts on which a page trains live."""

from __future__ import annotations

from disentangle.imaging import datasets
from disentangle.imaging.cohort import Cohort

SIDE = 64


def small_cohort(data: str, people: int | None = None) -> Cohort:
    """The cohort of the comparison with half as many pixels a side; of simulated people as many as wanted."""
    own = {"coarser": 128 / SIDE} if data == "acdc" else {"people": people}
    return datasets.load(data, size=SIDE, **own)
