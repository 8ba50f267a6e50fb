"""Findings on drawn contrasts: each function records what the cells of transfer say and returns the table to show."""

from __future__ import annotations

import pandas as pd

from disentangle.metrics import trainings
from disentangle.metrics.intervals import Interval
from disentangle.puir import evaluate
from disentangle.puir.grids import DIAL
from disentangle.puir.scores import METRICS, REGIONS
from disentangle.runs.report import Report

NAMES = {
    "copy": "copy the source",
    "polynomial": "polynomial of the grey value",
    "polynomial_inside": "polynomial, inside the brain mask",
    "unet": "U-Net",
    "matched": "matched network",
    "matched_short": "matched, steps of stage 2 alone",
    "no_prior": "PUIR without prior",
    "random_prior": "PUIR, random prior",
    "puir": "PUIR",
    "puir_own_rate": "PUIR, at the rate of its own choice",
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
COMPARED = (
    *evaluate.FREE,
    "unet",
    "matched",
    "matched_short",
    "no_prior",
    "random_prior",
    "puir",
    "puir_own_rate",
)
WITHOUT_SKIPS = ("puir_no_skips", "matched_no_skips")
SIMPLER = (*evaluate.FREE, "unet")
ABLATED = ("only_inv", "only_equ", "inv_equ", "no_inv", "no_equ", "no_contr", "no_decom")
PUBLISHED = {"psnr": 30.756, "ssim": 0.944}
"""What the paper reports for BraTS 2023, as quoted by a third party; not ours, and not comparable with it."""
UNITS = {"psnr": "dB", "nmse": "share of the image's energy", "ssim": "SSIM"}
DIGITS = {"psnr": ".1f", "nmse": ".3f", "ssim": ".3f"}
BETTER = {"psnr": "higher", "nmse": "lower", "ssim": "higher"}
WHERE = {"volume": "whole volume", "brain": "brain", "tumour": "tumour", "enhancing": "enhancing tumour"}


def compared(report: Report, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every method in every region by every measure, and PUIR minus each other one in PSNR.

    Returns a table of values for each measure and region (columns) and method (row), and one of paired differences with
    ``method``, ``region``, ``value``, ``low``, ``high``, ``seeds``, ``trainings``.
    """
    shown, gains = {}, []
    for method in COMPARED:
        number = len(evaluate.seeds(table, method, "brain.psnr"))
        if number:
            shown[NAMES[method]] = {("", "trainings"): "none" if method in evaluate.FREE else str(number)}
        for metric in METRICS:
            for region in REGIONS:
                found = evaluate.mean(table, method, f"{region}.{metric}")
                if found is not None:
                    words = trainings.of_score(0 if method in evaluate.FREE else number)
                    record(report, metric, method, found, region, f"{NAMES[method]}, {WHERE[region]}{words}")
                    value = f"{found.value:{DIGITS[metric]}}"
                    shown.setdefault(NAMES[method], {})[metric.upper(), WHERE[region]] = value
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
    record_difference(report, metric, f"puir-{other}", gain, region, what, len(seeds))
    more = {"region": WHERE[region], "seeds": seeds, "trainings": len(seeds)}
    return [as_row(NAMES[other], gain, **more)] if metric == "psnr" else []


def matched_gains(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """The matched network minus the polynomial inside the mask, by region: is it the constraints that fall short?"""
    rows = []
    for region in REGIONS:
        column = f"{region}.psnr"
        gain = evaluate.difference(table, "matched", "polynomial_inside", column)
        if gain is not None:
            number = len(evaluate.difference_by_seed(table, "matched", "polynomial_inside", column))
            what = f"{NAMES['matched']} minus {NAMES['polynomial_inside']}, paired, {WHERE[region]}"
            record_difference(report, "psnr", "matched-polynomial_inside", gain, region, what, number)
            rows.append(as_row(NAMES["matched"], gain, region=WHERE[region], trainings=number))
    return pd.DataFrame(rows)


def pairs_words(done: list[dict], region: str = "enhancing") -> str:
    """In which pairs PUIR is behind the polynomial most, and how it does in those that are drawn as T1ce."""
    ours, theirs = (evaluate.pair_table(done, method, region) for method in ("puir", "polynomial_inside"))
    if not len(ours) or not len(theirs):
        return ""
    lost = (ours - theirs).stack().dropna()
    lost = lost[[source != target for source, target in lost.index]]
    if lost.empty:
        return ""
    worst = lost.nsmallest(3)
    into = lost[[target == "T1ce" for _, target in lost.index]]
    said = "; ".join(f"{source} as {target} {value:+.1f} dB" for (source, target), value in worst.items())
    return (
        f"PUIR minus the polynomial in the {WHERE[region]}, where it falls behind most: {said}. Drawn as T1ce from the "
        f"others: {', '.join(f'from {source} {value:+.1f}' for (source, _), value in into.items())} dB."
    )


def at_own_rate(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """PUIR at the rate that its own validation people chose minus each other method, paired; columns of `compared`."""
    rows = []
    for other in ("matched", *SIMPLER):
        for region in REGIONS:
            column = f"{region}.psnr"
            gain = evaluate.difference(table, "puir_own_rate", other, column)
            if gain is not None:
                seeds = evaluate.difference_by_seed(table, "puir_own_rate", other, column)
                what = f"{NAMES['puir_own_rate']} minus {NAMES[other]}, paired, {WHERE[region]}"
                record_difference(report, "psnr", f"puir_own_rate-{other}", gain, region, what, len(seeds))
                more = {"region": WHERE[region], "seeds": seeds, "trainings": len(seeds)}
                rows.append(as_row(NAMES[other], gain, **more))
    return pd.DataFrame(rows)


def behind(gains: pd.DataFrame) -> str:
    """Which simpler methods PUIR is below, region by region, in words; single trainings put it behind nobody."""
    if gains.empty:
        return ""
    simpler = gains["method"].isin([NAMES[name] for name in SIMPLER])
    found = gains[(gains["trainings"] >= trainings.ENOUGH) & (gains["high"] < 0) & simpler]
    groups = found.groupby("method", sort=False)["region"]
    return "; ".join(f"{method} ({', '.join(regions)})" for method, regions in groups)


def released(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """The same people by the conventions of the released test script: all 16 pairs, background from the truth.

    The PSNR of copies is left out: their own pairs are perfect, and a mean of infinite values is whatever floor one
    gives the error.
    """
    rows = {}
    for method in COMPARED:
        for metric in ("psnr", "ssim"):
            found = evaluate.mean(table, method, f"released_{metric}")
            if found is not None and (method, metric) == ("copy", "psnr"):
                rows.setdefault(NAMES[method], {})["released PSNR"] = "infinite on its four own pairs"
            elif found is not None:
                what = f"{NAMES[method]}, by the released test script's conventions, all 16 pairs"
                record(report, metric, method, found, "released", what)
                rows.setdefault(NAMES[method], {})[f"released {metric.upper()}"] = str(found)
    return pd.DataFrame(rows).T


def released_words(table: pd.DataFrame) -> str:
    """What the numbers by the released rules say of copies, and why they are not set beside the published ones."""
    ssim = {name: evaluate.mean(table, name, "released_ssim") for name in COMPARED}
    ssim = {name: found.value for name, found in ssim.items() if found is not None}
    if "copy" not in ssim:
        return ""
    lowest = min(ssim, key=ssim.get)
    return (
        "By these rules a contrast copied from itself is perfect: its PSNR is infinite, and a polynomial fitted from a "
        f"contrast to itself is perfect too. Lowest SSIM: {NAMES[lowest]} ({ssim[lowest]:.3f}). What the paper reports "
        "for BraTS 2023 has rules that we do not know, on other heads: none of these numbers may be set beside it."
    )


def ablated(report: Report, table: pd.DataFrame, region: str = "tumour") -> pd.DataFrame:
    """Each constraint alone and each removed: PSNR, and minus PUIR with all of them, paired.

    One training each: the intervals of the table hold people alone, and the findings of differences have none.
    """
    rows, column = [], f"{region}.psnr"
    for method in ABLATED:
        found = evaluate.mean(table, method, column)
        if found is None:
            continue
        words = trainings.of_score(len(evaluate.seeds(table, method, column)))
        record(report, "psnr", method, found, region, f"{NAMES[method]}, {WHERE[region]}{words}")
        change = evaluate.difference(table, "puir", method, column)
        if change is not None:
            what = f"PUIR minus {NAMES[method]}, {WHERE[region]}"
            number = len(evaluate.difference_by_seed(table, "puir", method, column))
            record_difference(report, "psnr", f"puir-{method}", change, region, what, number)
            if method != "inv_equ":  # the same training as that without contrast, shown once
                rows.append(as_row(NAMES[method], change, trainings=number))
    return pd.DataFrame(rows)


def without_skips(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """PUIR and the matched network trained without skips, where everything must pass through X_h."""
    rows = []
    for region in ("brain", "tumour"):
        column = f"{region}.psnr"
        for method in WITHOUT_SKIPS:
            found = evaluate.mean(table, method, column)
            if found is not None:
                words = trainings.of_score(len(evaluate.seeds(table, method, column)))
                record(report, "psnr", method, found, region, f"{NAMES[method]}, {WHERE[region]}{words}")
        gain = evaluate.difference(table, *WITHOUT_SKIPS, column)
        if gain is not None:
            what = f"PUIR minus matched network, both without skips, {WHERE[region]}"
            number = len(evaluate.difference_by_seed(table, *WITHOUT_SKIPS, column))
            record_difference(report, "psnr", "-".join(WITHOUT_SKIPS), gain, region, what, number)
            rows.append(as_row(WHERE[region], gain, trainings=number))
    return pd.DataFrame(rows)


def dial(report: Report, table: pd.DataFrame, region: str = "tumour") -> pd.DataFrame:
    """Gain over the matched network by how much people's tissues differ."""
    rows = []
    for level, gain in evaluate.dial(table, f"{region}.psnr", DIAL).items():
        what = f"PUIR minus matched network, {WHERE[region]}, tissues differing by {level:g} % between people"
        single = evaluate.difference_by_seed(table, "puir", "matched", f"{region}.psnr", level)
        record_difference(report, "psnr", "puir-matched", gain, f"{region}_jitter_{level:g}", what, len(single))
        rows.append(as_row(f"{level:g} %", gain, jitter=level, seeds=single, trainings=len(single)))
    change = evaluate.dial_change(table, f"{region}.psnr", DIAL[0], DIAL[-1])
    if change is not None:
        what = f"gain of PUIR over the matched network with static tissues minus that with {DIAL[-1]:g} % jitter"
        condition = f"{region}_jitter_{DIAL[0]:g}-{region}_jitter_{DIAL[-1]:g}"
        number = len(evaluate.dial_change_by_seed(table, f"{region}.psnr", DIAL[0], DIAL[-1]))
        record_difference(report, "psnr", "puir-matched", change, condition, what, number)
    return pd.DataFrame(rows)


def record(
    report: Report,
    metric: str,
    method: str,
    found: Interval | float,
    condition: str,
    what: str,
    n: int | None = None,
) -> None:
    """Record a score, or a difference that has been through the rule on single trainings."""
    if condition != "released":
        what = f"{metric.upper()}, mean of 12 ordered pairs of contrasts, test people: {what}"
    unit, better = UNITS[metric], BETTER[metric]
    report.finding(metric, method, found, n=n, condition=condition, unit=unit, better=better, what=what)


def record_difference(
    report: Report, metric: str, method: str, found: Interval, condition: str, what: str, number: int
) -> None:
    """Record a paired difference of so many trainings."""
    recorded, words = trainings.of_difference(found, number)
    record(report, metric, method, recorded, condition, what + words, n=found.n)


def as_row(name: str, found: Interval, **more: object) -> dict:
    return {"method": name, "value": found.value, "low": found.low, "high": found.high} | more
