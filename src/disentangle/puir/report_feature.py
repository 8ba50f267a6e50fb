"""Findings on X_h itself: whose it is, whether it turns along, whether the decoder uses it, what each term does."""

from __future__ import annotations

import pandas as pd

from disentangle.metrics import trainings
from disentangle.metrics.intervals import Interval
from disentangle.puir import evaluate
from disentangle.puir.report_transfer import ABLATED, NAMES, WHERE, WITHOUT_SKIPS, as_row
from disentangle.runs.report import Report

FRAMES = {
    "own": (None, "heads as they are"),
    "common": ("common_frame", "heads of one size and place"),
    "inner": ("one_outline", "one size, place and outline"),
}
"""Frame of the cells -> condition of the findings, and words."""
TURNS = {"plane": (None, "quarter turns of training"), "other": ("other_axes", "turns onto another side")}
WAYS = {"zero": "set to zero", "shuffle": "of another person", "no_skip": "alone, skips cut"}

LINE_DB = 0.5
"""Another person's X_h must cost as much, or drawings do not test what is claimed of it; ours."""


def retrieval(report: Report, table: pd.DataFrame, people: int) -> pd.DataFrame:
    """Whose is it? Shares of people found, by X_h and by the controls: ``method``, ``frame``, ``trainings``, interval.

    Intervals of a single training hold people alone.
    """
    rows = []
    for method in (*evaluate.CONTROLS, "matched", "no_prior", "puir", *WITHOUT_SKIPS):
        control = method in evaluate.CONTROLS
        name = NAMES[method] if control else f"X_h, {NAMES[method]}"
        for frame, (condition, words) in FRAMES.items():
            found = evaluate.mean(table, method, f"retrieval.{frame}")
            if found is None:
                continue
            number = 0 if control else len(evaluate.seeds(table, method, f"retrieval.{frame}"))
            what = f"a person's picture found by one in another modality, {name}, {words}, {people} people"
            better = "neither" if control else "higher"
            _found(report, "retrieval", method, found, condition, what + trainings.of_score(number), better)
            rows.append(as_row(name, found, frame=words, trainings=number))
    pairs = [("puir", "matched"), ("puir", "correlation"), WITHOUT_SKIPS, ("puir_no_skips", "correlation")]
    for frame, (condition, words) in FRAMES.items():
        for first, second in pairs:
            what = f"retrieval by X_h of {NAMES[first]} minus that by {NAMES[second]}, paired, {words}"
            _difference(report, "retrieval", table, (first, second), f"retrieval.{frame}", condition, what, "higher")
    return pd.DataFrame(rows)


def retrieval_words(table: pd.DataFrame) -> str:
    """Whether X_h knows the person once the outline is gone: PUIR against grey values and the matched network."""
    said = []
    for name, first, others in (
        ("With skips", "puir", ("matched", "correlation")),
        ("Without skips", "puir_no_skips", ("matched_no_skips", "correlation")),
    ):
        parts = []
        for other in others:
            gain = evaluate.difference(table, first, other, "retrieval.inner")
            if gain is not None:
                number = len(evaluate.difference_by_seed(table, first, other, "retrieval.inner"))
                verdict = (
                    "one training"
                    if number < trainings.ENOUGH
                    else "more"
                    if gain.low > 0
                    else "**fewer**"
                    if gain.high < 0
                    else "not told apart"
                )
                parts.append(f"minus {NAMES[other]} {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] ({verdict})")
        if parts:
            said.append(f"{name}, what PUIR's $X_h$ finds {', '.join(parts)}")
    if not said:
        return ""
    masks = {words: evaluate.mean(table, "mask", f"retrieval.{frame}") for frame, (_, words) in FRAMES.items()}
    alone = ", ".join(f"{found.value:.2f} ({words})" for words, found in masks.items() if found)
    outline = f" The outline alone finds {alone}: a share that does not exceed it shows no more." if alone else ""
    return f"**With heads of one outline**, as shares of queries. {'. '.join(said)}.{outline}"


def against_line(lost: Interval, number: int) -> str:
    """On which side of the line a loss of PSNR lies, below which drawings do not test what is claimed of X_h."""
    if number < trainings.ENOUGH:
        return "one training"
    if lost.low >= LINE_DB:
        return "above the line"
    return "below the line" if lost.high < LINE_DB else "on both sides of the line"


