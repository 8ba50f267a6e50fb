"""Figures of the anomaly detector: the chain on one section, scores of people, false alarms, vectors, lesion sizes.

They take arrays and tables, and return a closed Figure in the look of ``disentangle.figures``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from disentangle.figures import GREYS, OUTLINE, WIDTH_IN, bare, colours

_SMALL = 7
_SHADES = {"seen": "#0173B2", "unseen": "#DE8F05"}


@dataclass(frozen=True)
class Tile:
    """One picture of a panel: ``image`` (height, width), its title, an outline, and what is shown as black and white.

    ``heat`` shows it in colours, from 0 to its limit, as anomaly scores are.
    """

    image: np.ndarray
    title: str = ""
    outline: np.ndarray | None = None
    limits: tuple[float, float] = (0.0, 1.0)
    heat: bool = False


def panel(rows: Sequence[Sequence[Tile]], labels: Sequence[str] | None = None) -> Figure:
    """Rows of tiles, as many in each; ``labels`` stand to the left."""
    columns = max(len(row) for row in rows)
    height, width = rows[0][0].image.shape
    side = min(1.35, WIDTH_IN / columns)
    size = (columns * side, len(rows) * (side * height / width + 0.2) + 0.1)
    figure, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    for at, (row, line) in enumerate(zip(rows, axes, strict=True)):
        for axis, tile in zip(line, row, strict=False):
            _draw(axis, tile)
        for axis in line[len(row) :]:
            axis.set_visible(False)
        if labels is not None:
            line[0].set_ylabel(labels[at], fontsize=_SMALL + 1)
    return _done(figure)


def detection_plot(table: pd.DataFrame, *, label: str, references: Mapping[str, float] | None = None) -> Figure:
    """T1 and T2 side by side: a row a method, seen and unseen sites in colours, intervals, seeds as small dots.

    ``table`` has ``method``, ``sequence``, ``group``, ``value``, ``low``, ``high`` and ``seeds`` (list of numbers);
    ``references``: "t1" and "t2" -> where a dashed line stands, such as the prevalence.
    """
    sequences, methods = list(dict.fromkeys(table["sequence"])), list(dict.fromkeys(table["method"]))
    size = (WIDTH_IN, 1.0 + 0.34 * len(methods))
    figure, axes = plt.subplots(1, len(sequences), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for axis, sequence in zip(axes[0], sequences, strict=True):
        for row in table[table["sequence"] == sequence].to_dict("records"):
            y = methods.index(row["method"]) + (-0.14 if row["group"] == "seen" else 0.14)
            colour = _SHADES[row["group"]]
            axis.plot([row["low"], row["high"]], [y, y], color=colour, lw=2.2, solid_capstyle="round", alpha=0.8)
            axis.plot(row["value"], y, "o", color=colour, ms=5, zorder=3)
            axis.plot(row["seeds"], np.full(len(row["seeds"]), y), "|", color="0.15", ms=6, zorder=4)
        if references and sequence in references:
            axis.axvline(references[sequence], color="0.4", ls="--", lw=1, zorder=0)
        axis.set(title=sequence.upper(), xlabel=label, xlim=(0, None))
        axis.grid(axis="y", visible=False)
    axes[0, 0].set(yticks=range(len(methods)), yticklabels=methods)
    axes[0, 0].set_ylim(len(methods) - 0.4, -0.6)
    handles = [plt.Line2D([], [], color=shade, marker="o", label=f"{group} sites") for group, shade in _SHADES.items()]
    figure.legend(handles=handles, fontsize=_SMALL, loc="outside upper right", ncols=len(handles))
    return _done(figure)


def groups_plot(table: pd.DataFrame, *, x: str, label: str, x_label: str = "") -> Figure:
    """Values with intervals beside each other: ``x`` groups in order, colours by ``method``, one panel a ``panel``.

    ``table`` has ``x``, ``method``, ``panel``, ``value``, ``low`` and ``high``.
    """
    panels = list(dict.fromkeys(table["panel"]))
    groups, shades = list(dict.fromkeys(table[x])), colours(table["method"])
    size = (WIDTH_IN, 2.9)
    figure, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for axis, name in zip(axes[0], panels, strict=True):
        part = table[table["panel"] == name]
        for at, (method, colour) in enumerate(shades.items()):
            rows = part[part["method"] == method]
            place = np.array([groups.index(value) for value in rows[x]]) + 0.14 * (at - (len(shades) - 1) / 2)
            axis.vlines(place, rows["low"], rows["high"], color=colour, lw=2)
            axis.plot(place, rows["value"], "o", color=colour, ms=4.5, label=method)
        axis.set(title=name, xlabel=x_label, xticks=range(len(groups)), ylim=(0, None))
        axis.set_xticklabels(groups, fontsize=_SMALL, rotation=25, ha="right")
        axis.grid(axis="x", visible=False)
    axes[0, 0].set_ylabel(label)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, fontsize=_SMALL, loc="outside upper right", ncols=len(names))
    return _done(figure)


def alarms_plot(table: pd.DataFrame, *, target: float) -> Figure:
    """False alarms of every healthy person by site, in percent: a panel a method, T1 and T2; ``target`` dashed.

    ``table`` has ``method``, ``sequence``, ``site``, ``group`` and ``fpr`` (0..1).
    """
    methods, sites = list(dict.fromkeys(table["method"])), list(dict.fromkeys(table["site"]))
    sequences = list(dict.fromkeys(table["sequence"]))
    size = (WIDTH_IN, 1.0 + 1.5 * len(sequences))
    figure, axes = plt.subplots(
        len(sequences), len(methods), figsize=size, sharex=True, sharey="row", squeeze=False, layout="constrained"
    )
    for axis, method in zip(axes[0], methods, strict=True):
        axis.set_title(method, fontsize=_SMALL + 1)
    for line, sequence in zip(axes, sequences, strict=True):
        for axis, method in zip(line, methods, strict=True):
            part = table[(table["method"] == method) & (table["sequence"] == sequence)]
            spread = np.random.default_rng(0).uniform(-0.16, 0.16, len(part))
            places = np.array([sites.index(site) for site in part["site"]]) + spread
            axis.scatter(places, 100 * part["fpr"], s=9, c=[_SHADES[group] for group in part["group"]], alpha=0.75)
            axis.axhline(100 * target, color="0.3", ls="--", lw=1)
            axis.set(xticks=range(len(sites)), xticklabels=sites)
            axis.grid(axis="x", visible=False)
        line[0].set_ylabel(f"{sequence.upper()}, %")
    return _done(figure)


def vectors_plot(places: np.ndarray, names: Sequence[str], after: np.ndarray) -> Figure:
    """Embedded modality vectors (n, 2), coloured by name, hollow for pseudo-healthy images (``after``)."""
    shades, names = colours(sorted(set(names))), np.asarray(names)
    figure, axis = plt.subplots(figsize=(WIDTH_IN * 0.75, 3.6), layout="constrained")
    for name, colour in shades.items():
        for drawn in (False, True):
            rows = (names == name) & (after == drawn)
            face = "none" if drawn else colour
            label = f"{name}, {'pseudo-healthy' if drawn else 'image'}"
            axis.scatter(*places[rows].T, s=16, facecolors=face, edgecolors=[colour], linewidths=0.9, label=label)
    axis.set(xticks=[], yticks=[], xlabel="t-SNE 1", ylabel="t-SNE 2")
    axis.legend(fontsize=_SMALL, loc="center left", bbox_to_anchor=(1, 0.5))
    return _done(figure)


def _draw(axis: Axes, tile: Tile) -> None:
    """One tile on an axis."""
    bare(axis)
    grey = plt.get_cmap("magma" if tile.heat else "gray", GREYS)
    axis.imshow(tile.image, cmap=grey, vmin=tile.limits[0], vmax=tile.limits[1], interpolation="nearest")
    if tile.outline is not None and tile.outline.any() and not tile.outline.all():
        axis.contour(tile.outline.astype(float), [0.5], colors="#56B4E9" if tile.heat else OUTLINE, linewidths=0.9)
    axis.set_title(tile.title, fontsize=_SMALL, pad=2)


def _done(figure: Figure) -> Figure:
    plt.close(figure)
    return figure
