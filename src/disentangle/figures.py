"""One look for all plots: seaborn, a colour-blind-safe palette, small PNGs, masks as outlines on grey.

Every function returns the Figure, closed: end a cell with the call, or with `display`, to show it once.
Captions and alt texts live in the notebooks. Backgrounds are white, so that a figure reads on a light and
on a dark page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PALETTE = "colorblind"
DPI = 110
WIDTH_IN = 7.2  # of the text column
GREYS = 64  # levels shown: the eye tells no more apart, and the PNG is half as large
OUTLINE = "#DE8F05"  # the palette's orange: visible on black, grey and white


def use_style() -> None:
    """Sets the house style for all figures that follow. Call it once, at the head of a notebook."""
    sns.set_theme(
        context="notebook",
        style="whitegrid",
        palette=PALETTE,
        font_scale=0.85,
        rc={
            "figure.dpi": DPI,
            "savefig.dpi": DPI,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "grid.alpha": 0.5,
            "legend.frameon": False,
            "image.cmap": "gray",
            "axes.titlesize": "medium",
        },
    )


def colours(methods: Sequence[str]) -> dict[str, tuple]:
    """One colour a method, the same wherever the methods are listed in the same order."""
    methods = list(dict.fromkeys(methods))
    return dict(zip(methods, sns.color_palette(PALETTE, len(methods)), strict=True))


def image_grid(
    images: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    *,
    masks: Sequence[np.ndarray] | None = None,
    columns: int = 6,
    row_labels: Sequence[str] | None = None,
    limits: tuple[float, float] = (0.0, 1.0),
) -> Figure:
    """Grey images in rows, each with the outline of its mask.

    Parameters
    ----------
    images : sequence of arrays (height, width) or (1, height, width)
    titles : one above each image, or as many as there are columns for the first row
    masks : bool arrays like the images, or None
    columns : int
    row_labels : one to the left of each row
    limits : grey values shown as black and as white, the same for all images
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height, width = np.squeeze(images[0]).shape
    side = min(1.5, WIDTH_IN / columns)
    titled_rows = 0 if titles is None else -(-len(titles) // columns)
    size = (columns * side, rows * side * height / width + 0.22 * titled_rows + 0.1)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    for at, axis in enumerate(axes.flat):
        bare(axis)
        if at >= len(images):
            axis.set_visible(False)
            continue
        show(axis, images[at], None if masks is None else masks[at], limits=limits)
        if titles is not None and at < len(titles):
            axis.set_title(titles[at], fontsize=8, pad=2)
        if row_labels is not None and at % columns == 0:
            axis.set_ylabel(row_labels[at // columns], fontsize=8)
    return _done(figure)


def show(
    axis: Axes, image: np.ndarray, mask: np.ndarray | None = None, *, limits: tuple[float, float] = (0.0, 1.0)
) -> None:
    """One grey image on ``axis``, with the outline of its mask."""
    grey = plt.get_cmap("gray", GREYS)
    pixels = np.squeeze(np.asarray(image, float))
    axis.imshow(pixels, cmap=grey, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    mask = None if mask is None else np.squeeze(np.asarray(mask)) > 0
    if mask is not None and mask.any() and not mask.all():
        axis.contour(mask.astype(float), [0.5], colors=OUTLINE, linewidths=1.0)


def interval_plot(
    table: pd.DataFrame,
    *,
    label: str,
    references: Mapping[str, float] | None = None,
    draws: Mapping[str, Sequence[float]] | None = None,
    hue: str | None = None,
) -> Figure:
    """One row a method: its value, its interval, every draw behind it, and named reference lines.

    Parameters
    ----------
    table : DataFrame with columns ``method``, ``value``, ``low``, ``high``
        Shown from top to bottom; ``low`` and ``high`` may be NaN.
    label : what is measured, with its unit, for the axis
    references : name -> value of vertical lines (chance, a published number)
    draws : method -> single values (seeds, label draws), drawn as small dots
    hue : column of ``table`` that gives the colour, such as the protocol
    """
    _need(table, "method", "value", "low", "high", *([hue] if hue else []))
    shades = colours(table[hue] if hue else table["method"])
    figure, axis = plt.subplots(figsize=(WIDTH_IN, 0.9 + 0.36 * len(table)), layout="constrained")
    for y, row in enumerate(table.to_dict("records")):
        colour = shades[row[hue] if hue else row["method"]]
        axis.plot([row["low"], row["high"]], [y, y], color=colour, lw=2.5, solid_capstyle="round")
        axis.plot(row["value"], y, "o", color=colour, ms=6, zorder=3)
        single = [] if draws is None else draws.get(row["method"], [])
        axis.plot(single, np.full(len(single), y + 0.22), "o", color=colour, ms=2.5, alpha=0.7)
    _reference_lines(axis, references)
    if hue:
        handles = [plt.Line2D([], [], color=shade, marker="o", label=name) for name, shade in shades.items()]
        # Outside: within the axes it would cover a row.
        figure.legend(handles=handles, fontsize=8, loc="outside upper center", ncols=min(len(handles), 3))
    axis.set(yticks=range(len(table)), yticklabels=table["method"], xlabel=label)
    axis.set_ylim(len(table) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    return _done(figure)


def curve_with_bands(
    table: pd.DataFrame,
    *,
    x: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    references: Mapping[str, float] | None = None,
) -> Figure:
    """Curves of ``value`` over column ``x``, one a method, with the band between ``low`` and ``high``.

    ``table`` has the columns ``x``, ``method``, ``value``, ``low``, ``high``; ``references`` are horizontal.
    """
    _need(table, x, "method", "value", "low", "high")
    figure, axis = plt.subplots(figsize=(WIDTH_IN * 0.8, 3.4), layout="constrained")
    for (method, colour), marker in zip(colours(table["method"]).items(), _markers(), strict=False):
        curve = table[table["method"] == method].sort_values(x)
        axis.plot(curve[x], curve["value"], marker=marker, ms=5, color=colour, label=method)
        axis.fill_between(curve[x], curve["low"], curve["high"], color=colour, alpha=0.2, lw=0)
    for name, value in (references or {}).items():
        axis.axhline(value, color="0.35", ls="--", lw=1)
        axis.annotate(name, (1, value), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)
    axis.set(xlabel=x_label, ylabel=y_label)
    if log_x:
        axis.set_xscale("log")
    axis.legend(fontsize=8)
    return _done(figure)


def roc_curves(scores: Mapping[str, np.ndarray], labels: np.ndarray) -> Figure:
    """ROC curves of several scores (name -> array (n,)) on the same 0/1 labels (n,), AUC in the legend."""
    from sklearn.metrics import roc_auc_score, roc_curve

    figure, axis = plt.subplots(figsize=(4.2, 4.0), layout="constrained")
    for name, colour in colours(list(scores)).items():
        false_positives, true_positives, _ = roc_curve(labels, scores[name])
        area = roc_auc_score(labels, scores[name])
        axis.plot(false_positives, true_positives, color=colour, lw=1.5, label=f"{name}: {area:.3f}")
    axis.plot([0, 1], [0, 1], color="0.6", ls="--", lw=1)
    axis.set(xlabel="1 - specificity", ylabel="sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axis.set_aspect("equal")
    axis.legend(loc="lower right", fontsize=8, title="AUC", title_fontsize=8)
    return _done(figure)


def traversal_grid(
    images: np.ndarray,
    steps: np.ndarray,
    *,
    row_labels: Sequence[str] | None = None,
    threshold: float | None = None,
) -> Figure:
    """Decoded walks: one row a direction, one column a step in standard deviations.

    ``images`` (directions, steps, height, width) or with a channel of 1; with ``threshold`` the region above
    it is outlined.
    """
    images = np.asarray(images).reshape(*np.shape(images)[:2], *np.shape(images)[-2:])
    flat = images.reshape(-1, *images.shape[2:])
    return image_grid(
        flat,
        [f"{step:+.1f} sd" for step in steps],
        masks=None if threshold is None else flat > threshold,
        columns=len(steps),
        row_labels=row_labels,
    )


def training_curve(history: pd.DataFrame, *, x: str = "step", log_y: bool = False) -> Figure:
    """Every loss of a history over ``x``, training solid, columns that begin with ``val`` dashed.

    ``history`` is a table (or list of dicts) with one row a record; non-numeric columns are left out.
    """
    history = pd.DataFrame(history)
    _need(history, x)
    parts = [name for name in history.select_dtypes("number") if name != x]
    base = {name: name.removeprefix("val_").removeprefix("train_") for name in parts}
    shades = colours(list(base.values()))
    figure, axis = plt.subplots(figsize=(WIDTH_IN * 0.8, 3.0), layout="constrained")
    for name in parts:
        known = history[[x, name]].dropna()
        style = "--" if name.startswith("val") else "-"
        axis.plot(known[x], known[name], style, color=shades[base[name]], lw=1.4, label=name)
    axis.set(xlabel=x, ylabel="loss")
    if log_y:
        axis.set_yscale("log")
    axis.legend(fontsize=8)
    return _done(figure)


def heat_map(table: pd.DataFrame, *, label: str, limit: float | None = None) -> Figure:
    """A table of numbers as colours with the numbers written in, such as correlations of latents and ratings.

    ``limit``: colours run from -limit to limit, white at 0; None runs from 0 to the largest value.
    """
    size = (min(WIDTH_IN, 2.0 + 0.6 * table.shape[1]), 1.0 + 0.3 * len(table))
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    scale = {"cmap": "viridis", "vmin": 0} if limit is None else {"cmap": "vlag", "vmin": -limit, "vmax": limit}
    sns.heatmap(table, ax=axis, annot=True, fmt=".2f", annot_kws={"size": 7}, cbar_kws={"label": label}, **scale)
    axis.set(xlabel="", ylabel="")
    axis.tick_params(labelsize=8)
    return _done(figure)


def bare(axis: Axes) -> None:
    """Takes ticks, grid and frame from an axis that shows an image."""
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    sns.despine(ax=axis, left=True, bottom=True)


def _reference_lines(axis: Axes, references: Mapping[str, float] | None) -> None:
    for name, value in (references or {}).items():
        axis.axvline(value, color="0.35", ls="--", lw=1, zorder=0)
        axis.annotate(name, (value, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=8)


def _markers() -> list[str]:
    return ["o", "s", "^", "D", "v", "P", "X", "*", "<", ">"]


def _need(table: pd.DataFrame, *columns: str) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(f"the table lacks {missing}, found {list(table)}")


def _done(figure: Figure) -> Figure:
    """Keeps a notebook from showing the figure a second time when the cell ends."""
    plt.close(figure)
    return figure
