"""Pairs: the same location under several settings, and what differs between them (digest 3.2, 9.7)."""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd


class PairWarning(UserWarning):
    """Rows that should show one location look no more alike than rows of different locations."""


class PairTable(NamedTuple):
    """Which row shows which location under which setting.

    ``rows`` (location, setting) int holds row numbers, -1 where a location lacks a setting; ``locations`` and
    ``settings`` name its axes.
    """

    rows: np.ndarray
    locations: np.ndarray
    settings: tuple[str, ...]

    def part(self, keep: np.ndarray) -> PairTable:
        """The table of some locations."""
        return PairTable(self.rows[keep], self.locations[keep], self.settings)


class Differences(NamedTuple):
    """``values`` (difference, dimension): setting number ``first`` less ``second``, at row ``place`` of the table."""

    values: np.ndarray
    first: np.ndarray
    second: np.ndarray
    place: np.ndarray


def checked_latents(latents: np.ndarray, dimensions: int | None = None) -> np.ndarray:
    """Latents (row, dimension) as floats; raises ValueError unless finite and of the expected dimension."""
    latents = np.asarray(latents)
    if latents.dtype not in (np.float32, np.float64):
        latents = latents.astype(np.float64)
    if latents.ndim != 2 or not latents.size:
        raise ValueError(f"latents have the shape {latents.shape}, expected (rows, dimensions)")
    if dimensions is not None and latents.shape[1] != dimensions:
        raise ValueError(f"latents have {latents.shape[1]} dimensions, expected {dimensions} as in the fit")
    # A sum is finite where every value is, and costs no array of booleans; it may overflow, so ask again.
    if not np.isfinite(latents.sum(dtype=np.float64)):
        bad = ~np.isfinite(latents).all(1)
        if bad.any():
            raise ValueError(f"latents: {bad.sum()} rows hold NaN or infinity, the first is row {bad.argmax()}")
    return latents


def checked_labels(values: np.ndarray, rows: int, name: str) -> np.ndarray:
    """A label of each row; raises ValueError for another length or a missing value."""
    values = np.asarray(values)
    if values.shape != (rows,):
        raise ValueError(f"{name} has the shape {values.shape} but latents have {rows} rows, expected one a row")
    missing = pd.isna(values)
    if missing.any():
        raise ValueError(f"{name}: {missing.sum()} values are missing, the first in row {missing.argmax()}")
    return values


def settings_of(setting: np.ndarray) -> tuple[str, ...]:
    """Sorted names of settings; raises ValueError where there is but one."""
    names = tuple(np.unique(setting.astype(str)).tolist())
    if len(names) < 2:
        raise ValueError(f"setting is {names[0]!r} in every row, technical differences need at least two settings")
    return names


def pair_table(setting: np.ndarray, location: np.ndarray) -> PairTable:
    """Rows sorted by location and setting; raises ValueError where they do not form pairs.

    Refused: a single setting, two rows of one location under one setting, a setting that shares no location with
    any other. Locations seen under one setting only are left out.
    """
    setting = checked_labels(setting, len(location), "setting")
    location = checked_labels(location, len(setting), "location")
    settings_of(setting)
    settings, column = np.unique(setting.astype(str), return_inverse=True)
    locations, row = np.unique(location, return_inverse=True)
    cells, counts = np.unique(row * len(settings) + column, return_counts=True)
    if counts.max() > 1:
        place, one = divmod(cells[counts.argmax()], len(settings))
        raise ValueError(
            f"location {locations[place]} has {counts.max()} rows of setting {str(settings[one])!r}, expected one: "
            "are the rows misaligned?"
        )
    rows = np.full((len(locations), len(settings)), -1)
    rows[row, column] = np.arange(len(row))
    paired = (rows >= 0).sum(1) > 1
    lonely = [name for name, seen in zip(settings.tolist(), (rows[paired] >= 0).any(0), strict=True) if not seen]
    if lonely:
        raise ValueError(
            f"setting {', '.join(map(repr, lonely))} shares no location with another setting: expected pairs "
            "(mode='single' needs none)"
        )
    return PairTable(rows[paired], locations[paired], tuple(settings.tolist()))


def ordered_differences(latents: np.ndarray, table: PairTable) -> Differences:
    """Differences of both orders of every pair of settings at every location, in double precision."""
    values, first, second, place = [], [], [], []
    for a, b in combinations(range(len(table.settings)), 2):
        where = np.flatnonzero((table.rows[:, a] >= 0) & (table.rows[:, b] >= 0))
        delta = latents[table.rows[where, a]].astype(np.float64) - latents[table.rows[where, b]]
        values += [delta, -delta]
        first += [np.full(len(where), a), np.full(len(where), b)]
        second += [np.full(len(where), b), np.full(len(where), a)]
        place += [where, where]
    return Differences(*map(np.concatenate, (values, first, second, place)))


def unshared(values: np.ndarray, table: PairTable, seed: int = 0) -> float:
    """Variance of differences within locations over that between random locations: 0 aligned, 1 misaligned.

    ``values`` (row, feature) may be latents or, low-passed, images. The mean difference of a pair of settings, which
    is technical, does not count. Constant values give 0.
    """
    rng, within, between = np.random.default_rng(seed), 0.0, 0.0
    for a, b in combinations(range(len(table.settings)), 2):
        pairs = table.rows[(table.rows[:, a] >= 0) & (table.rows[:, b] >= 0)]
        x, y = values[pairs[:, a]], values[pairs[:, b]]
        within += float((x - y).var(0).sum()) if len(pairs) else 0.0
        between += float((x - rng.permutation(y)).var(0).sum()) if len(pairs) else 0.0
    return within / between if between > 0 else 0.0


def warn_if_unshared(values: np.ndarray, table: PairTable, limit: float = 0.8) -> float:
    """`unshared`, with a `PairWarning` above ``limit``."""
    share = unshared(values, table)
    if share > limit:
        warnings.warn(
            f"rows of one location differ {share:.0%} as much as rows of random locations, expected far less: "
            "the pairs may be misaligned",
            PairWarning,
            stacklevel=3,
        )
    return share
