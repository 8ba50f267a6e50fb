"""The findings of the chapter, recorded once each, and its conclusions in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from disentangle.comparison.evaluate import (
    CODE_SCORES,
    PROBES,
    code_difference,
    difference,
    interval,
    less_reference,
    methods_of,
    over_heads,
    seed_means,
)
from disentangle.comparison.methods import METHODS
from disentangle.metrics.intervals import Interval
from disentangle.runs.report import Report

CHANCE = 1 / 6
WHAT = {
    "swap_error": ("error of swapping to another style, in the brain, copying the source = 1", "part", "lower"),
    "reconstruction_error": ("error of drawing the own style, in the brain, copying another = 1", "part", "lower"),
    "style_from_biology": ("style read from the biological code, six styles", "balanced accuracy", "lower"),
    "style_from_nuisance": ("style read from the nuisance code, six styles", "balanced accuracy", "higher"),
    "biology_from_biology": ("tissue shares and brain area read from the biological code", "R2", "higher"),
    "biology_from_nuisance": ("tissue shares and brain area read from the nuisance code", "R2", "lower"),
    "distance_correlation": ("squared distance correlation of both codes within a style", "dCor2", "lower"),
}


@dataclass(frozen=True)
class Beyond:
    """What decides a sentence beside the scores themselves.

    ``runner_up``: the name of the second best in swaps and the best one's error less its own. ``style_gaps``: method ->
    style read from the biological code less from the nuisance code. ``section``: biology read from the number of the
    section alone; ``over_section``: method -> biology read from the biological code less that.
    """

    runner_up: tuple[str, Interval] | None = None
    style_gaps: dict[str, Interval] = field(default_factory=dict)
    section: Interval | None = None
    over_section: dict[str, Interval] = field(default_factory=dict)


def record_scores(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """Record every score of every method; a row each: method, metric, condition, value, low, high, n, seeds."""
    rows = []
    for method in methods_of(table):
        for metric, (what, unit, better) in WHAT.items():
            for condition in PROBES if metric in CODE_SCORES else ("",):
                found = interval(table, metric, method, condition)
                if found is None:
                    continue
                words = f"{what}; {METHODS[method].title}" + (f", {condition} probe" if condition else "")
                aim = "neither" if method == "copy" else better
                report.finding(metric, method, found, condition=condition or None, what=words, unit=unit, better=aim)
                seeds = seed_means(table, metric, method, condition)
                facts = {"method": method, "metric": metric, "condition": condition, "seeds": seeds}
                rows.append(facts | vars(found))
    return pd.DataFrame(rows, columns=["method", "metric", "condition", "seeds", "value", "low", "high", "n"])


def record_gains(report: Report, table: pd.DataFrame) -> dict[str, Interval]:
    """Record the swap error of every method less that of the curve of grey values, paired by head."""
    gains = {}
    for method in methods_of(table):
        gain = difference(table, "swap_error", method, "style_mean")
        if method in ("style_mean", "copy") or gain is None:
            continue
        words = f"paired difference of swap errors, {METHODS[method].title} minus the curve of grey values"
        report.finding("swap_error", f"{method}-style_mean", gain, what=words, unit="part", better="lower")
        gains[method] = gain
    return gains


def record_rotation(report: Report, table: pd.DataFrame) -> Interval | None:
    """Record the swap error of latent rotation less that of the autoencoder it rotates, paired by head."""
    gain = difference(table, "swap_error", "rotation", "autoencoder")
    if gain is not None:
        words = "paired difference of swap errors, latent rotation minus the autoencoder whose latents it rotates"
        report.finding("swap_error", "rotation-autoencoder", gain, what=words, unit="part", better="lower")
    return gain


def record_beyond(report: Report, table: pd.DataFrame, summary: pd.DataFrame, section: pd.Series | None) -> Beyond:
    """Record the differences of `Beyond`; ``section``: R2 of the section's number by head, None where not comparable.

    Codes are compared by the better probe of each.
    """
    trained = [name for name in methods_of(table) if name not in ("copy", "style_mean")]
    best = _best_probe(summary)
    style, biology = "style_from_biology", "biology_from_biology"
    gaps, over = {}, {}
    for name in trained:
        if (name, style) in best and (name, "style_from_nuisance") in best:
            pair = [(metric, best[name, metric]) for metric in (style, "style_from_nuisance")]
            words = f"style read from the biological code, less from the nuisance code; {METHODS[name].title}"
            gaps[name] = code_difference(table, name, *pair)
            report.finding("style_gap", name, gaps[name], what=words, unit="balanced accuracy", better="lower")
        if section is not None and (name, biology) in best:
            found = less_reference(table, biology, name, best[name, biology], section)
            if found is not None:
                words = (
                    f"biology read from the biological code of {METHODS[name].title}, less from the section's number"
                )
                report.finding(biology, f"{name}-section", found, what=words, unit="R2", better="higher")
                over[name] = found
    alone = None if section is None else over_heads(section)
    if alone is not None:
        words = "tissue shares and brain area guessed from the number of the section, without the picture"
        report.finding(biology, "section", alone, what=words, unit="R2", better="neither")
    return Beyond(_record_runner_up(report, table, summary, trained), gaps, alone, over)


def _record_runner_up(
    report: Report, table: pd.DataFrame, summary: pd.DataFrame, trained: list[str]
) -> tuple[str, Interval] | None:
    if len(trained) < 2:
        return None
    swaps = summary[summary["metric"] == "swap_error"].set_index("method")["value"]
    first, second = swaps[trained].sort_values().index[:2]
    gap = difference(table, "swap_error", first, second)
    if gap is None:
        return None
    words = f"paired difference of swap errors, {METHODS[first].title} minus {METHODS[second].title}, the next best"
    report.finding("swap_error", f"{first}-{second}", gap, what=words, unit="part", better="lower")
    return second, gap


def _best_probe(summary: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(method, metric) -> the probe that reads most, of the questions to the codes."""
    codes = summary[summary["metric"].isin(CODE_SCORES)]
    ranked = codes.sort_values("value", ascending=False).drop_duplicates(["method", "metric"])
    return ranked.set_index(["method", "metric"])["condition"].to_dict()