def equivariance(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """How far X_h of a turned head is from the turned X_h, relative to its size; columns as of `retrieval`."""
    rows, error = [], "distance of X_h of turned heads from turned X_h over the length of X_h"
    for method in ("matched", "puir", "no_equ", *WITHOUT_SKIPS):
        for part, (condition, words) in TURNS.items():
            found = evaluate.mean(table, method, f"equivariance.{part}")
            if found is not None:
                number = len(evaluate.seeds(table, method, f"equivariance.{part}"))
                what = f"{error}; {NAMES[method]}, {words}{trainings.of_score(number)}"
                _found(report, "equivariance", method, found, condition, what, "lower")
                rows.append(as_row(NAMES[method], found, turns=words, trainings=number))
    for first, second in (("puir", "matched"), ("puir", "no_equ"), WITHOUT_SKIPS):
        for part, (condition, words) in TURNS.items():
            what = f"{error}; {NAMES[first]} minus {NAMES[second]}, paired, {words}"
            _difference(
                report, "equivariance", table, (first, second), f"equivariance.{part}", condition, what, "lower"
            )
    return pd.DataFrame(rows)


def use_of_invariant(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """What PSNR is lost when X_h is taken away, exchanged, or left alone: ``method``, ``region``, ``trainings``, ...

    Networks without skips have none to cut.
    """
    rows = []
    for method in ("puir", "matched", *WITHOUT_SKIPS):
        number = len(evaluate.seeds(table, method, "x_h.own.brain"))
        for way, words in WAYS.items():
            if way == "no_skip" and method in WITHOUT_SKIPS:
                continue
            for region in ("brain", "tumour"):
                lost = evaluate.drop(table, method, way, region)
                if lost is None:
                    continue
                what = f"PSNR lost when X_h is {words}, {NAMES[method]}, {WHERE[region]}"
                recorded, more = trainings.of_difference(lost, number)
                condition = way if region == "brain" else f"{way}_tumour"
                _found(report, "psnr_drop", method, recorded, condition, what + more, "neither", n=lost.n)
                rows.append(as_row(f"{NAMES[method]}: X_h {words}", lost, region=WHERE[region], trainings=number))
    return pd.DataFrame(rows)


def constraints(table: pd.DataFrame) -> pd.DataFrame:
    """What each constraint does to three measures: one row an ablation, beside PUIR of the same seeds.

    Columns: PUIR's PSNR in the tumour minus the ablation's; retrieval with one outline and equivariance error, both
    with PUIR's.
    """
    rows = []
    for method in [name for name in ABLATED if name != "inv_equ"]:
        change = evaluate.difference(table, "puir", method, "tumour.psnr")
        if change is None:
            continue
        row = {"training": NAMES[method], "PUIR minus it, tumour, dB": f"{change.value:+.2f}"}
        for name, column in (
            ("retrieval, one outline", "retrieval.inner"),
            ("equivariance error", "equivariance.plane"),
        ):
            both = evaluate.paired(table, method, "puir", column)
            row[name] = f"{both['first'].mean():.3f} (PUIR {both['second'].mean():.3f})"
        rows.append(row | {"trainings": len(evaluate.difference_by_seed(table, method, "puir", "tumour.psnr"))})
    return pd.DataFrame(rows)


def equivariance_words(table: pd.DataFrame) -> str:
    """Whether the error is larger without the term that asks for equivariance, as one expects; "" where not run."""
    both = evaluate.paired(table, "puir", "no_equ", "equivariance.plane")
    if both.empty:
        return ""
    full, without, number = both["first"].mean(), both["second"].mean(), both["seed"].nunique()
    matched = evaluate.mean(table, "matched", "equivariance.plane")
    others = {name: evaluate.mean(table, name, "equivariance.plane") for name in ("only_inv", "no_inv")}
    said = "lower without the term" if without < full else "higher without the term"
    said += (
        ". Invariance is asked of contrasts that were turned differently and turned back, so it teaches equivariance "
        "by itself; leaving the term out takes away only the telling of the turn and the second view"
    )
    beside = [f"{NAMES[name]}: {found.value:.3f}" for name, found in others.items() if found]
    beside += [f"matched network, without any constraint: {matched.value:.3f}"] if matched else []
    said += f" ({'; '.join(beside)})" if beside else ""
    return f"Equivariance error with all constraints {full:.4f}, without equivariance {without:.4f}: {said}. " + (
        "One training of each: this decides nothing." if number < trainings.ENOUGH else f"{number} trainings of each."
    )


def _difference(
    report: Report,
    metric: str,
    table: pd.DataFrame,
    methods: tuple[str, str],
    column: str,
    condition: str | None,
    what: str,
    better: str,
) -> None:
    """Record the paired difference of two methods, where both have run."""
    gain = evaluate.difference(table, *methods, column)
    if gain is None:
        return
    recorded, more = trainings.of_difference(gain, len(evaluate.difference_by_seed(table, *methods, column)))
    _found(report, metric, "-".join(methods), recorded, condition, what + more, better, n=gain.n)


def _found(
    report: Report,
    metric: str,
    method: str,
    found: Interval | float,
    condition: str | None,
    what: str,
    better: str,
    n: int | None = None,
) -> None:
    unit = {"retrieval": "share of queries", "equivariance": "relative error", "psnr_drop": "dB"}[metric]
    report.finding(metric, method, found, n=n, condition=condition, unit=unit, better=better, what=what)
