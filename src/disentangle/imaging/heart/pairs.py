"""Exact pairs: one anatomy in many styles. For evaluation only; no method is trained on them.

The rows of a cohort are anatomies and styles at once; here any anatomy is shown in the style of any other
row, or of a scan that no person has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from disentangle.imaging.cohort import Cohort
from disentangle.imaging.heart.anatomy import Grid, Stacks
from disentangle.imaging.heart.cohort import to_slices
from disentangle.imaging.heart.pool import anatomies
from disentangle.imaging.heart.render import Slices, render, to_unit
from disentangle.imaging.heart.style import KINDS

_WHICH = ["person", "frame", "slice"]


@dataclass(frozen=True)
class Style:
    """A scanner ("mr1.5", "mr3" or "ct") and the number of a scan on it."""

    scanner: str
    scan: int


def style_of(cohort: Cohort, row: int) -> Style:
    """The style of an image of the cohort."""
    return Style(str(cohort.samples["scanner"].iloc[row]), int(cohort.samples["person"].iloc[row]))


def in_style(cohort: Cohort, rows: np.ndarray, styles: list[Style]) -> np.ndarray:
    """What the scans ``styles`` (one a row) would have shown of the anatomies of ``rows``: (row, 1, size, size).

    Each is scaled as its own volume in that style, so a row in its own style is the cohort's image itself.
    Works on any part of a ``heart_phantom``; raises ValueError for another cohort or an unknown scanner.
    """
    _check(cohort, rows, styles)
    stacks, samples = _whole_volumes(cohort, rows)
    slices = to_slices(stacks, samples, cohort.extra["seed"])
    place = pd.Series(np.arange(len(samples)), index=pd.MultiIndex.from_frame(samples[_WHICH]))
    where = place.loc[list(cohort.samples.iloc[rows][_WHICH].itertuples(index=False, name=None))].to_numpy()
    pictures = np.empty((len(rows), *cohort.images.shape[1:]), np.float32)
    for style in dict.fromkeys(styles):
        mine = np.flatnonzero([style == other for other in styles])
        pictures[mine] = _shown(slices, samples["volume"].to_numpy(), where[mine], style, cohort.extra["seed"])
    return pictures


def _shown(slices: Slices, volume: np.ndarray, where: np.ndarray, style: Style, seed: int) -> np.ndarray:
    """Slices number ``where`` in one style, scaled with all slices of their volumes."""
    needed = np.flatnonzero(np.isin(volume, volume[where]))
    some = slices.take(torch.from_numpy(needed)).in_style(KINDS[style.scanner], style.scan)
    scaled = to_unit(render(some, seed), some.kind, torch.from_numpy(volume[needed].astype(np.int64)))
    return scaled.numpy()[np.searchsorted(needed, where)]


def _whole_volumes(cohort: Cohort, rows: np.ndarray) -> tuple[Stacks, pd.DataFrame]:
    """Stacks of the people of these rows, and their table: percentiles need whole volumes."""
    first = cohort.samples.iloc[0]
    numbers = sorted({int(number) for number in cohort.samples["person"].iloc[rows]})
    grid = Grid(cohort.images.shape[-1], float(first["pixel_mm"]))
    stacks = anatomies(numbers, cohort.extra["seed"], grid, cohort.extra["frames"])
    scanner = cohort.samples.drop_duplicates("person").set_index("person")["scanner"]
    volume = stacks.samples.groupby(["person", "frame"], sort=False).ngroup()
    named = scanner.loc[stacks.samples["person"]].to_numpy()
    return stacks, stacks.samples.assign(scanner=named, volume=volume)


def _check(cohort: Cohort, rows: np.ndarray, styles: list[Style]) -> None:
    if cohort.name != "heart_phantom":
        raise ValueError(f"exact pairs exist for heart_phantom alone, not for {cohort.name}")
    if len(rows) != len(styles):
        raise ValueError(f"{len(styles)} styles for {len(rows)} anatomies")
    unknown = {style.scanner for style in styles} - set(KINDS)
    if unknown:
        raise ValueError(f"no scanner {sorted(unknown)}; there are {', '.join(KINDS)}")
