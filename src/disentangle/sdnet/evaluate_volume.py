"""From the cells on learning the volume along to intervals over people and label draws together."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from disentangle.metrics.intervals import Interval, crossed_bootstrap

DRAWS = 2000
READINGS = {
    "regressed": "read from s by the regressor",
    "masks": "masks of the same model",
    "masks_tuned": "masks of the model tuned without areas",
    "mean_person": "the mean of the people with areas",
}


def volume_table(done: Sequence[dict]) -> pd.DataFrame:
    """One row a draw, test person and phase: ``true`` volume in mL and what each of `READINGS` says.

    Only draws of which both arms have run; empty where there are none.
    """
    parts = {}
    for cell in done:
        if "volumes" in cell["scores"]:
            known = cell["parameters"]
            table = pd.DataFrame(cell["scores"]["volumes"])
            table["mean_person"] = table["phase"].map(cell["scores"]["mean_ml"])
            table["draw"] = f"fold {known['fold']}, draw {known['draw']}"
            parts.setdefault(known["method"], []).append(table)
    if set(parts) != {"sdnet_volume", "sdnet_tuned"}:
        return pd.DataFrame()
    tuned = pd.concat(parts["sdnet_tuned"])[["draw", "subject", "phase", "masks"]]
    keys = ["draw", "subject", "phase"]
    return pd.concat(parts["sdnet_volume"]).merge(tuned.rename(columns={"masks": "masks_tuned"}), on=keys)


def bias(table: pd.DataFrame, reading: str) -> Interval:
    """Mean of what a reading says minus the true volume, mL."""
    return _interval(table, table[reading] - table["true"])


def error(table: pd.DataFrame, reading: str) -> Interval:
    """Mean absolute error of a reading, mL."""
    return _interval(table, (table[reading] - table["true"]).abs())


def error_difference(table: pd.DataFrame, first: str, second: str) -> Interval:
    """Mean paired difference of the absolute errors of two readings, mL."""
    return _interval(table, (table[first] - table["true"]).abs() - (table[second] - table["true"]).abs())


def _interval(table: pd.DataFrame, values: pd.Series) -> Interval:
    factors = [table["subject"].to_numpy(), table["draw"].to_numpy()]
    return crossed_bootstrap(values.to_numpy(float), factors=factors, draws=DRAWS, seed=0)
