"""Findings of the chapter on tasks: each function records what its cells say and returns the table to show."""

from __future__ import annotations

import pandas as pd

from disentangle.metrics.intervals import Interval
from disentangle.puir import evaluate, evaluate_tasks
from disentangle.puir.cohorts import MARKS
from disentangle.runs.report import Report

STARTS = {
    "scratch": "segmentation from nothing",
    "matched": "after reconstruction alone",
    "puir": "after PUIR's pre-training",
}
TRANSFER = {"copy": "copy the source", "polynomial": "polynomial", "matched": "matched network", "puir": "PUIR"}
REGIONS = {"wt": "whole tumour", "tc": "tumour core", "et": "enhancing tumour"}
GIVEN = {"one": "one", "two": "two", "three": "three", "all": "all"}
MARK_NAMES = {
    "no_enhancing": "nothing enhances",
    "large_ventricles": "large ventricles",
    "several_foci": "several foci",
}


def dice(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """Dice of each start, region and number of given contrasts: ``method``, ``region``, ``given``, value, low, high."""
    rows = []
    for method, name in STARTS.items():
        for region, where in REGIONS.items():
            for given, words in {**GIVEN, None: "all 15 subsets"}.items():
                found = evaluate_tasks.dice_mean(table, method, region, given)
                if found is None:
                    continue
                _dice(report, method, found, region, given, f"{name}, {where}, contrasts given: {words}")
                rows.append(_row(found, method=name, region=where, given=words))
    return pd.DataFrame(rows)


def dice_gains(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """After PUIR's pre-training minus each other start, paired; ``seeds`` are the means of single seeds."""
    rows = []
    for other in ("matched", "scratch"):
        for region, where in REGIONS.items():
            for given, words in {**GIVEN, None: "all 15 subsets"}.items():
                gain = evaluate_tasks.dice_difference(table, "puir", other, region, given)
                if gain is None:
                    continue
                what = f"{STARTS['puir']} minus {STARTS[other]}, paired, {where}, contrasts given: {words}"
                _dice(report, f"puir-{other}", gain, region, given, what)
                if given is None:
                    seeds = evaluate_tasks.dice_differences_by_seed(table, "puir", other, region)
                    rows.append(_row(gain, method=STARTS[other], region=where, seeds=seeds))
    return pd.DataFrame(rows)


def _dice(report: Report, method: str, found: Interval, region: str, given: str | None, what: str) -> None:
    report.finding(
        "dice",
        method,
        found,
        condition=region if given is None else f"{region}_{given}",
        unit="Dice",
        better="higher",
        what=f"3D Dice of test people, {what}",
    )


def rare(report: Report, usual: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Dice with all contrasts in usual people and in each kind of rare anatomy, by start."""
    rows = []
    parts = {"usual": usual, "rare": table}
    if not table.empty:
        parts |= {mark: table[table[mark].astype(bool)] for mark in MARKS}
    for part, people in parts.items():
        for region, where in REGIONS.items():
            row = {"people": {"usual": "usual", "rare": "rare, all"}.get(part, MARK_NAMES.get(part)), "region": where}
            for method, name in STARTS.items():
                found = evaluate_tasks.dice_mean(people, method, region, "all")
                if found is None:
                    continue
                row[name] = f"{found.value:.2f} (n={found.n})"
                if part != "usual":
                    report.finding(
                        "dice",
                        method,
                        found,
                        condition=f"{region}_all_{part}",
                        unit="Dice",
                        better="higher",
                        what=f"3D Dice, {name}, {where}, all four contrasts, {row['people']}",
                    )
            rows.append(row)
    return pd.DataFrame([row for row in rows if len(row) > 2])


def false_enhancement(table: pd.DataFrame) -> pd.DataFrame:
    """Voxels called enhancing in people in whom nothing enhances, all contrasts given: median and most, by start."""
    if table.empty or "false_enhancing" not in table:
        return pd.DataFrame()
    part = table[(table["region"] == "et") & table["false_enhancing"].notna()]
    groups = part.groupby("method")["false_enhancing"]
    wide = pd.DataFrame(
        {"median": groups.median(), "most": groups.max(), "people": part.groupby("method")["subject"].nunique()}
    )
    return wide.rename(index=STARTS)


def pet_ct(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """PET from CT and CT from PET: PSNR and SSIM by region for each method, and PUIR minus the matched network."""
    shown = {}
    for method, name in TRANSFER.items():
        for metric in ("psnr", "ssim"):
            for region in ("volume", "brain", "tumour"):
                found = evaluate.mean(table, method, f"{region}.{metric}")
                if found is not None:
                    _pet(report, metric, method, found, region, f"{name}, both directions, {region}")
                    shown.setdefault(name, {})[f"{metric.upper()} {region}"] = f"{found.value:.3g}"
        for direction in ("CT>PET", "PET>CT"):
            for region in ("brain", "tumour"):
                found = evaluate.mean(table, method, f"{direction}.{region}")
                if found is not None:
                    condition = f"{direction.lower().replace('>', '_to_')}_{region}"
                    _pet(report, "psnr", method, found, condition, f"{name}, {direction}, {region}")
                    shown.setdefault(name, {})[f"PSNR {direction}, {region}"] = f"{found.value:.3g}"
    return pd.DataFrame(shown).T


def pet_ct_gains(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """PUIR minus the matched network and the polynomial on PET and CT: ``method``, ``region``, ``seeds``, interval."""
    rows = []
    parts = {"brain": "brain.psnr", "tumour": "tumour.psnr"}
    parts |= {
        f"{d.lower().replace('>', '_to_')}_{r}": f"{d}.{r}" for d in ("CT>PET", "PET>CT") for r in ("brain", "tumour")
    }
    for other in ("matched", "polynomial"):
        for condition, column in parts.items():
            gain = evaluate.difference(table, "puir", other, column)
            if gain is not None:
                _pet(
                    report, "psnr", f"puir-{other}", gain, condition, f"PUIR minus {TRANSFER[other]}, paired, {column}"
                )
                seeds = evaluate.difference_by_seed(table, "puir", other, column)
                rows.append(_row(gain, method=TRANSFER[other], region=_words(condition), seeds=seeds))
    return pd.DataFrame(rows)


def unpredictable(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """How much of the differences in mean uptake between people CT explains: squared correlation, brain and tumour."""
    rows = []
    for region in ("brain", "tumour"):
        for method in ("polynomial", "matched", "puir"):
            found = evaluate_tasks.explained(table, method, region)
            if found is not None:
                report.finding(
                    "uptake_r2",
                    method,
                    found,
                    condition=region,
                    cohort="pet_ct",
                    unit="squared correlation",
                    better="neither",
                    what=f"squared correlation over people of mean uptake, true and drawn from CT, {region}, {method}",
                )
                rows.append(_row(found, method=f"{TRANSFER[method]}, {region}"))
    return pd.DataFrame(rows)


def _pet(report: Report, metric: str, method: str, found: Interval, condition: str, what: str) -> None:
    report.finding(
        metric,
        method,
        found,
        condition=condition,
        cohort="pet_ct",
        unit={"psnr": "dB", "ssim": "SSIM"}[metric],
        better="higher",
        what=f"{metric.upper()} of test people: {what}",
    )


def _words(condition: str) -> str:
    return condition.replace("_to_", " > ").replace("ct", "CT").replace("pet", "PET").replace("_", ", ")


def _row(found: Interval, **facts: object) -> dict:
    return facts | {"value": found.value, "low": found.low, "high": found.high}
