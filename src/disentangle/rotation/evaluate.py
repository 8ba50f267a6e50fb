"""From the cells of the chapter on clusters to tables and intervals over people (or blocks), models and clusterings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from disentangle.metrics.intervals import Interval, crossed_bootstrap
from disentangle.rotation.packing import unpacked

DRAWS = 2000


def unit_table(done: Sequence[dict], part: str = "methods", **conditions: object) -> pd.DataFrame:
    """One row a method, unit, model and clustering, one column a score, of the cells with these parameters.

    ``part``: "methods", "archive" or "controls"; or "pairs", where the method is the number of locations.

    A cell keeps the mean over clusterings of every unit and the mean over units of every clustering; a row is
    the first moved by what the second differs from its mean. What a clustering does to single people is lost with
    that, what it does to all of them is not.
    """
    rows = []
    for cell in chosen(done, **conditions):
        for method, scores in cell["scores"].get(part, {}).items():
            rows.append(_rows_of(cell, method, scores))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["method", "unit", "model"])


def chosen(done: Sequence[dict], **conditions: object) -> list[dict]:
    """The cells whose parameters are these; one that a cell does not have is not asked for."""
    return [
        cell for cell in done if all(cell["parameters"].get(name, value) == value for name, value in conditions.items())
    ]


def _rows_of(cell: dict, method: str, scores: dict) -> pd.DataFrame:
    units = cell["scores"]["units"]
    shifts = {name: unpacked(text) - unpacked(text).mean() for name, text in scores["clusterings"].items()}
    count = len(next(iter(shifts.values())))
    columns = {name: (unpacked(text)[:, None] + shifts[name]).ravel() for name, text in scores["units"].items()}
    return pd.DataFrame(
        {
            "method": method,
            "unit": np.repeat(units, count),
            "model": cell["parameters"]["seed"],
            "clustering": np.tile(np.arange(count), len(units)),
        }
        | columns
    )


def mean(table: pd.DataFrame, method: str, metric: str = "ari") -> Interval | None:
    """Mean of a score with its interval; None where it was not measured."""
    rows = _of(table, method, metric)
    return None if rows is None else _interval(rows, rows[metric])


def difference(
    table: pd.DataFrame, first: str, second: str, metric: str = "ari", other: pd.DataFrame | None = None
) -> Interval | None:
    """Mean paired difference of two methods: the same unit, model and number of clustering.

    The second method is looked for in ``other`` where given. None where there is nothing to pair.
    """
    sides = _of(table, first, metric), _of(table if other is None else other, second, metric)
    if any(side is None for side in sides):
        return None
    keys = ["unit", "model"]
    if sides[0]["clustering"].nunique() == sides[1]["clustering"].nunique():
        keys.append("clustering")
    else:  # one of them was clustered once: its first clustering against the other's first
        sides = tuple(side[side["clustering"] == 0] for side in sides)
    both = sides[0].merge(sides[1], on=keys, suffixes=("", "_second"))
    return None if both.empty else _interval(both, both[metric] - both[f"{metric}_second"])


def by_model(table: pd.DataFrame, method: str, metric: str = "ari") -> list[float]:
    """The mean of each model, in order of their seeds."""
    rows = _of(table, method, metric)
    return [] if rows is None else rows.groupby("model")[metric].mean().tolist()


def relative_gain(table: pd.DataFrame, first: str, second: str, metric: str = "ari") -> float:
    """Gain of the first method in percent of the second's mean: the other reading of "+19 %"."""
    one, two = mean(table, first, metric), mean(table, second, metric)
    return 100 * (one.value / two.value - 1)


def probe(
    done: Sequence[dict], method: str, target: str, part: str = "methods", **conditions: object
) -> Interval | None:
    """Balanced accuracy of a probe, mean and range over models; ``n`` counts models. None where none was asked."""
    values = [
        cell["scores"][part][method]["probe"][target]
        for cell in chosen(done, **conditions)
        if target in cell["scores"].get(part, {}).get(method, {}).get("probe", {})
    ]
    return over_models(values)


def number(done: Sequence[dict], *path: str, **conditions: object) -> Interval | None:
    """A number that every cell has once, such as ``"rotation", "dropped"``: mean and range over models."""
    values = []
    for cell in chosen(done, **conditions):
        found = cell["scores"]
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None:
            values.append(float(found))
    return over_models(values)


def over_models(values: Sequence[float]) -> Interval | None:
    """Mean and range of few numbers, for which no percentile is honest; None of none."""
    known = np.asarray(values, float)
    return Interval(float(known.mean()), float(known.min()), float(known.max()), len(known)) if len(known) else None


def stability_table(done: Sequence[dict], **conditions: object) -> pd.DataFrame:
    """Stability and silhouette of each number of clusters, one row a model and number; which one was chosen."""
    rows = [
        {"model": cell["parameters"]["seed"], "k": int(k), "stability": values[0], "spread": values[1]}
        | {"silhouette": values[2], "chosen": int(k) == cell["scores"]["k"]}
        for cell in chosen(done, **conditions)
        for k, values in cell["scores"]["stability"].items()
    ]
    return pd.DataFrame(rows)


def by_k_table(done: Sequence[dict], metric: str, **conditions: object) -> pd.DataFrame:
    """Mean and range over models of a score, for each number of clusters, of the entangled latents and the rotation."""
    rows = []
    for cell in chosen(done, **conditions):
        for k, methods in cell["scores"]["by_k"].items():
            rows += [{"k": int(k), "method": name, "value": found[metric]} for name, found in methods.items()]
    if not rows:
        return pd.DataFrame(columns=["k", "method", "value", "low", "high"])
    grouped = pd.DataFrame(rows).groupby(["k", "method"])["value"]
    return grouped.agg(value="mean", low="min", high="max").reset_index()


def _of(table: pd.DataFrame, method: str, metric: str) -> pd.DataFrame | None:
    if metric not in table:
        return None
    rows = table[(table["method"] == method) & table[metric].notna()]
    return None if rows.empty else rows


def _interval(rows: pd.DataFrame, values: pd.Series) -> Interval:
    factors = [rows[name].to_numpy() for name in ("unit", "model", "clustering")]
    return crossed_bootstrap(values.to_numpy(float), factors=factors, draws=DRAWS, seed=0)
