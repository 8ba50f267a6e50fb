"""Pictures of survival: Kaplan-Meier curves of risk groups over the numbers at risk, and calibration."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from disentangle.figures import WIDTH_IN, colours
from disentangle.rotation.survival_checks import at_risk, logrank


def kaplan_meier_figure(
    time: np.ndarray,
    event: np.ndarray,
    groups: Sequence,
    *,
    time_label: str = "time (years)",
    event_label: str = "survival",
    title: str = "",
    ticks: int = 6,
) -> Figure:
    """Survival of each group with its 95 % band, the log-rank test, and below it how many are still followed.

    Parameters
    ----------
    time, event : arrays (n,), event 1 or 0
    groups : sequence (n,), such as ``risk_groups`` gives
    time_label, event_label : of the axes, with unit
    ticks : number of times in the table, at round numbers
    """
    time, event = np.asarray(time, float), np.asarray(event)
    moments = _round_times(float(time.max()), ticks)
    table = at_risk(time, groups, moments)
    member = np.asarray(groups)
    figure, (upper, lower) = plt.subplots(
        2,
        1,
        figsize=(WIDTH_IN * 0.8, 3.3 + 0.22 * len(table)),
        height_ratios=[3.0, 0.28 * (len(table) + 1)],
        sharex=True,
        layout="constrained",
    )
    shades = colours(list(table.index))
    for name in table.index:
        _curve(upper, time[member == name], event[member == name], str(name), shades[name])
    test = logrank(time, event, member)
    upper.set(ylabel=event_label, ylim=(0, 1.02), xlim=(0, time.max() * 1.02), title=title)
    upper.legend(loc="upper right", fontsize=8, title=f"log-rank {_p_text(test.p)}", title_fontsize=8)
    _numbers(lower, table, shades)
    lower.set(xlabel=time_label, xticks=moments)
    plt.close(figure)
    return figure


def calibration_figure(tables: dict[str, pd.DataFrame], *, horizon_label: str) -> Figure:
    """Predicted against observed survival of each model, as ``calibration`` gives them, and the diagonal.

    ``tables`` maps the name of a model to its groups; ``horizon_label`` such as "survival at 3 years".
    """
    figure, axis = plt.subplots(figsize=(4.2, 4.0), layout="constrained")
    axis.plot([0, 1], [0, 1], color="0.6", ls="--", lw=1)
    for shift, (name, colour) in enumerate(colours(list(tables)).items()):
        groups = tables[name]
        x = groups["predicted"] + 0.006 * (shift - (len(tables) - 1) / 2)
        axis.vlines(x, groups["low"], groups["high"], color=colour, lw=1.5, alpha=0.6)
        axis.plot(x, groups["observed"], "o-", color=colour, ms=5, lw=1, label=name)
    axis.set(xlabel=f"predicted {horizon_label}", ylabel=f"observed {horizon_label}", xlim=(0, 1), ylim=(0, 1))
    axis.set_aspect("equal")
    axis.legend(loc="upper left", fontsize=8)
    plt.close(figure)
    return figure


def _curve(axis: Axes, time: np.ndarray, event: np.ndarray, name: str, colour: tuple) -> None:
    fitted = KaplanMeierFitter(label=name).fit(time, event)
    curve, band = fitted.survival_function_.iloc[:, 0], fitted.confidence_interval_
    axis.step(curve.index, curve, where="post", color=colour, lw=1.6, label=f"{name} (n = {len(time)})")
    axis.fill_between(band.index, band.iloc[:, 0], band.iloc[:, 1], step="post", color=colour, alpha=0.18, lw=0)
    censored = time[event == 0]
    axis.plot(censored, fitted.predict(censored), "|", color=colour, ms=5, mew=0.8)


def _numbers(axis: Axes, table: pd.DataFrame, shades: dict) -> None:
    """The table of people at risk, each number under its time."""
    for row, name in enumerate(table.index):
        for moment, count in table.loc[name].items():
            axis.text(moment, row, str(count), ha="center", va="center", fontsize=8, color=shades[name], clip_on=False)
    axis.set(ylim=(len(table) - 0.4, -0.6), yticks=range(len(table)), yticklabels=table.index)
    axis.set_title("number at risk", loc="left", fontsize=8, pad=2)
    axis.tick_params(axis="y", length=0, labelsize=8, pad=14)  # clear of the number at time 0
    axis.grid(False)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _round_times(longest: float, count: int) -> list[float]:
    """About ``count`` round times from 0 to at most ``longest``."""
    rough = longest / max(1, count - 1)
    magnitude = 10 ** np.floor(np.log10(rough))
    step = min((factor * magnitude for factor in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - rough))
    return [float(moment) for moment in np.arange(0, longest * (1 + 1e-9), step)]


def _p_text(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
