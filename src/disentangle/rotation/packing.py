"""Scores of many units and clusterings in the small file of a cell, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def packed(tables: Sequence[pd.DataFrame]) -> dict[str, dict[str, str]]:
    """Scores of several clusterings in little room: whole thousandths with blanks between, for `unpacked`.

    ``units``: of each unit, mean over clusterings; ``clusterings``: of each clustering, mean over units.
    """
    mean = sum(tables) / len(tables)
    return {
        "units": {name: thousandths(mean[name]) for name in mean},
        "clusterings": {name: thousandths([table[name].mean() for table in tables]) for name in mean},
    }


def thousandths(values: Sequence[float]) -> str:
    """Numbers rounded to whole thousandths, blanks between."""
    return " ".join(str(int(value)) for value in np.rint(1000 * np.asarray(values, float)))


def unpacked(text: str) -> np.ndarray:
    """The numbers of `thousandths`."""
    return np.array(text.split(), float) / 1000
