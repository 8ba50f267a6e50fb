"""From the cells of the chapter on tasks to tables and intervals: Dice by subset of modalities, PET and CT."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from disentangle.metrics.intervals import Interval, bootstrap, crossed_bootstrap
from disentangle.puir.evaluate import DRAWS, FREE
from disentangle.puir.grids import USUAL

COUNTS = {1: "one", 2: "two", 3: "three", 4: "all"}
"""How many of the four modalities are given, in the ids of findings."""


def dice_table(done: Sequence[dict], part: str = "test") -> pd.DataFrame:
    """One row a training, region, subset of modalities and person: method, seed, region, subset, given, subject, dice.

    ``part`` "rare": people of rare anatomy, with a bool column for each mark.
    """
    tables = []
    for cell in done:
        if "dice" not in cell["scores"]:
            continue
        scores = cell["scores"] if part == "test" else cell["scores"]["rare"]
        person = {name: scores[name] for name in scores if name not in ("dice", "rare", "fit_seconds")}
        for region, subsets in scores["dice"].items():
            for word, values in subsets.items():
                facts = {"region": region, "subset": word, "given": COUNTS[word.count("1")]}
                table = pd.DataFrame(person).assign(dice=np.array(values, float), **facts)
                tables.append(table.assign(method=cell["parameters"]["method"], seed=cell["parameters"]["seed"]))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def dice_mean(table: pd.DataFrame, method: str, region: str, given: str | None = None) -> Interval | None:
    """Mean over people, seeds and the subsets with so many modalities (None: all 15)."""
    part = _by_person(table, method, region, given)
    return None if part.empty else _interval(part, part["dice"])


def dice_difference(
    table: pd.DataFrame, first: str, second: str, region: str, given: str | None = None
) -> Interval | None:
    """Mean paired difference of two methods on the same people and seeds."""
    both = _paired(table, first, second, region, given)
    return None if both.empty else _interval(both, both["dice_first"] - both["dice_second"])


def gain_by_number(
    table: pd.DataFrame, first: str, second: str, region: str, fewer: str = "one", more: str = "all"
) -> tuple[Interval | None, int]:
    """Gain of one method over another with few contrasts minus that with all, and the number of seeds of both.

    Paired by person and seed; above zero where the gain grows as contrasts are missing.
    """
    parts = [_paired(table, first, second, region, given) for given in (fewer, more)]
    if any(part.empty for part in parts):
        return None, 0
    both = parts[0].merge(parts[1], on=["subject", "seed"], suffixes=("_fewer", "_more"))
    gains = [both[f"dice_first_{part}"] - both[f"dice_second_{part}"] for part in ("fewer", "more")]
    return _interval(both, gains[0] - gains[1]), int(both["seed"].nunique())


def dice_differences_by_seed(
    table: pd.DataFrame, first: str, second: str, region: str, given: str | None = None
) -> list[float]:
    """The mean paired difference of each seed."""
    both = _paired(table, first, second, region, given)
    return [] if both.empty else (both["dice_first"] - both["dice_second"]).groupby(both["seed"]).mean().tolist()


def subset_table(table: pd.DataFrame, region: str, modalities: Sequence[str]) -> pd.DataFrame:
    """Mean Dice of each subset (row, its modalities in words) and method (column), over people and seeds."""
    part = table[table["region"] == region]
    wide = part.groupby(["subset", "method"], sort=False)["dice"].mean().unstack()
    wide = wide.loc[list(dict.fromkeys(part["subset"]))]
    wide.index = [
        " + ".join(m for m, there in zip(modalities, word, strict=True) if there == "1") for word in wide.index
    ]
    return wide.rename_axis(index="given")


def pet_ct_table(done: Sequence[dict]) -> pd.DataFrame:
    """One row a training (or what needs none) and person, with all scores as columns.

    Columns as in `evaluate.people_table`, and ``<direction>.<region>`` (PSNR), ``uptake.<region>.true`` and ``.drawn``
    (SUV), and ``hot``.
    """
    tables = []
    for cell in done:
        known, scores = cell["parameters"], cell["scores"]
        if "uptake" in scores:
            tables.append(_pet_rows(scores).assign(method=known["method"], seed=known["seed"]))
        elif "copy" in scores:
            tables += [_pet_rows(scores[method]).assign(method=method, seed=0) for method in FREE if method in scores]
    tables = [table.dropna(axis=1, how="all") for table in tables]
    return pd.concat(tables, ignore_index=True).assign(jitter=USUAL) if tables else pd.DataFrame()


def trainings_of(table: pd.DataFrame, method: str) -> int:
    """How many trainings of a method a table of Dice holds."""
    return 0 if table.empty else int(table.loc[table["method"] == method, "seed"].nunique())


def uptake_correlation(table: pd.DataFrame, method: str, region: str) -> Interval | None:
    """Correlation over people of the mean uptake in a region, true and drawn from CT, with its sign.

    Mean over seeds, interval over people; 0 where one side does not vary.
    """
    part = table[table["method"] == method] if not table.empty else table
    if part.empty:
        return None
    names = [f"uptake.{region}.{side}" for side in ("true", "drawn")]
    wide = part.pivot_table(index="subject", columns="seed", values=names, sort=False).dropna()
    sides = [wide.xs(seed, axis=1, level="seed")[names].to_numpy(float) for seed in part["seed"].unique()]

    def correlation(rows: np.ndarray) -> float:
        return float(np.mean([_r(side[rows]) for side in sides]))

    return bootstrap(correlation, np.arange(len(wide)), draws=DRAWS, seed=0)


def uptake_bias(table: pd.DataFrame, method: str, region: str) -> Interval | None:
    """Mean uptake drawn from CT minus the true one (SUV), over people and seeds."""
    part = table[table["method"] == method] if not table.empty else table
    names = [f"uptake.{region}.{side}" for side in ("drawn", "true")]
    if part.empty or not set(names) <= set(part):
        return None
    part = part.dropna(subset=names)
    return None if part.empty else _interval(part, part[names[0]] - part[names[1]])


def _r(pair: np.ndarray) -> float:
    """Correlation of two columns; 0 where one does not vary."""
    spread = pair.std(0)
    return float(np.corrcoef(pair.T)[0, 1]) if (spread > 1e-9).all() else 0.0


def mean_over_seeds(table: pd.DataFrame, method: str) -> pd.DataFrame:
    """One row a person of a method: every number is the mean over its trainings."""
    part = table[table["method"] == method]
    means = part.groupby("subject", as_index=False, sort=False).mean(numeric_only=True)
    return means.astype({"hot": bool}).assign(method=method)


def _pet_rows(scores: dict) -> pd.DataFrame:
    columns = dict(scores["people"]) | {"hot": scores["hot"]}
    for direction, found in scores["directions"].items():
        columns |= {f"{direction}.{region}": values for region, values in found.items()}
    for region, sides in scores["uptake"].items():
        columns |= {f"uptake.{region}.{side}": 15 * np.array(values, float) for side, values in sides.items()}
    return pd.DataFrame(columns)


def _by_person(table: pd.DataFrame, method: str, region: str, given: str | None) -> pd.DataFrame:
    """Mean over subsets: subject, seed, dice; without people who lack the region."""
    if table.empty:
        return pd.DataFrame(columns=["subject", "seed", "dice"])
    part = table[(table["method"] == method) & (table["region"] == region) & table["dice"].notna()]
    if given is not None:
        part = part[part["given"] == given]
    return part.groupby(["subject", "seed"], as_index=False)["dice"].mean()


def _paired(table: pd.DataFrame, first: str, second: str, region: str, given: str | None) -> pd.DataFrame:
    sides = [_by_person(table, method, region, given) for method in (first, second)]
    return sides[0].merge(sides[1], on=["subject", "seed"], suffixes=("_first", "_second"))


def _interval(rows: pd.DataFrame, values: pd.Series) -> Interval:
    factors = [rows["subject"].to_numpy(), rows["seed"].to_numpy()]
    return crossed_bootstrap(values.to_numpy(float), factors=factors, draws=DRAWS, seed=0)
