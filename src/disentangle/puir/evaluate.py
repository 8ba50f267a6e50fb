"""From the cells of the chapter on transfer to tables and intervals over people and seeds together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from disentangle.metrics.intervals import Interval, crossed_bootstrap
from disentangle.puir.grids import USUAL

DRAWS = 2000
FREE = ("copy", "polynomial", "polynomial_inside")
CONTROLS = ("mask", "correlation")
ALIASES = {"inv_equ": "no_contr"}
"""Two names of one training: without contrast, invariance and equivariance are what is left beside decomposition."""
_KEYS = ["method", "seed", "jitter", "subject"]


def people_table(done: Sequence[dict]) -> pd.DataFrame:
    """One row a training and test person: method, seed, jitter, subject, and every score as a column.

    Columns: ``<region>.<metric>``, ``to_<modality>``, ``psnr_own``, ``released_psnr``, ``released_ssim``,
    ``retrieval.<frame>``, ``equivariance.<turns>``, ``x_h.<way>.<region>``, ``scanner.<region>``. Copy, polynomials and
    the controls of retrieval (``mask``, ``correlation``) are methods with the one seed 0.
    """
    parts = [_rows(facts, scores) for facts, scores in _trainings(done)]
    parts += [_controls(cell) for cell in done if "copy" in cell["scores"]]
    parts = [part.dropna(axis=1, how="all") for part in parts]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_KEYS)


def rare_table(done: Sequence[dict]) -> pd.DataFrame:
    """The same for people of rare anatomy, with a bool column for each mark."""
    parts = [pd.DataFrame(scores["rare"]).assign(**facts) for facts, scores in _trainings(done)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_KEYS)


def real_table(done: Sequence[dict]) -> pd.DataFrame:
    """One row a training and pair of the real person: method, seed, pair, ``<region>.psnr``, ``<region>.nmse``."""
    rows = []
    for facts, scores in _trainings(done):
        for pair, found in scores.get("tcga_lgg", {}).items():
            values = {f"{region}.{m}": v for region, two in found.items() for m, v in zip(("psnr", "nmse"), two)}  # noqa: B905
            rows.append(facts | {"pair": pair} | values)
    return pd.DataFrame(rows)


def pair_table(done: Sequence[dict], method: str, region: str, jitter: float = USUAL) -> pd.DataFrame:
    """PSNR of each source (row) and target (column), mean over people and seeds."""
    at = ("volume", "brain", "tumour", "enhancing").index(region)
    found: dict[tuple[str, str], list[float]] = {}
    for facts, scores in _trainings(done):
        if facts["method"] == _name(method) and facts["jitter"] == jitter:
            for pair, values in scores["pairs"].items():
                found.setdefault(tuple(pair.split(">")), []).append(np.nan if values[at] is None else values[at])
    table = pd.Series({pair: np.mean(values) for pair, values in found.items()}, dtype=float)
    if table.empty:
        return pd.DataFrame()
    sources = list(dict.fromkeys(pair[0] for pair in found))
    return table.unstack().loc[sources, sources].rename_axis(index="from", columns="to")


def measured(table: pd.DataFrame, column: str, jitter: float = USUAL) -> list[str]:
    """Methods that have a score, in the order of the table."""
    if table.empty or column not in table:
        return []
    return list(dict.fromkeys(table[table[column].notna() & (table["jitter"] == jitter)]["method"]))


def mean(table: pd.DataFrame, method: str, column: str, jitter: float = USUAL) -> Interval | None:
    """Mean of a score with its interval over people and seeds; None where no such cell has run."""
    part = _chosen(table, method, column, jitter)
    return None if part.empty else _interval(part, part[column])


def difference(table: pd.DataFrame, first: str, second: str, column: str, jitter: float = USUAL) -> Interval | None:
    """Mean paired difference of two methods on the same people and seeds. None: nothing to pair.

    A method without seeds is paired with every seed of the other.
    """
    both = paired(table, first, second, column, jitter)
    return None if both.empty else _interval(both, both["first"] - both["second"])


def paired(table: pd.DataFrame, first: str, second: str, column: str, jitter: float = USUAL) -> pd.DataFrame:
    """Rows of people and seeds with a score of both methods: subject, seed, ``first``, ``second``."""
    sides = [
        _chosen(table, method, column, jitter)[["subject", "seed", column]].rename(columns={column: side})
        for method, side in ((first, "first"), (second, "second"))
    ]
    without_seed = [name in (*FREE, *CONTROLS) for name in (first, second)]
    if any(without_seed) and not all(without_seed):
        single = without_seed.index(True)
        sides[single] = sides[single].drop(columns="seed")
        return sides[0].merge(sides[1], on="subject")
    return sides[0].merge(sides[1], on=["subject", "seed"])


def seeds(table: pd.DataFrame, method: str, column: str, jitter: float = USUAL) -> list[float]:
    """The mean over people of each seed."""
    part = _chosen(table, method, column, jitter)
    return [] if part.empty else part.groupby("seed")[column].mean().tolist()


def difference_by_seed(table: pd.DataFrame, first: str, second: str, column: str, jitter: float = USUAL) -> list[float]:
    """The mean paired difference of each seed."""
    both = paired(table, first, second, column, jitter)
    return [] if both.empty else (both["first"] - both["second"]).groupby(both["seed"]).mean().tolist()


def drop(table: pd.DataFrame, method: str, way: str, region: str) -> Interval | None:
    """PSNR with a person's own X_h minus that with another (``zero``, ``shuffle``) or without skips (``no_skip``)."""
    columns = [f"x_h.own.{region}", f"x_h.{way}.{region}"]
    part = _chosen(table, method, columns[0])
    return None if part.empty else _interval(part, part[columns[0]] - part[columns[1]])