def strongest_probe(summary: pd.DataFrame) -> pd.DataFrame:
    """What can be read from each code by the better of two probes: a row a method, a column a question."""
    codes = summary[summary["metric"].isin(CODE_SCORES)]
    wide = codes.pivot_table(index="method", columns="metric", values="value", aggfunc="max", sort=False)
    return wide.reindex(columns=list(CODE_SCORES))


def wide_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Every score with its interval as text, a row a method: the table of the page."""
    if not len(summary):
        return pd.DataFrame()
    text = summary.assign(
        text=[f"{v:.2f} [{lo:.2f}, {hi:.2f}]" for v, lo, hi in summary[["value", "low", "high"]].to_numpy()],
        column=[
            " ".join([m.replace("_", " "), c]).strip()
            for m, c in zip(summary["metric"], summary["condition"], strict=True)
        ],
    )
    columns = list(dict.fromkeys(text["column"]))
    wide = text.pivot(index="method", columns="column", values="text")[columns].fillna("none")
    wide = wide.reindex(list(dict.fromkeys(summary["method"])))
    told = pd.DataFrame(
        {
            name: {"told in training": METHODS[name].told, "style asked for by": METHODS[name].style}
            for name in wide.index
        }
    ).T
    return told.join(wide).rename(index=lambda name: METHODS[name].title)


def conclusions(summary: pd.DataFrame, gains: dict[str, Interval], beyond: Beyond) -> list[str]:
    """What the findings say, a sentence each; nothing where nothing has run."""
    trained = [name for name in dict.fromkeys(summary["method"]) if name in gains]
    if not trained:
        return []
    swaps = summary[summary["metric"] == "swap_error"].set_index("method")
    floors = summary[summary["metric"] == "reconstruction_error"].set_index("method")["value"]
    every = strongest_probe(summary)
    held, picture = every.reindex(trained), every.loc["copy"] if "copy" in every.index else None
    return [
        _on_swaps(swaps.loc[trained], beyond),
        _on_curve(swaps, gains),
        _on_floors(swaps["value"].reindex(trained), floors.reindex(trained)),
        _on_style(held, picture),
        *_on_nuisance(held, beyond.style_gaps),
        _on_section(beyond),
    ]


def _on_swaps(swaps: pd.DataFrame, beyond: Beyond) -> str:
    ranked = swaps["value"].sort_values()
    best, worst = ranked.index[0], ranked.index[-1]
    copied = [_title(name) for name in ranked.index if swaps.loc[name, "high"] >= 1]
    words = (
        f"**Swaps.** Of the trained methods {_title(best)} comes nearest to the truth "
        f"({_shown(swaps.loc[best])} of what copying costs), {_title(worst)} stays farthest "
        f"({_shown(swaps.loc[worst])})."
    )
    if beyond.runner_up:
        name, gap = beyond.runner_up
        verdict = "told apart" if gap.low * gap.high > 0 else "not told apart"
        words += f" The first and the next, {_title(name)}, are {verdict}: {_signed(gap)}."
    return words + (f" Not told apart from copying, or worse: {', '.join(copied)}." if copied else "")


def _on_curve(swaps: pd.DataFrame, gains: dict[str, Interval]) -> str:
    if "style_mean" not in swaps.index:
        return ""
    better = [_title(name) for name, gain in gains.items() if gain.high < 0]
    worse = [_title(name) for name, gain in gains.items() if gain.low > 0]
    return (
        f"**A curve of grey values** for each pair of styles, without any network, is left with "
        f"{_shown(swaps.loc['style_mean'])}. Better than it: {', '.join(better) or 'none'}; "
        f"worse: {', '.join(worse) or 'none'}."
    )


def _on_floors(swaps: pd.Series, floors: pd.Series) -> str:
    cost = (swaps - floors).sort_values()
    return (
        "**Drawing or swapping?** The own style is drawn with an error too, which a swap can hardly undercut. "
        "Swapping adds least in "
        f"{_title(cost.index[0])} ({cost.iloc[0]:.2f} on top of {floors[cost.index[0]]:.2f}) and most in "
        f"{_title(cost.index[-1])} ({cost.iloc[-1]:.2f} on top of {floors[cost.index[-1]]:.2f})."
    )


def _on_style(held: pd.DataFrame, picture: pd.Series | None) -> str:
    style = held["style_from_biology"].sort_values()
    words = (
        f"**Style in the biological code.** Chance is {CHANCE:.2f}. "
        f"Least can be read from that of {_title(style.index[0])} ({style.iloc[0]:.2f}), "
        f"most from that of {_title(style.index[-1])} ({style.iloc[-1]:.2f})."
    )
    if picture is not None:
        words += f" From the picture itself, pooled, it is {picture['style_from_biology']:.2f}."
    return words


def _on_nuisance(held: pd.DataFrame, gaps: dict[str, Interval]) -> list[str]:
    known = held.dropna(subset=["biology_from_nuisance"])
    if not len(known):
        return []
    leaks = known["biology_from_nuisance"].sort_values()
    wrong = [name for name in known.index if name in gaps and gaps[name].low > 0]
    unsure = [name for name in known.index if name in gaps and gaps[name].low <= 0 <= gaps[name].high]
    words = (
        f"**Biology in the nuisance code.** Least is read from that of {_title(leaks.index[0])} "
        f"(R2 {leaks.iloc[0]:.2f}), most from that of {_title(leaks.index[-1])} ({leaks.iloc[-1]:.2f})."
    )
    if gaps:
        words += (
            f" The style is read better from the **wrong** code than from its own in: {_listed(wrong)}; "
            f"not told apart in: {_listed(unsure)}."
        )
    return [words]


def _on_section(beyond: Beyond) -> str:
    if beyond.section is None:
        return ""
    more = [name for name, gap in beyond.over_section.items() if gap.low > 0]
    less = [name for name, gap in beyond.over_section.items() if gap.high < 0]
    unsure = [name for name in beyond.over_section if name not in more + less]
    words = (
        "**Biology, or the place of the section?** Whoever knows only which of the sections it is, and sees no "
        f"picture, already has R2 {beyond.section.value:.2f} [{beyond.section.low:.2f}, {beyond.section.high:.2f}]. "
        f"More is read from the biological code of: {_listed(more)}; not told apart from it: {_listed(unsure)}; "
        f"less: {_listed(less)}."
    )
    return (
        words
        if more
        else words + " So R2 shows here whether a code tells the section, not whether it tells the person."
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(_title, names)) or "none"


def _title(name: str) -> str:
    return METHODS[name].title


def _signed(gap: Interval) -> str:
    return f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"


def _shown(row: pd.Series) -> str:
    return f"{row['value']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
