"""Figures of SDNet: its factors, arithmetic with them, swapped styles, curves, and Dice against labelled people.

They take arrays and tables, and return a closed Figure in the look of ``disentangle.figures``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from disentangle.figures import WIDTH_IN, bare, colours, show
from disentangle.sdnet.arithmetic import Traversal
from disentangle.sdnet.swaps import Swap

SIGNED = "vlag"
_SMALL = 7  # points of text beside small pictures
_DODGE = 0.16  # of the distance of two numbers of labelled people
STRUCTURE_COLOURS = {1: "#56B4E9", 2: "#DE8F05", 3: "#CC78BC"}  # RV, MYO, LV; of the colour-blind palette


def factors_panel(
    images: np.ndarray,
    anatomy: np.ndarray,
    reconstructed: np.ndarray,
    labels: np.ndarray,
    *,
    truth: np.ndarray | None = None,
    channel_names: Mapping[int, str] | None = None,
) -> Figure:
    """One row an image: the image, the channels of its s, its reconstruction, and outlines read from s, and true ones.

    ``images``, ``reconstructed`` (image, 1, height, width) in 0..1; ``anatomy`` (image, channel, height, width);
    ``labels``, ``truth`` (image, height, width). ``channel_names`` are added to the numbers of channels.
    """
    names, channels = channel_names or {}, anatomy.shape[1]
    titles = ["image", *(f"s{c}" + (f"\n{names[c]}" if c in names else "") for c in range(channels))]
    titles += ["drawn", "labels"] + (["true"] if truth is not None else [])
    figure, axes = _tiles(len(images), len(titles))
    for at, row in enumerate(axes):
        show(row[0], images[at])
        for channel in range(channels):
            row[1 + channel].imshow(anatomy[at, channel], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        show(row[1 + channels], reconstructed[at])
        for axis, found in zip(row[2 + channels :], (labels, truth), strict=False):
            show(axis, images[at])
            _outline(axis, found[at])
    _head(axes[0], titles)
    return _done(figure)


def outlines(
    images: np.ndarray, labels: np.ndarray, *, titles: Sequence[str] | None = None, columns: int = 6
) -> Figure:
    """Images (image, 1, height, width) in 0..1 with the outline of each structure of ``labels`` (image, height, width).

    RV is light blue, MYO orange, LV pink; no other label is drawn.
    """
    columns = min(columns, len(images))
    figure, axes = _tiles(-(-len(images) // columns), columns, largest=1.5)
    for at, axis in enumerate(axes.flat):
        if at >= len(images):
            axis.set_visible(False)
            continue
        show(axis, images[at])
        _outline(axis, labels[at])
        if titles is not None:
            axis.set_title(titles[at], fontsize=_SMALL, pad=2)
    return _done(figure)


def traversal_panel(traversal: Traversal, *, dimensions: Sequence[int] | None = None) -> Figure:
    """One row a dimension of z: the walk, the correlation of each pixel with z, and last minus first picture."""
    dimensions = range(len(traversal.images)) if dimensions is None else dimensions
    steps = len(traversal.values)
    figure, axes = _tiles(len(dimensions), steps + 2)
    for row, dimension in zip(axes, dimensions, strict=True):
        for axis, picture in zip(row, traversal.images[dimension], strict=False):
            show(axis, picture)
        signed = [_signed(row[steps], traversal.correlation[dimension])]
        signed.append(_signed(row[steps + 1], traversal.difference[dimension]))
        row[0].set_ylabel(f"z{dimension}", fontsize=_SMALL)
    _head(axes[0], [f"{value:+.0f}" for value in traversal.values] + ["correl.", "differ."])
    bar = figure.colorbar(signed[0], ax=axes[:, -1], fraction=0.3, pad=0.04)
    bar.ax.tick_params(labelsize=_SMALL)
    return _done(figure)


def arithmetic_panel(results: Mapping[str, tuple[np.ndarray, np.ndarray]], at: int = 0) -> Figure:
    """Of image ``at``: below each operation on s its channels in colour, and above what the decoder draws from it.

    ``results`` are those of `arithmetic.channel_arithmetic`. A colour is a channel, white is none.
    """
    figure, axes = _tiles(2, len(results), largest=1.5)
    for column, (anatomy, drawn) in zip(axes.T, results.values(), strict=True):
        show(column[0], drawn[at])
        _show_channels(column[1], anatomy[at])
    _head(axes[0], list(results))
    for axis, name in zip(axes[:, 0], ("drawn", "channels of s"), strict=True):
        axis.set_ylabel(name, fontsize=_SMALL)
    return _done(figure)


def swap_panel(swap: Swap, rows: Sequence[int], *, row_labels: Sequence[str] | None = None) -> Figure:
    """One row a pair: source, the exact picture in the donor's style, the swap, and what it misses (in grey values)."""
    figure, axes = _tiles(len(rows), 4, largest=1.5)
    errors = [np.squeeze(swap.swapped[at].astype(float) - swap.exact[at]) for at in rows]
    limit = max(float(np.abs(errors).max()), 1e-6)
    for place, (row, at, error) in enumerate(zip(axes, rows, errors, strict=True)):
        for axis, picture in zip(row, (swap.source, swap.exact, swap.swapped), strict=False):
            show(axis, picture[at])
        shown = _signed(row[3], error, limit)
        if row_labels is not None:
            row[0].set_ylabel(row_labels[place], fontsize=_SMALL)
    _head(axes[0], ["source", "exact", "swapped", "swapped - exact"])
    bar = figure.colorbar(shown, ax=axes[:, -1], fraction=0.08, pad=0.03)
    bar.ax.tick_params(labelsize=_SMALL)
    return _done(figure)