def dial(table: pd.DataFrame, column: str, levels: Iterable[float]) -> dict[float, Interval]:
    """Gain of PUIR over the matched network at each jitter that has run."""
    gains = {level: difference(table, "puir", "matched", column, level) for level in levels}
    return {level: gain for level, gain in gains.items() if gain is not None}


def dial_change(table: pd.DataFrame, column: str, low: float, high: float) -> Interval | None:
    """Gain of PUIR over the matched network at one jitter minus that at another, on the same heads and seeds."""
    common = _gains_at_both(table, column, low, high)
    return None if common.empty else _interval(common, common["gain_low"] - common["gain_high"])


def dial_change_by_seed(table: pd.DataFrame, column: str, low: float, high: float) -> list[float]:
    """That difference of each seed, mean over people."""
    common = _gains_at_both(table, column, low, high)
    return (common["gain_low"] - common["gain_high"]).groupby(common["seed"]).mean().tolist()


def _gains_at_both(table: pd.DataFrame, column: str, low: float, high: float) -> pd.DataFrame:
    sides = []
    for level in (low, high):
        both = paired(table, "puir", "matched", column, level)
        sides.append(both.assign(gain=both.get("first", 0) - both.get("second", 0)))
    return sides[0].merge(sides[1], on=["subject", "seed"], suffixes=("_low", "_high"))


def of_mark(rare: pd.DataFrame, mark: str | None) -> pd.DataFrame:
    """Rows of rare anatomy with a mark; all for None."""
    return rare if mark is None or rare.empty else rare[rare[mark].astype(bool)]


def real_mean(table: pd.DataFrame, method: str, column: str) -> Interval | None:
    """Mean over the pairs of the one real person; from lowest to highest seed. ``n`` is 1: no interval over people."""
    part = table[table["method"] == _name(method)] if not table.empty else table
    if part.empty:
        return None
    by_seed = part.groupby("seed")[column].mean()
    return Interval(float(by_seed.mean()), float(by_seed.min()), float(by_seed.max()), 1)


def _trainings(done: Sequence[dict]) -> Iterable[tuple[dict, dict]]:
    """Facts (method, seed, jitter) and scores of each training, and of what needs none."""
    for cell in done:
        known, scores = cell["parameters"], cell["scores"]
        if "method" in known:
            yield {name: known[name] for name in ("method", "seed", "jitter")}, scores
        else:
            for method in [name for name in FREE if name in scores]:
                yield {"method": method, "seed": 0, "jitter": known["jitter"]}, scores[method]


def _rows(facts: dict, scores: dict) -> pd.DataFrame:
    """A training's scores with a row a person."""
    columns = dict(scores["people"])
    for part in ("retrieval", "equivariance", "scanner"):
        columns |= {f"{part}.{name}": values for name, values in scores.get(part, {}).items()}
    for way, found in scores.get("x_h", {}).items():
        columns |= {f"x_h.{way}.{region}": values for region, values in found.items()}
    return pd.DataFrame(columns).assign(**facts)


def _controls(cell: dict) -> pd.DataFrame:
    """Retrieval without any network."""
    subjects, found = cell["scores"]["copy"]["people"]["subject"], cell["scores"]["retrieval"]
    return pd.concat(
        pd.DataFrame(
            {"subject": subjects}
            | {f"retrieval.{frame}": found[frame][control] for frame in found}
            | {"method": control, "seed": 0, "jitter": cell["parameters"]["jitter"]}
        )
        for control in CONTROLS
    )


def _name(method: str) -> str:
    return ALIASES.get(method, method)


def _chosen(table: pd.DataFrame, method: str, column: str, jitter: float = USUAL) -> pd.DataFrame:
    if table.empty or column not in table:
        return pd.DataFrame(columns=[*_KEYS, column])
    part = table[(table["method"] == _name(method)) & (table["jitter"] == jitter)]
    return part[part[column].notna()]


def _interval(rows: pd.DataFrame, values: pd.Series) -> Interval:
    factors = [rows["subject"].to_numpy(), rows["seed"].to_numpy()]
    return crossed_bootstrap(values.to_numpy(float), factors=factors, draws=DRAWS, seed=0)
