"""Figures of PUIR: contrasts of one head, drawn contrasts, gains with their intervals, the dial, Dice by subset.

They take arrays and tables and return a closed Figure in the look of ``disentangle.figures``.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from disentangle.figures import WIDTH_IN, bare, colours, show

_SMALL = 8


def largest_section(mask: np.ndarray) -> int:
    """The axial section with most of a mask (depth, height, width)."""
    return int(mask.sum((1, 2)).argmax())


def contrasts(images: np.ndarray, tumours: np.ndarray, modalities: Sequence[str], row_labels: Sequence[str]) -> Figure:
    """One row a person: the section with most tumour in each contrast, outlined.

    ``images`` (person, modality, depth, height, width), ``tumours`` (person, depth, height, width).
    """
    figure, axes = _tiles(len(images), images.shape[1], 1.6)
    for row, volumes, tumour, label in zip(axes, images, tumours, row_labels, strict=True):
        at = largest_section(tumour)
        for axis, volume in zip(row, volumes, strict=True):
            show(axis, volume[at], tumour[at])
        row[0].set_ylabel(label, fontsize=_SMALL)
    _titles(axes[0], modalities)
    return _done(figure)


def drawn_contrasts(truth: np.ndarray, drawn: np.ndarray, tumour: np.ndarray, modalities: Sequence[str]) -> Figure:
    """Above the true contrasts of a person, below all contrasts (columns) as drawn from each one (rows).

    ``truth`` (modality, depth, height, width), ``drawn`` (source, target, ...).
    """
    at, number = largest_section(tumour), len(truth)
    figure, axes = _tiles(1 + number, number, 1.35)
    for row, volumes in zip(axes, [truth, *drawn], strict=True):
        for axis, volume in zip(row, volumes, strict=True):
            show(axis, volume[at], tumour[at])
    for axis, label in zip(axes[:, 0], ["true", *(f"from {name}" for name in modalities)], strict=True):
        axis.set_ylabel(label, fontsize=_SMALL)
    _titles(axes[0], modalities)
    return _done(figure)


def learning_curves(histories: dict[str, pd.DataFrame], term: str = "reconstruction", smooth: int = 3) -> Figure:
    """A term of the loss over steps, one line a method; ``histories`` are `History.frame()` with a running step."""
    figure, axis = plt.subplots(figsize=(WIDTH_IN * 0.7, 2.6), layout="constrained")
    for (name, table), shade in zip(histories.items(), colours(list(histories)).values(), strict=True):
        known = table[["step", term]].dropna()
        axis.plot(known["step"], known[term].rolling(smooth, min_periods=1).mean(), color=shade, label=name)
    axis.set(xlabel="step", ylabel=f"{term} loss", yscale="log")
    axis.legend(fontsize=_SMALL)
    return _done(figure)


def gains_by_region(table: pd.DataFrame, *, label: str) -> Figure:
    """One panel a region: paired differences with their intervals, one row a method, seeds as small dots.

    Columns ``method``, ``region``, ``value``, ``low``, ``high``, ``seeds``.
    """
    regions, methods = list(dict.fromkeys(table["region"])), list(dict.fromkeys(table["method"]))
    size = (WIDTH_IN, 0.9 + 0.3 * len(methods))
    figure, axes = plt.subplots(1, len(regions), figsize=size, sharey=True, squeeze=False, layout="constrained")
    shades = colours(methods)
    for axis, region in zip(axes[0], regions, strict=True):
        for row in table[table["region"] == region].to_dict("records"):
            _gain(axis, methods.index(row["method"]), row, shades[row["method"]])
        axis.axvline(0, color="0.35", lw=1, ls="--")
        axis.set_title(region, fontsize=9)
        axis.grid(axis="y", visible=False)
    axes[0, 0].set(yticks=range(len(methods)), yticklabels=methods, ylim=(len(methods) - 0.5, -0.5))
    figure.supxlabel(label, fontsize=9)
    return _done(figure)


def dial_plot(table: pd.DataFrame, *, label: str) -> Figure:
    """Gains over the jitter of tissues; columns ``jitter``, ``value``, ``low``, ``high``, ``seeds``."""
    figure, axis = plt.subplots(figsize=(WIDTH_IN * 0.6, 2.8), layout="constrained")
    axis.errorbar(
        table["jitter"],
        table["value"],
        [table["value"] - table["low"], table["high"] - table["value"]],
        fmt="-o",
        lw=1.5,
    )
    for row in table.to_dict("records"):
        axis.plot(np.full(len(row["seeds"]), row["jitter"] + 0.25), row["seeds"], "o", color="0.4", ms=3)
    axis.axhline(0, color="0.35", lw=1, ls="--")
    axis.set(xlabel="SD of T1 and T2 of a tissue between people, %", ylabel=label)
    return _done(figure)


def dice_by_number(table: pd.DataFrame, *, label: str = "Dice") -> Figure:
    """One panel a region: Dice over the number of given modalities, one line a method.

    Columns ``region``, ``method``, ``given``, ``value``, ``low``, ``high``.
    """
    regions, methods = list(dict.fromkeys(table["region"])), list(dict.fromkeys(table["method"]))
    given = list(dict.fromkeys(table["given"]))
    figure, axes = plt.subplots(
        1, len(regions), figsize=(WIDTH_IN, 2.7), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, region in zip(axes[0], regions, strict=True):
        for at, (method, shade) in enumerate(colours(methods).items()):
            part = table[(table["region"] == region) & (table["method"] == method)]
            x = np.array([given.index(name) for name in part["given"]]) + 0.12 * (at - (len(methods) - 1) / 2)
            axis.plot(x, part["value"], "-o", color=shade, ms=4, lw=1.2, label=method)
            axis.vlines(x, part["low"], part["high"], color=shade, lw=2, alpha=0.7)
        axis.set(xticks=range(len(given)), xticklabels=given, title=region)
    axes[0, 0].set_ylabel(label)
    axes[0, 0].legend(fontsize=_SMALL)
    figure.supxlabel("contrasts given", fontsize=9)
    return _done(figure)


def uptake_plot(table: pd.DataFrame, region: str) -> Figure:
    """Mean uptake of each person in a region, drawn from CT over true; hot tumours apart.

    Columns ``uptake.<region>.true``, ``uptake.<region>.drawn``, ``hot`` and ``method``.
    """
    true, drawn = f"uptake.{region}.true", f"uptake.{region}.drawn"
    figure, axis = plt.subplots(figsize=(WIDTH_IN * 0.55, 3.2), layout="constrained")
    kinds = table["hot"].map({True: "hot tumour", False: "not hot"})
    methods = table["method"] if table["method"].nunique() > 1 else None
    sns.scatterplot(x=table[true], y=table[drawn], hue=kinds, style=methods, ax=axis, s=28)
    span = [min(table[true].min(), table[drawn].min()), max(table[true].max(), table[drawn].max())]
    axis.plot(span, span, color="0.35", lw=1, ls="--")
    axis.set(xlabel=f"true mean SUV, {region}", ylabel="drawn from CT, mean SUV")
    axis.legend(fontsize=_SMALL, title=None)
    return _done(figure)


def _gain(axis, at: int, row: dict, shade: tuple) -> None:
    axis.plot([row["low"], row["high"]], [at, at], color=shade, lw=2.5, solid_capstyle="round")
    axis.plot(row["value"], at, "o", color=shade, ms=5, zorder=3)
    axis.plot(row["seeds"], np.full(len(row["seeds"]), at + 0.22), "o", color=shade, ms=2.5, alpha=0.7)


def _tiles(rows: int, columns: int, side: float) -> tuple[Figure, np.ndarray]:
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns * side, rows * side + 0.3), squeeze=False, layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    for axis in axes.flat:
        bare(axis)
    return figure, axes


def _titles(axes: np.ndarray, titles: Sequence[str]) -> None:
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, fontsize=_SMALL, pad=2)


def _done(figure: Figure) -> Figure:
    plt.close(figure)
    return figure
