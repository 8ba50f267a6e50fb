"""Figures of the comparison: swaps beside the truth, errors with their floors, who holds what, and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from disentangle.figures import WIDTH_IN, bare, colours, image_grid

_SMALL = 7
_QUESTIONS = ("style", "biology")
_CODES = ("biology", "nuisance")


def swap_rows(rows: Mapping[str, np.ndarray], titles: Sequence[str]) -> Figure:
    """A row of pictures a method: name -> (style, side, side), in columns with ``titles``, cut to the brain."""
    seen = np.any([np.nan_to_num(row) > 0 for row in rows.values()], axis=(0, 1))
    box = tuple(slice(max(0, at.min() - 1), at.max() + 2) for at in (np.flatnonzero(seen.any(axis)) for axis in (1, 0)))
    pictures = [np.clip(picture, 0, 1)[box] for row in rows.values() for picture in row]
    return image_grid(pictures, titles, columns=len(titles), row_labels=list(rows))


def error_plot(table: pd.DataFrame, *, reference: Mapping[str, float]) -> Figure:
    """A row a method: swap error with its interval, seeds as strokes, and the reconstruction error as a square.

    ``table`` has ``method``, ``value``, ``low``, ``high``, ``seeds`` and ``floor``; ``reference``: name -> dashed line.
    """
    figure, axis = plt.subplots(figsize=(WIDTH_IN, 1.0 + 0.36 * len(table)), layout="constrained")
    for y, row in enumerate(table.to_dict("records")):
        colour = colours(table["method"])[row["method"]]
        axis.plot([row["floor"], row["value"]], [y, y], color="0.8", lw=1, zorder=1)
        axis.plot([row["low"], row["high"]], [y, y], color=colour, lw=3, solid_capstyle="round", zorder=2)
        axis.plot(row["value"], y, "o", color=colour, ms=6, zorder=3)
        axis.plot(row["seeds"], np.full(len(row["seeds"]), y), "|", color="0.15", ms=8, zorder=4)
        axis.plot(row["floor"], y, "s", mfc="white", mec=colour, ms=5.5, zorder=3)
    for name, value in reference.items():
        axis.axvline(value, color="0.4", ls="--", lw=1, zorder=0)
        axis.annotate(name, (value, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=_SMALL)
    axis.set(yticks=range(len(table)), yticklabels=table["method"], xlim=(0, None))
    axis.set_xlabel("error in the brain, as a part of what copying the source costs")
    axis.set_ylim(len(table) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    handles = [
        plt.Line2D([], [], color="0.3", marker="o", lw=2, label="swapped to another style"),
        plt.Line2D([], [], color="0.3", marker="s", mfc="white", lw=0, label="drawn in its own style"),
    ]
    figure.legend(handles=handles, fontsize=_SMALL, loc="outside upper right", ncols=2)
    return _done(figure)


def who_holds_what(table: pd.DataFrame, *, columns: int = 4) -> Figure:
    """A square of four a method: what (rows: style, biology) is read from which code (columns: biology, nuisance).

    ``table``: index method, columns ``<what>_from_<code>``, NaN where there is no such code; style as accuracy (0 to
    1, chance is not taken off), biology as R2. What is below 0 is shown as 0, here and nowhere else.
    """
    count = len(table)
    lines = -(-count // columns)
    size = (WIDTH_IN, 1.75 * lines + 0.2)
    figure, axes = plt.subplots(lines, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    for axis, (method, row) in zip(axes.flat, table.iterrows(), strict=False):
        values = np.array([[row[f"{what}_from_{code}"] for code in _CODES] for what in _QUESTIONS], float)
        _square(axis, values)
        axis.set_title(method, fontsize=_SMALL + 1)
        axis.set_xticks(range(2), [f"{code}\ncode" for code in _CODES], fontsize=_SMALL)
        axis.set_yticks(range(2), _QUESTIONS, fontsize=_SMALL)
    return _done(figure)


def cost_plot(table: pd.DataFrame) -> Figure:
    """Swap error over fitting time in minutes, a named dot a method: ``method``, ``fit_seconds``, ``value``."""
    figure, axis = plt.subplots(figsize=(WIDTH_IN * 0.85, 3.4), layout="constrained")
    shades = colours(table["method"])
    for row in table.to_dict("records"):
        place = (row["fit_seconds"] / 60, row["value"])
        axis.plot(*place, "o", color=shades[row["method"]], ms=7)
        axis.annotate(row["method"], place, xytext=(6, 4), textcoords="offset points", fontsize=_SMALL + 1)
    axis.set(xlabel="minutes of fitting on one core", ylabel="swap error, copying = 1", ylim=(0, None))
    axis.margins(x=0.25)
    axis.set_xlim(left=0)
    return _done(figure)


def _square(axis: Axes, values: np.ndarray) -> None:
    """Four numbers as shades, written in; a dash where there is none."""
    bare(axis)
    shown = np.ma.masked_invalid(np.clip(values, 0, 1))
    axis.imshow(shown, cmap="Blues", vmin=0, vmax=1.3)
    for (row, column), value in np.ndenumerate(values):
        known = np.isfinite(value)
        text = f"{max(value, 0):.2f}" if known else "no code"
        shade = "white" if known and value > 0.75 else "0.2"
        axis.text(column, row, text, ha="center", va="center", fontsize=_SMALL + 1, color=shade)


def _done(figure: Figure) -> Figure:
    plt.close(figure)
    return figure