def learning_curves(histories: Mapping[str, pd.DataFrame], terms: Sequence[str], *, smooth: int = 1) -> Figure:
    """One panel a term of the cost, one line a method, over steps.

    ``histories``: method -> `History.frame()`; a method that lacks a term is left out of its panel. ``smooth``: mean
    over so many logged steps. Raises ValueError for a term that no method has.
    """
    absent = [term for term in terms if not any(term in table for table in histories.values())]
    if absent:
        raise ValueError(f"no history has {absent}, found {sorted(set().union(*histories.values()))}")
    columns = min(len(terms), 3)
    rows = -(-len(terms) // columns)
    size = (WIDTH_IN, 0.3 + 2.1 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    shades = colours(list(histories))
    for axis, term in zip(axes.flat, terms, strict=False):
        for method, table in histories.items():
            if term in table:
                known = table[["step", term]].dropna()
                axis.plot(
                    known["step"], known[term].rolling(smooth, min_periods=1).mean(), color=shades[method], lw=1.2
                )
        axis.set(xlabel="step", title=term)
        axis.tick_params(labelsize=_SMALL)
    for axis in axes.flat[len(terms) :]:
        axis.set_visible(False)
    handles = [plt.Line2D([], [], color=shade, label=name) for name, shade in shades.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8)
    return _done(figure)


def few_labels_plot(
    table: pd.DataFrame, *, label: str = "Dice", references: Mapping[str, float] | None = None
) -> Figure:
    """Dice against the number of labelled people, by method: every draw a small dot, their mean with its interval.

    Parameters
    ----------
    table : DataFrame with columns ``method``, ``labelled``, ``value``, ``low``, ``high``, ``runs``
        ``labelled`` is a number or "all", placed at equal distances in the order of its size; ``low`` and ``high`` may
        be NaN; ``runs`` holds the values of single trainings.
    references : name -> horizontal line
    """
    _need(table, "method", "labelled", "value", "low", "high", "runs")
    places, shades = _ordered(table["labelled"]), colours(table["method"])
    figure, axis = plt.subplots(figsize=(WIDTH_IN * 0.85, 3.6), layout="constrained")
    for number, (method, colour) in enumerate(shades.items()):
        shift = _DODGE * (number - (len(shades) - 1) / 2)
        mine = table[table["method"] == method]
        at = mine["labelled"].astype(str).map(places) + shift
        _method_curve(axis, mine.assign(at=at).sort_values("at"), method, colour)
    for name, value in (references or {}).items():
        axis.axhline(value, color="0.35", ls="--", lw=1)
        axis.annotate(name, (1, value), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)
    axis.set(xlabel="labelled people", ylabel=label, xticks=range(len(places)), xticklabels=list(places))
    axis.set_xlim(-0.5, len(places) - 0.5)
    axis.legend(fontsize=8)
    return _done(figure)


def _method_curve(axis: Axes, rows: pd.DataFrame, method: str, colour: tuple) -> None:
    axis.plot(rows["at"], rows["value"], "o", color=colour, ms=5, label=method)
    axis.vlines(rows["at"], rows["low"].astype(float), rows["high"].astype(float), color=colour, lw=2, alpha=0.8)
    for at, runs in zip(rows["at"], rows["runs"], strict=True):
        axis.plot(np.full(len(runs), at + 0.3 * _DODGE), runs, "o", color=colour, ms=3, alpha=0.6)


def _ordered(labelled: pd.Series) -> dict[str, int]:
    """Place of each number of labelled people, by size, words such as "all" last."""
    names = sorted(set(labelled.astype(str)), key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0))
    return {name: place for place, name in enumerate(names)}


def _tiles(rows: int, columns: int, *, largest: float = 1.1) -> tuple[Figure, np.ndarray]:
    side = min(largest, WIDTH_IN / columns)
    size = (columns * side, rows * side + 0.4)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    for axis in axes.flat:
        bare(axis)
    return figure, axes


def _head(axes: Sequence[Axes], titles: Sequence[str]) -> None:
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, fontsize=_SMALL, pad=2)


def _signed(axis: Axes, values: np.ndarray, limit: float = 1.0):
    return axis.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")


def _outline(axis: Axes, labels: np.ndarray) -> None:
    """The border of each structure, in a colour of its own."""
    for label, colour in STRUCTURE_COLOURS.items():
        mask = labels == label
        if mask.any() and not mask.all():
            axis.contour(mask.astype(float), [0.5], colors=colour, linewidths=0.7)


def _show_channels(axis: Axes, anatomy: np.ndarray) -> None:
    """The channel of each pixel as a colour, white where none claims it with more than one half."""
    shades = ["white", *sns.color_palette("husl", len(anatomy))]
    shown = np.where(anatomy.max(axis=0) > 0.5, anatomy.argmax(axis=0) + 1, 0)
    axis.imshow(shown, cmap=ListedColormap(shades), vmin=-0.5, vmax=len(anatomy) + 0.5, interpolation="nearest")


def _need(table: pd.DataFrame, *columns: str) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(f"the table lacks {missing}, found {list(table)}")


def _done(figure: Figure) -> Figure:
    plt.close(figure)
    return figure
