"""Figures of the rotation chapter: directions and their curve, swaps, choice of clusters, clusters in two settings.

They take arrays and tables, and return a closed Figure in the look of ``disentangle.figures``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from disentangle.figures import WIDTH_IN, bare, colours, show

_SMALL = 7


def directions_panel(singular_values: np.ndarray, curve: pd.DataFrame, dropped: int, settings: int) -> Figure:
    """Singular values of the classifier's weights, and what dropping more and more directions does.

    ``curve`` is `LatentRotation.curve_` of its first round.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH_IN, 2.7), width_ratios=(1, 1.6), layout="constrained")
    values = np.asarray(singular_values, float)[:10]
    values = values / max(values[0], np.finfo(float).tiny)
    left.bar(
        np.arange(1, len(values) + 1), values, color=["C1" if at < dropped else "0.75" for at in range(len(values))]
    )
    left.set(xlabel="direction", ylabel="singular value / largest", yscale="log", ylim=(1e-4, 2))
    left.set_xticks(range(1, len(values) + 1))
    first = curve[curve["round"] == 0] if "round" in curve else curve
    lines = {
        "linear probe of the setting": "setting_accuracy",
        "pair told by the classifier": "pair_accuracy",
        "same place is the nearest": "same_location",
        "variance kept": "kept",
    }
    for (label, name), colour in zip(lines.items(), sns.color_palette(), strict=False):
        right.plot(first["dropped"], first[name], "o-", ms=4, color=colour, label=label)
    right.axhline(1 / settings, color="0.5", ls=":", lw=1)
    right.axvline(dropped, color="C1", ls="--", lw=1)
    right.set(xlabel="dropped dimensions", ylabel="share", ylim=(0, 1.03))
    right.set_xticks(sorted(first["dropped"].unique()))
    right.legend(fontsize=_SMALL, loc="center right")
    return _done(figure)


def swap_panel(columns: Mapping[str, np.ndarray], row_labels: Sequence[str]) -> Figure:
    """One column a kind of picture, one row a place; images (place, 1, height, width) in 0..1."""
    count = len(row_labels)
    figure, axes = plt.subplots(count, len(columns), figsize=(len(columns) * 1.15, count * 1.15 + 0.45), squeeze=False)
    for column, (title, images) in zip(axes.T, columns.items(), strict=True):
        column[0].set_title(title, fontsize=_SMALL, pad=3)
        for axis, image in zip(column, images, strict=True):
            bare(axis)
            show(axis, image, limits=(0.0, 0.75))
    for axis, label in zip(axes[:, 0], row_labels, strict=True):
        axis.set_ylabel(label, fontsize=_SMALL)
    figure.subplots_adjust(
        left=0.12, right=0.995, bottom=0.01, top=1 - 0.4 / (count * 1.15 + 0.45), wspace=0.05, hspace=0.05
    )
    return _done(figure)


def choice_panel(stability: pd.DataFrame, by_k: Mapping[str, pd.DataFrame]) -> Figure:
    """First stability of the clustering over sub-cohorts, a line a model, its choice marked; then scores by k.

    ``by_k`` maps the name of a score to its table with the columns k, method, value, low, high.
    """
    figure, (left, *others) = plt.subplots(1, 1 + len(by_k), figsize=(WIDTH_IN, 2.7), layout="constrained")
    for _, rows in stability.groupby("model"):
        rows = rows.sort_values("k")
        left.errorbar(rows["k"], rows["stability"], rows["spread"], color="0.6", lw=1, capsize=2)
        picked = rows[rows["chosen"]]
        left.plot(picked["k"], picked["stability"], "o", color="C1", ms=6, zorder=3)
    left.set(ylabel="stability (ARI of halves)", ylim=(0, 1.02))
    for axis, (label, table) in zip(others, by_k.items(), strict=True):
        for name, colour in colours(table["method"]).items():
            rows = table[table["method"] == name].sort_values("k")
            axis.plot(rows["k"], rows["value"], "o-", color=colour, ms=4, label=name)
            axis.fill_between(rows["k"], rows["low"], rows["high"], color=colour, alpha=0.2, lw=0)
        axis.set(ylabel=label, ylim=(0, 1.02))
    others[-1].legend(fontsize=_SMALL)
    for axis in (left, *others):
        axis.set(xlabel="clusters")
        axis.set_xticks(sorted(stability["k"].unique()))
    return _done(figure)


def map_panel(points: Mapping[str, np.ndarray], groups: np.ndarray, title_of_groups: str) -> Figure:
    """One scatter a method: points (row, 2), coloured by ``groups`` (row,)."""
    figure, axes = plt.subplots(1, len(points), figsize=(WIDTH_IN, 2.9), layout="constrained", squeeze=False)
    shades = colours(sorted(set(groups)))
    for axis, (name, values) in zip(axes[0], points.items(), strict=True):
        for group, shade in shades.items():
            here = groups == group
            axis.plot(*values[here].T, ".", color=shade, ms=2.5, alpha=0.7, label=group)
        axis.set(title=name, xlabel="first axis", ylabel="second axis")
        axis.set(xticks=[], yticks=[])
    axes[0, -1].legend(
        fontsize=_SMALL, markerscale=4, title=title_of_groups, title_fontsize=_SMALL, bbox_to_anchor=(1, 1)
    )
    return _done(figure)


def composition_bars(profiles: Mapping[str, pd.DataFrame], severity: pd.Series) -> Figure:
    """Stacked shares of each person in order of severity, one panel a profile (person, class)."""
    figure, axes = plt.subplots(
        len(profiles), 1, figsize=(WIDTH_IN, 1.6 * len(profiles) + 0.3), layout="constrained", sharex=True
    )
    order = severity.sort_values().index
    for axis, (name, profile) in zip(np.atleast_1d(axes), profiles.items(), strict=True):
        _stacked(axis, profile.loc[order])
        axis.set_title(name, fontsize=9, loc="left")
        axis.set(ylabel="share of patches", ylim=(0, 1), xlim=(-0.5, len(order) - 0.5), xticks=[])
    np.atleast_1d(axes)[-1].set_xlabel("people, by severity")
    return _done(figure)


def _stacked(axis: Axes, shares: pd.DataFrame) -> None:
    bottom = np.zeros(len(shares))
    for column, shade in colours(list(shares)).items():
        axis.bar(np.arange(len(shares)), shares[column], bottom=bottom, width=1.0, color=shade, label=column)
        bottom = bottom + shares[column].to_numpy()
    axis.legend(fontsize=6, bbox_to_anchor=(1.0, 1.05), loc="upper left")
    axis.grid(False)


def _done(figure: Figure) -> Figure:
    plt.close(figure)
    return figure
