"""Findings of the chapter on transfer: each function records what its cells say and returns the table to show."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from disentangle.metrics.intervals import Interval
from disentangle.puir import evaluate
from disentangle.puir.cohorts import MARKS
from disentangle.puir.grids import DIAL
from disentangle.puir.scores import METRICS, REGIONS
from disentangle.runs.report import Report

NAMES = {
    "copy": "copy the source",
    "polynomial": "polynomial of the grey value",
    "unet": "U-Net",
    "matched": "matched network",
    "matched_short": "matched, steps of stage 2 alone",
    "no_prior": "PUIR without prior",
    "random_prior": "PUIR, random prior",
    "puir": "PUIR",
    "puir_no_skips": "PUIR, no skips",
    "matched_no_skips": "matched network, no skips",
    "only_inv": "invariance alone",
    "only_equ": "equivariance alone",
    "no_inv": "no invariance",
    "no_equ": "no equivariance",
    "inv_equ": "invariance and equivariance",
    "no_contr": "no contrast (invariance and equivariance)",
    "no_decom": "no decomposition",
    "mask": "outline of the brain",
    "correlation": "grey values, correlated",
}
COMPARED = ("copy", "polynomial", "unet", "matched", "matched_short", "no_prior", "random_prior", "puir")
ABLATED = ("only_inv", "only_equ", "inv_equ", "no_inv", "no_equ", "no_contr", "no_decom")
UNITS = {"psnr": "dB", "nmse": "share of the image's energy", "ssim": "SSIM"}
BETTER = {"psnr": "higher", "nmse": "lower", "ssim": "higher"}
WHERE = {"volume": "whole volume", "brain": "brain", "tumour": "tumour", "enhancing": "enhancing tumour"}
WAYS = {"zero": "set to zero", "shuffle": "of another person", "no_skip": "alone, skips cut"}


def compared(report: Report, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every method in every region by every measure, and PUIR minus each other one in PSNR.

    Returns a table of values for each measure and region (columns) and method (row), and one of paired differences with
    ``method``, ``region``, ``value``, ``low``, ``high``, ``seeds``.
    """
    shown, gains = {}, []
    for method in COMPARED:
        trainings = len(evaluate.seeds(table, method, "brain.psnr"))
        if trainings:
            shown[NAMES[method]] = {("", "trainings"): "none" if method in evaluate.FREE else str(trainings)}
        for metric in METRICS:
            for region in REGIONS:
                found = evaluate.mean(table, method, f"{region}.{metric}")
                if found is not None:
                    _found(report, metric, method, found, region, f"{NAMES[method]}, {WHERE[region]}")
                    shown.setdefault(NAMES[method], {})[metric.upper(), WHERE[region]] = f"{found.value:.3g}"
                if method != "puir":
                    gains += _gain(report, table, method, metric, region)
    return pd.DataFrame(shown).T, pd.DataFrame(gains)


def _gain(report: Report, table: pd.DataFrame, other: str, metric: str, region: str) -> list[dict]:
    """PUIR minus another method; only PSNR is shown."""
    column = f"{region}.{metric}"
    gain = evaluate.difference(table, "puir", other, column)
    if gain is None or (metric != "psnr" and other != "matched"):
        return []
    seeds = evaluate.difference_by_seed(table, "puir", other, column)
    what = f"PUIR minus {NAMES[other]}, paired, {WHERE[region]}"
    _found(report, metric, f"puir-{other}", gain, region, what, trainings=len(seeds))
    return [_row(NAMES[other], gain, region=WHERE[region], seeds=seeds)] if metric == "psnr" else []


