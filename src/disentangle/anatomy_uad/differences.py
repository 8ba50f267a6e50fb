"""Paired differences of two methods, over people and the trainings of both; one training decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from disentangle.anatomy_uad.config import ARMS
from disentangle.anatomy_uad.grids import UNTRAINED
from disentangle.metrics.intervals import crossed_bootstrap

DRAWS = 2000
PAIRED_WITH_SEEDS = tuple(ARMS)
"""What differs from the method in one thing and shares its seed; trainings of all others are drawn by themselves."""


@dataclass(frozen=True)
class Difference:
    """A paired difference; ``trainings`` of the method that has fewer, None where nothing is trained.

    No bounds (None) where two methods are compared of which one was trained once: how far another training would lie
    away is not known.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    trainings: int | None = None

    @property
    def side(self) -> bool | None:
        """Whether the interval lies above zero, below, or neither; None without an interval too."""
        if self.low is None:
            return None
        return True if self.low > 0 else False if self.high < 0 else None

    def __str__(self) -> str:
        return f"{self.value:+.3f}" if self.low is None else f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def trainings_of(table: pd.DataFrame, method: str) -> int | None:
    """How many trainings of a method there are; None for one that learns no weights."""
    return None if method in UNTRAINED else int(table.loc[table["method"] == method, "seed"].nunique())


def paired(one: pd.DataFrame, other: pd.DataFrame, second: str) -> pd.DataFrame:
    """subject, seed and difference; ``other`` seed by seed where it shares them, else every seed with every seed."""
    keys = ["subject", "seed"] if second in PAIRED_WITH_SEEDS else ["subject"]
    both = one.merge(other, on=keys, suffixes=("", "_other"))
    return both.assign(value=both["value"] - both["value_other"])


def paired_difference(both: pd.DataFrame, first: str, second: str) -> Difference | None:
    """Over people and the trainings of both sides; no bounds where a trained side has one training."""
    if not len(both):
        return None
    seeds = [both[name] for name in ("seed", "seed_other") if name in both]
    sides = [(first, seeds[0]), (second, seeds[-1])]
    counts = [column.nunique() for name, column in sides if name not in UNTRAINED]
    trainings = min(counts) if counts else None
    people, values = both["subject"].to_numpy(), both["value"].to_numpy(float)
    if trainings == 1:
        return Difference(float(values.mean()), None, None, both["subject"].nunique(), 1)
    factors = [people, *(column.to_numpy() for column in seeds)]
    found = crossed_bootstrap(values, factors=factors, draws=DRAWS, seed=0)
    return Difference(found.value, found.low, found.high, found.n, trainings)
