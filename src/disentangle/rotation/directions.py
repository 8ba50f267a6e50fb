"""Technical directions: a strongly penalised linear classifier, the SVD of its weights, and how far each suffices.

Digest sections 3.3 to 3.5. `latent_rotation` holds the method; here are its classifier and its rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from disentangle.rotation.differences import (
    PairTable,
    checked_labels,
    ordered_differences,
    pair_table,
    settings_of,
)
from disentangle.rotation.probes import balanced_accuracy, guessing_limit, same_location, setting_probe

Factors = Mapping[str, Mapping[str, float | str]]

_HELD_OUT = 0.25
_MAX_DIFFERENCES = 30_000
_PROBE_ROWS = 4000
_LONGEST_CURVE = 16
_RANK = 1e-6


class Training(NamedTuple):
    """Checked rows: ``setting`` by name, the ``table`` of pairs (None without), and who is ``held_out`` (row,) bool.

    A ``unit`` (row,) is what luck decides at once: a location, else a person, else a row.
    """

    latents: np.ndarray
    setting: np.ndarray
    settings: tuple[str, ...]
    table: PairTable | None
    unit: np.ndarray
    held_out: np.ndarray


class Problem(NamedTuple):
    """What is classified: ``values`` (row, dimension) and labels (row,) for one or more ``heads``.

    The scale of ``values`` is such that their largest variance is 1, so that a penalty means the same everywhere.
    """

    values: np.ndarray
    heads: tuple[np.ndarray, ...]
    unit: np.ndarray
    held_out: np.ndarray
    intercept: bool

    @property
    def chance(self) -> float:
        """Balanced accuracy of a guesser, the mean over heads."""
        return float(np.mean([1 / len(np.unique(labels)) for labels in self.heads]))

    @property
    def limit(self) -> float:
        """What a guesser reaches on the held-out units with luck."""
        return guessing_limit(self.chance, len(np.unique(self.unit[self.held_out])))

    def part(self, keep: np.ndarray) -> Problem:
        """Some of the rows."""
        heads = tuple(labels[keep] for labels in self.heads)
        return Problem(self.values[keep], heads, self.unit[keep], self.held_out[keep], self.intercept)

    def without(self, axes: np.ndarray) -> Problem:
        """The same rows, their components along orthonormal ``axes`` (axis, dimension) taken out."""
        return self._replace(values=self.values - (self.values @ axes.T) @ axes) if len(axes) else self


def training_rows(
    latents: np.ndarray,
    setting: np.ndarray,
    location: np.ndarray | None,
    subject: np.ndarray | None,
    paired: bool,
    seed: int,
) -> Training:
    """Checked rows, a quarter of the people (or locations, or rows) held out; raises ValueError for too few."""
    setting = checked_labels(setting, len(latents), "setting").astype(str)
    settings = settings_of(setting)
    if paired and location is None:
        raise ValueError("location is None, expected the location of each row (mode 'single' alone does without)")
    given = {"location": location, "subject": subject}
    given = {name: checked_labels(values, len(latents), name) for name, values in given.items() if values is not None}
    table = pair_table(setting, location) if paired else None
    rows = np.arange(len(latents))
    group = given.get("subject", given.get("location", rows))
    groups, code = np.unique(group, return_inverse=True)
    if len(groups) < 4:
        what = next((name for name in ("subject", "location") if name in given), "row")
        raise ValueError(f"latents are of {len(groups)} different {what}s, expected at least 4 to hold some out")
    chosen = np.random.default_rng(seed).permutation(len(groups))[: max(1, round(_HELD_OUT * len(groups)))]
    unit = given.get("location", given.get("subject", rows))
    return Training(latents, setting, settings, table, unit, np.isin(code, chosen))


def problem_of(data: Training, mode: str, mean: np.ndarray, factors: Factors | None, seed: int) -> Problem:
    """What the mode classifies, on at most 30,000 rows: differences, or single latents about their mean."""
    rng = np.random.default_rng(seed)
    if mode == "single":
        rows = rng.permutation(len(data.latents))[:_MAX_DIFFERENCES]
        values, unit, held_out = data.latents[rows] - mean, data.unit[rows], data.held_out[rows]
        heads = (np.searchsorted(data.settings, data.setting[rows]),)
    else:
        count = len(data.settings)
        places = rng.permutation(len(data.table.rows))[: max(4, _MAX_DIFFERENCES // (count * (count - 1)))]
        table = data.table.part(places)
        found = ordered_differences(data.latents, table)
        values, unit = found.values, found.place
        held_out = data.held_out[table.rows.max(1)][found.place]
        first, second = found.first, found.second
        heads = (first * count + second,) if mode == "pairs" else _factor_heads(data.settings, first, second, factors)
    largest = np.linalg.norm(values, 2) / np.sqrt(len(values))
    return Problem(values / largest if largest else values, heads, unit, held_out, mode == "single")


def directions(problem: Problem, l2: float) -> tuple[np.ndarray, np.ndarray]:
    """Singular values and right singular vectors (rank, dimension) of the stacked weights of all heads."""
    weights = []
    for labels in problem.heads:
        found = _classifier(problem, labels, l2).coef_
        size = np.linalg.norm(found)
        weights.append(found / size if len(problem.heads) > 1 and size else found)
    _, values, axes = np.linalg.svd(np.vstack(weights), full_matrices=False)
    rank = int((values > _RANK * values[0]).sum()) if values[0] > 0 else 0
    return values, axes[:rank]


def held_out_accuracy(problem: Problem, l2: float) -> float:
    """Balanced accuracy on held-out rows of the classifier fitted on the others, the mean over heads."""
    train, test = problem.part(~problem.held_out), problem.part(problem.held_out)
    return float(
        np.mean(
            [
                balanced_accuracy(truth, _classifier(train, labels, l2).predict(test.values))
                for labels, truth in zip(train.heads, test.heads, strict=True)
            ]
        )
    )


def curve(data: Training, problem: Problem, before: np.ndarray, l2: float, seed: int) -> pd.DataFrame:
    """What each number of dropped dimensions does, one row each: directions of training rows, judged on the others.

    ``before`` (axis, dimension) are axes that earlier rounds dropped. The columns are those of
    `LatentRotation.curve_`.
    """
    rest = problem.without(before)
    values, found = directions(rest.part(~rest.held_out), l2)
    energy = np.cumsum(values**2) / max(np.sum(values**2), np.finfo(float).tiny)
    judge = _Judge(data, seed)
    rows = []
    for r in range(min(len(found), _LONGEST_CURVE, max(1, data.latents.shape[1] // 4)) + 1):
        axes = np.vstack([before, found[:r]])
        row = {"dropped": len(axes), "energy": float(energy[r - 1]) if r else 0.0}
        row |= {"pair_accuracy": held_out_accuracy(problem.without(axes), l2), "limit": problem.limit}
        rows.append(row | judge(axes))
    return pd.DataFrame(rows)


class _Judge:
    """Probes on rows that took no part in the directions."""

    def __init__(self, data: Training, seed: int):
        rng = np.random.default_rng(seed)
        self.data, self.seed = data, seed
        self.train, self.test = (
            rng.permutation(np.flatnonzero(rows))[:_PROBE_ROWS] for rows in (~data.held_out, data.held_out)
        )
        self.table = data.table and data.table.part(data.held_out[data.table.rows.max(1)])

    def __call__(self, axes: np.ndarray) -> dict[str, float]:
        latents, setting = self.data.latents, self.data.setting
        train, test = (rows - (rows @ axes.T) @ axes for rows in (latents[self.train], latents[self.test]))
        before = latents[self.test].var(0).sum()
        near = np.nan
        if self.table is not None:
            kept = np.random.default_rng(self.seed).permutation(len(self.table.rows))[:500]
            near = same_location(*_compact(latents, self.table.part(kept), axes))
        return {
            "setting_accuracy": setting_probe(train, setting[self.train], test, setting[self.test]),
            "same_location": near,
            "kept": float(test.var(0).sum() / before) if before else 1.0,
        }


def _compact(latents: np.ndarray, table: PairTable, axes: np.ndarray) -> tuple[np.ndarray, PairTable]:
    """The latents that a table names, without their components along ``axes``, and the table of their new rows."""
    named = table.rows >= 0
    rows = np.where(named, np.cumsum(named).reshape(named.shape) - 1, -1)
    values = latents[table.rows[named]]
    return values - (values @ axes.T) @ axes, table._replace(rows=rows)


def _classifier(problem: Problem, labels: np.ndarray, l2: float) -> LogisticRegression:
    """Mean cross-entropy + l2 / 2 |W|^2; no bias for differences, where 0 must be neutral."""
    strength = 1 / (l2 * len(labels))
    return LogisticRegression(C=strength, fit_intercept=problem.intercept, max_iter=1000, tol=1e-6).fit(
        problem.values, labels
    )


def _factor_heads(
    settings: tuple[str, ...], first: np.ndarray, second: np.ndarray, factors: Factors | None
) -> tuple[np.ndarray, ...]:
    """One head for each factor that varies: -1, 0, 1 for a number that fell, stayed, rose; ordered pairs of text."""
    if factors is None:
        raise ValueError("mode 'heads' needs factors: the named values of each setting, found none")
    missing = [name for name in settings if name not in factors]
    if missing:
        raise ValueError(f"factors lack {missing}, expected all of {list(settings)}")
    table = pd.DataFrame.from_dict({name: dict(factors[name]) for name in settings}, orient="index")
    if table.isna().any(axis=None):
        raise ValueError(f"factors: {table.columns[table.isna().any()].tolist()} are not given for every setting")
    heads = []
    for name in table.columns[table.nunique() > 1]:
        column = table[name]
        if pd.api.types.is_numeric_dtype(column):
            values = column.to_numpy(float)
            heads.append(np.sign(values[first] - values[second]).astype(int))
        else:
            codes, names = pd.factorize(column, sort=True)
            pair = codes[first] * len(names) + codes[second]
            heads.append(np.where(codes[first] == codes[second], -1, pair))
    if not heads:
        raise ValueError(f"factors {list(table.columns)} are the same in all settings, expected some that differ")
    return tuple(heads)