def released(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """The same people by the conventions of the released test script: all 16 pairs, background from the truth."""
    rows = {}
    for method in COMPARED:
        for metric in ("psnr", "ssim"):
            found = evaluate.mean(table, method, f"released_{metric}")
            if found is not None:
                what = f"{NAMES[method]}, by the released test script's conventions, all 16 pairs"
                _found(report, metric, method, found, "released", what)
                rows.setdefault(NAMES[method], {})[f"released {metric.upper()}"] = str(found)
    return pd.DataFrame(rows).T


def ablated(report: Report, table: pd.DataFrame, region: str = "tumour") -> pd.DataFrame:
    """Each constraint alone and each removed: PSNR, and minus PUIR with all of them, paired.

    One training each: the intervals of the table hold people alone, and the findings of differences have none.
    """
    rows, column = [], f"{region}.psnr"
    for method in ABLATED:
        found = evaluate.mean(table, method, column)
        if found is None:
            continue
        _found(report, "psnr", method, found, region, f"{NAMES[method]}, {WHERE[region]}")
        change = evaluate.difference(table, "puir", method, column)
        if change is not None:
            what = f"PUIR minus {NAMES[method]}, {WHERE[region]}"
            trainings = len(evaluate.difference_by_seed(table, "puir", method, column))
            _found(report, "psnr", f"puir-{method}", change, region, what, trainings=trainings)
            if method != "inv_equ":  # the same training as that without contrast, shown once
                rows.append(_row(NAMES[method], change))
    return pd.DataFrame(rows)


def without_skips(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """PUIR and the matched network trained without skips, where everything must pass through X_h."""
    rows = []
    for region in ("brain", "tumour"):
        column = f"{region}.psnr"
        for method in ("puir_no_skips", "matched_no_skips"):
            found = evaluate.mean(table, method, column)
            if found is not None:
                _found(report, "psnr", method, found, region, f"{NAMES[method]}, {WHERE[region]}")
        gain = evaluate.difference(table, "puir_no_skips", "matched_no_skips", column)
        if gain is not None:
            what = f"PUIR minus matched network, both without skips, {WHERE[region]}"
            both = ("puir_no_skips", "matched_no_skips")
            trainings = len(evaluate.difference_by_seed(table, *both, column))
            _found(report, "psnr", "-".join(both), gain, region, what, trainings=trainings)
            rows.append(_row(WHERE[region], gain))
    return pd.DataFrame(rows)


def retrieval(report: Report, table: pd.DataFrame, people: int) -> pd.DataFrame:
    """Whose is it? Shares of people found, by X_h and by the controls, heads as they are and in a common frame."""
    rows = []
    frames = {
        "own": "heads as they are",
        "common": "heads of one size and place",
        "inner": "one size, place and outline",
    }
    conditions = {"own": None, "common": "common_frame", "inner": "one_outline"}
    for method in ("mask", "correlation", "matched", "no_prior", "puir"):
        for frame, words in frames.items():
            found = evaluate.mean(table, method, f"retrieval.{frame}")
            if found is None:
                continue
            name = NAMES[method] if method in ("mask", "correlation") else f"X_h, {NAMES[method]}"
            report.finding(
                "retrieval",
                method,
                found,
                condition=conditions[frame],
                unit="share of queries",
                better="higher" if method not in ("mask", "correlation") else "neither",
                what=f"a person's picture found by one in another modality, {name}, {words}, {people} people",
            )
            rows.append(_row(name, found, frame=words))
    for frame, condition in conditions.items():
        for other in ("matched", "correlation"):
            gain = evaluate.difference(table, "puir", other, f"retrieval.{frame}")
            if gain is not None:
                report.finding(
                    "retrieval",
                    f"puir-{other}",
                    gain,
                    condition=condition,
                    unit="share of queries",
                    better="higher",
                    what=f"retrieval by PUIR's X_h minus that by {NAMES[other]}, paired, {frames[frame]}",
                )
    return pd.DataFrame(rows)


def equivariance(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """How far X_h of a turned head is from the turned X_h, relative to its size."""
    rows = []
    turns = {"plane": "quarter turns of training", "other": "turns onto another side"}
    for method in ("matched", "puir", "no_equ"):
        for part, words in turns.items():
            found = evaluate.mean(table, method, f"equivariance.{part}")
            if found is not None:
                _error(report, method, found, part, f"{NAMES[method]}, {words}")
                rows.append(_row(NAMES[method], found, turns=words))
            gain = evaluate.difference(table, "puir", method, f"equivariance.{part}") if method != "puir" else None
            if gain is not None:
                _error(report, f"puir-{method}", gain, part, f"PUIR minus {NAMES[method]}, paired, {words}")
    return pd.DataFrame(rows)


def _error(report: Report, method: str, found: Interval, part: str, what: str) -> None:
    report.finding(
        "equivariance",
        method,
        found,
        condition=None if part == "plane" else "other_axes",
        unit="relative error",
        better="lower",
        what=f"distance of X_h of turned heads from turned X_h over the length of X_h; {what}",
    )


def use_of_invariant(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """What PSNR is lost when X_h is taken away, exchanged, or left alone."""
    rows = []
    for method in ("puir", "matched"):
        for way, words in WAYS.items():
            for region in ("brain", "tumour"):
                lost = evaluate.drop(table, method, way, region)
                if lost is not None:
                    report.finding(
                        "psnr_drop",
                        method,
                        lost,
                        condition=way if region == "brain" else f"{way}_tumour",
                        unit="dB",
                        better="neither",
                        what=f"PSNR lost when X_h is {words}, {NAMES[method]}, {WHERE[region]}",
                    )
                    rows.append(_row(f"{NAMES[method]}: X_h {words}", lost, region=WHERE[region]))
    return pd.DataFrame(rows)


def dial(report: Report, table: pd.DataFrame, region: str = "tumour") -> pd.DataFrame:
    """Gain over the matched network by how much people's tissues differ."""
    rows = []
    for level, gain in evaluate.dial(table, f"{region}.psnr", DIAL).items():
        what = f"PUIR minus matched network, {WHERE[region]}, tissues differing by {level:g} % between people"
        _found(report, "psnr", "puir-matched", gain, f"{region}_jitter_{level:g}", what)
        single = evaluate.difference_by_seed(table, "puir", "matched", f"{region}.psnr", level)
        rows.append(_row(f"{level:g} %", gain, jitter=level, seeds=single))
    change = evaluate.dial_change(table, f"{region}.psnr", DIAL[0], DIAL[-1])
    if change is not None:
        what = f"gain of PUIR over the matched network with static tissues minus that with {DIAL[-1]:g} % jitter"
        condition = f"{region}_jitter_{DIAL[0]:g}-{region}_jitter_{DIAL[-1]:g}"
        _found(report, "psnr", "puir-matched", change, condition, what)
    return pd.DataFrame(rows)


def further_people(report: Report, table: pd.DataFrame, rare: pd.DataFrame) -> pd.DataFrame:
    """Rare anatomy and another scanner: values of both, and PUIR minus the matched network."""
    rows = []
    parts = {"usual people": (table, "{}.psnr", ""), "the same at 1.5 T": (table, "scanner.{}", "scanner_1p5t")}
    parts["rare anatomy"] = (rare, "{}.psnr", "rare")
    parts |= {_words(mark): (evaluate.of_mark(rare, mark), "{}.psnr", mark) for mark in MARKS}
    for name, (part, column, condition) in parts.items():
        for region in ("brain", "tumour"):
            row = {"people": name, "region": WHERE[region]}
            for method in ("polynomial", "matched", "puir"):
                found = evaluate.mean(part, method, column.format(region))
                if found is not None:
                    row[NAMES[method]] = f"{found.value:.2f} (n={found.n})"
                    if condition:
                        what = f"{NAMES[method]}, {WHERE[region]}, {name}"
                        _found(report, "psnr", method, found, f"{region}_{condition}", what)
            gain = evaluate.difference(part, "puir", "matched", column.format(region))
            if gain is not None:
                row["PUIR - matched, dB"] = f"{gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"
                if condition:
                    what = f"PUIR minus matched network, {WHERE[region]}, {name}"
                    _found(report, "psnr", "puir-matched", gain, f"{region}_{condition}", what)
            rows.append(row)
    return pd.DataFrame([row for row in rows if len(row) > 2])


def real_person(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """The one real person: mean over pairs as findings, and PSNR of each pair by method (columns), mean over seeds."""
    if table.empty:
        return table
    for method in [name for name in COMPARED if name in set(table["method"])]:
        for region in ("brain", "tumour"):
            found = evaluate.real_mean(table, method, f"{region}.psnr")
            report.finding(
                "psnr",
                method,
                found.value,
                n=1,
                condition=region,
                cohort="tcga_lgg",
                unit="dB",
                better="higher",
                what=f"{NAMES[method]} trained on simulated brains, one real person, {WHERE[region]}, mean of 12 pairs",
            )
    wide = table.pivot_table(index="pair", columns="method", values=["brain.psnr", "tumour.psnr"], sort=False)
    order = [name for name in COMPARED if name in set(table["method"])]
    for pair, row in wide.iterrows():
        for region in ("brain", "tumour"):
            for method in ("matched", "puir"):
                if method in order:
                    _of_pair(report, pair, region, method, float(row[f"{region}.psnr", method]))
    wide = wide[[(f"{region}.psnr", name) for region in ("brain", "tumour") for name in order]].round(1)
    wide.columns = pd.MultiIndex.from_tuples([(column[0].split(".")[0], NAMES[column[1]]) for column in wide.columns])
    return wide


def _of_pair(report: Report, pair: str, region: str, method: str, value: float) -> None:
    source, target = pair.lower().split(">")
    report.finding(
        "psnr",
        method,
        value,
        n=1,
        condition=f"{source}_to_{target}_{region}",
        cohort="tcga_lgg",
        unit="dB",
        better="higher",
        what=f"{NAMES[method]} trained on simulated brains, one real person, {pair}, {WHERE[region]}, mean over seeds",
    )


def costs(report: Report, done: Sequence[dict]) -> pd.DataFrame:
    """Seconds a step and time and memory of whole brains, as the cost cell measured them."""
    rows = []
    for cell in done:
        scores = cell["scores"]
        for method, sides in scores.get("step", {}).items():
            for side, seconds in sides.items():
                name = f"{NAMES[method]}, training step of 4 people, {side} voxels a side"
                report.finding(
                    "cost", method, seconds, n=1, condition=f"step_side_{side}", unit="CPU s", better="lower", what=name
                )
                rows.append({"what": name, "CPU seconds": seconds, "MiB at most": ""})
        for voxel, found in scores.get("whole", {}).items():
            name = f"all contrasts of a whole brain from one, {voxel} mm, {' x '.join(map(str, found['shape']))} voxels"
            for unit, key, condition in (("CPU s", "cpu_s", "seconds"), ("MiB", "mib", "memory")):
                report.finding(
                    "cost",
                    "whole",
                    float(found[key]),
                    n=1,
                    condition=f"{condition}_{voxel}mm",
                    unit=unit,
                    better="lower",
                    what=name,
                )
            rows.append({"what": name, "CPU seconds": found["cpu_s"], "MiB at most": f"{found['mib']:.0f}"})
    return pd.DataFrame(rows)


def _found(
    report: Report, metric: str, method: str, found: Interval, condition: str, what: str, *, trainings: int = 2
) -> None:
    """Record a score or a difference; one of single trainings without an interval, which would hold people alone."""
    single = trainings < 2
    what += "; one training of each, so without an interval" if single else ""
    report.finding(
        metric,
        method,
        found.value if single else found,
        n=found.n,
        condition=condition,
        unit=UNITS[metric],
        better=BETTER[metric],
        what=f"{metric.upper()}, mean of 12 ordered pairs of contrasts, test people: {what}"
        if condition != "released"
        else what,
    )


def _row(name: str, found: Interval, **more: object) -> dict:
    return {"method": name, "value": found.value, "low": found.low, "high": found.high} | more


def _words(mark: str) -> str:
    return {"no_enhancing": "nothing enhances", "large_ventricles": "large ventricles"}.get(mark, "several foci")
