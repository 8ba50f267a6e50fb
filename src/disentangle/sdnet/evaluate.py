"""From the cells of the SDNet chapters to tables and intervals over people, label draws and folds together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from disentangle.metrics.intervals import Interval, crossed_bootstrap
from disentangle.sdnet.grids import SELFTRAIN_STEPS

DRAWS = 2000
ALL = "all"
FALLING = 0.05
"""From what part on a falling loss is called falling."""


def people_table(done: Sequence[dict], part: str = "people") -> pd.DataFrame:
    """One row a cell and test person: method, labelled (number or "all"), draw, fold, steps, and the person's scores.

    ``part`` names the list of scores in the cells; those without it are passed over. ``steps`` is 0 for the grid's own
    number, of which self-training has one of its own. ``run`` names the labelled people: one draw of one fold.
    """
    rows = []
    for cell in done:
        known = cell["parameters"]
        facts = {name: known[name] for name in ("method", "draw", "fold")}
        facts |= {"labelled": known["labelled"] or ALL, "steps": _other_steps(known)}
        facts["run"] = f"fold {known['fold']}, draw {known['draw']}"
        rows += [facts | _flat(person) for person in cell["scores"].get(part, [])]
    return pd.DataFrame(rows)


def chosen(table: pd.DataFrame, method: str, labelled: int | str, steps: int = 0) -> pd.DataFrame:
    """The rows of a method with so many labelled people, trained for the grid's number of steps or another."""
    if table.empty:
        return table
    return table[(table["method"] == method) & (table["labelled"] == labelled) & (table["steps"] == steps)]


def mean(
    table: pd.DataFrame, method: str, labelled: int | str, column: str = "dice", steps: int = 0
) -> Interval | None:
    """Mean of a score with its interval; None where no such cell has run."""
    part = chosen(table, method, labelled, steps)
    return None if part.empty else _interval(part, part[column])


def difference(
    table: pd.DataFrame, first: str, second: str, labelled: int | str, column: str = "dice", steps: int = 0
) -> Interval | None:
    """Mean paired difference of two methods: the same test people, labelled people and fold. None: nothing to pair."""
    keys = ["subject", "run"]
    sides = [chosen(table, method, labelled, steps) for method in (first, second)]
    if any(side.empty for side in sides):
        return None
    both = sides[0].merge(sides[1], on=keys, suffixes=("_first", "_second"))
    return None if both.empty else _interval(both, both[f"{column}_first"] - both[f"{column}_second"])


def runs(table: pd.DataFrame, method: str, labelled: int | str, column: str = "dice", steps: int = 0) -> list[float]:
    """The mean over test people of each run of a method, in order of the runs."""
    part = chosen(table, method, labelled, steps)
    return [] if part.empty else part.groupby("run")[column].mean().tolist()


def measured(table: pd.DataFrame) -> list[tuple[str, int | str]]:
    """Methods with numbers of labelled people for which a cell of the grid's own length has run, first come first."""
    if table.empty:
        return []
    own = table[table["steps"] == 0]
    return list(dict.fromkeys(zip(own["method"], own["labelled"], strict=True)))


def _other_steps(parameters: dict) -> int:
    """The number of steps where it is not the grid's own, else 0."""
    steps = parameters.get("steps", 0)
    return 0 if parameters["method"] == "selftrain" and steps == SELFTRAIN_STEPS else steps


def _interval(rows: pd.DataFrame, values: pd.Series) -> Interval:
    factors = [rows["subject"].to_numpy(), rows["run"].to_numpy()]
    return crossed_bootstrap(values.to_numpy(float), factors=factors, draws=DRAWS, seed=0)


def _flat(person: dict) -> dict:
    """A person's plain scores, with ``dice`` (mean of structures and phases) and ``ef_error`` (percentage points).

    A fraction below 0 (more ventricle at ES than at ED) counts as 0: else few pixels at ED make one person's error as
    large as one likes. So does that of a person in whom no ventricle was found at ED, which ``ef_unknown`` marks.
    """
    plain = {name: value for name, value in person.items() if not isinstance(value, dict)}
    true, predicted = (plain.get(name) for name in ("ef_true", "ef_predicted"))
    error = np.nan if true is None else 100 * abs(max(predicted or 0.0, 0.0) - true)
    unknown = true is not None and predicted is None
    return plain | {"dice": plain.get("mean", np.nan), "ef_error": error, "ef_unknown": unknown}


def factor_table(done: Sequence[dict]) -> pd.DataFrame:
    """One row a cell that looked at its factors: method, labelled, draw, fold, steps, and the measures."""
    rows = []
    for cell in done:
        if "factors" in cell["scores"]:
            known = cell["parameters"]
            facts = {name: known.get(name) for name in ("method", "draw", "fold")}
            steps = {"labelled": known["labelled"] or ALL, "steps": _other_steps(known)}
            found = cell["scores"]["factors"]
            dependence = found["distance_correlation"]
            measures = {
                "distance_correlation": dependence["value"],
                "distance_correlation_shuffled": dependence["permuted_people"],
                "unassigned": found["unassigned"],
                "posterior_variance": found["posterior_variance"],
            }
            rows.append(facts | steps | measures)
    return pd.DataFrame(rows)


def constant_ef_error(table: pd.DataFrame) -> Interval | None:
    """Error (percentage points) of saying of each tested person the mean ejection fraction of the others in the fold.

    None where nobody's fraction is known.
    """
    if table.empty or "ef_true" not in table:
        return None
    people = table.dropna(subset=["ef_true"]).drop_duplicates(["subject", "fold"])
    errors = []
    for _, fold in people.groupby("fold"):
        true = fold["ef_true"].to_numpy(float)
        if len(true) > 1:
            errors += list(100 * np.abs(true - (true.sum() - true) / (len(true) - 1)))
    return crossed_bootstrap(np.array(errors)[:, None], draws=DRAWS, seed=0) if errors else None


def still_falling(done: Sequence[dict], steps: int = 0) -> pd.DataFrame:
    """One row a cell of the grid's own length, or of ``steps``: method, labelled, and whether its loss is ``falling``.

    Falling: in the last quarter of the steps the mean loss on labelled images is lower by more than `FALLING` of itself
    than in the quarter before.
    """
    rows = []
    for cell in done:
        known, curve = cell["parameters"], np.array(cell["scores"].get("curve", []))
        if _other_steps(known) != steps or len(curve) < 4:
            continue
        before, last = (part[:, 1].mean() for part in np.array_split(curve, 4)[-2:])
        falling = bool(last < (1 - FALLING) * before)
        rows.append({"method": known["method"], "labelled": known["labelled"] or ALL, "falling": falling})
    return pd.DataFrame(rows)


def seeds_interval(values: Sequence[float]) -> Interval:
    """Mean and range of a number measured once a run; ``n`` counts runs. For so few runs no percentile is honest."""
    known = np.asarray(values, float)
    return Interval(float(known.mean()), float(known.min()), float(known.max()), len(known))


def longer_gain(table: pd.DataFrame, method: str, labelled: int | str, steps: int) -> Interval | None:
    """Paired gain in Dice of ``steps`` steps over the grid's own number; None where either has not run."""
    longer, own = (chosen(table, method, labelled, number) for number in (steps, 0))
    both = longer.merge(own, on=["subject", "run"], suffixes=("_longer", "_own"))
    return None if both.empty else _interval(both, both["dice_longer"] - both["dice_own"])
