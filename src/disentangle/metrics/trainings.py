"""How many trainings stand behind a number: a single one decides nothing.

Another seed moves a network by more than most differences between networks, and an interval over the people of one
training does not contain that. A difference of single trainings is therefore stated without an interval.
"""

from __future__ import annotations

import pandas as pd

from disentangle.metrics.intervals import Interval

ENOUGH = 2
SINGLE_DIFFERENCE = "; one training of each, so without an interval"
SINGLE_SCORE = "; one training, so an interval over people alone"


def of_difference(found: Interval, trainings: int) -> tuple[Interval | float, str]:
    """What to record of a difference that so many pairs of trainings share, and what to add to its description."""
    return (found, "") if trainings >= ENOUGH else (found.value, SINGLE_DIFFERENCE)


def of_score(trainings: int) -> str:
    """What to add to the description of a score; 0 trainings are needed for what has none."""
    return SINGLE_SCORE if trainings == 1 else ""


def verdict(found: Interval, trainings: int) -> str:
    """Whether a claim holds that asks for a difference above zero."""
    if trainings < ENOUGH:
        return "is not decided by one training"
    return "holds" if found.low > 0 else "fails" if found.high < 0 else "stays undecided"


def marked(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with ``method`` naming those of a single training, after its column ``trainings``."""
    single = table["trainings"] == 1
    return table.assign(method=table["method"].where(~single, table["method"] + " (one training)"))
