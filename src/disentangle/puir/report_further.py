"""Findings beyond the usual test: other people, another scanner, one real person, PUIR's own rate, and its cost."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from disentangle.metrics import trainings
from disentangle.puir import evaluate
from disentangle.puir.cohorts import MARKS
from disentangle.puir.grids import RATES
from disentangle.puir.report_transfer import COMPARED, NAMES, WHERE, record, record_difference
from disentangle.runs.report import Report

MEMORY_MIB = 2048
"""What a whole brain may take, as in ``benchmarks/test_puir_memory.py``."""


def further_people(report: Report, table: pd.DataFrame, rare: pd.DataFrame) -> pd.DataFrame:
    """Rare anatomy and another scanner: values of both, and PUIR minus the matched network."""
    rows = []
    parts = {"usual people": (table, "{}.psnr", ""), "the same at 1.5 T": (table, "scanner.{}", "scanner_1p5t")}
    parts["rare anatomy"] = (rare, "{}.psnr", "rare")
    parts |= {_words(mark): (evaluate.of_mark(rare, mark), "{}.psnr", mark) for mark in MARKS}
    for name, (part, column, condition) in parts.items():
        for region in ("brain", "tumour"):
            row = {"people": name, "region": WHERE[region]}
            for method in ("polynomial_inside", "matched", "puir"):
                found = evaluate.mean(part, method, column.format(region))
                if found is not None:
                    row[NAMES[method]] = f"{found.value:.2f} (n={found.n})"
                    if condition:
                        what = f"{NAMES[method]}, {WHERE[region]}, {name}"
                        record(report, "psnr", method, found, f"{region}_{condition}", what)
            gain = evaluate.difference(part, "puir", "matched", column.format(region))
            if gain is not None:
                number = len(evaluate.difference_by_seed(part, "puir", "matched", column.format(region)))
                row["PUIR - matched, dB"] = f"{gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"
                row["trainings"] = number
                if condition:
                    what = f"PUIR minus matched network, {WHERE[region]}, {name}"
                    record_difference(report, "psnr", "puir-matched", gain, f"{region}_{condition}", what, number)
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


def real_words(table: pd.DataFrame) -> str:
    """Means over all pairs of the real person: polynomial, matched network and PUIR; "" where not run."""
    found = {
        name: [evaluate.real_mean(table, name, f"{region}.psnr") for region in ("brain", "tumour")]
        for name in ("polynomial_inside", "matched", "puir")
    }
    said = [
        f"{NAMES[name]} {brain.value:.2f} / {tumour.value:.2f}"
        for name, (brain, tumour) in found.items()
        if brain and tumour
    ]
    return f"Mean of all pairs, dB in the brain / in the tumour: {'; '.join(said)}." if said else ""


def rate_words(report: Report, done: Sequence[dict]) -> str:
    """Which of two rates PUIR itself would have chosen by validation people, in words; "" where not run."""
    found = {}
    for cell in done:
        if "validation" in cell["scores"]:
            found[cell["parameters"]["learning_rate"]] = pd.DataFrame(cell["scores"]["validation"])
    if set(found) != set(RATES):
        return ""
    low, high = (found[rate] for rate in sorted(found))
    said = []
    for region in ("tumour", "brain"):
        better = max(found, key=lambda rate: found[rate][region].mean())
        gain = float((high[region] - low[region]).mean())
        said.append(f"{WHERE[region]} {better:g} ({gain:+.2f} dB for the higher rate)")
        what = f"PSNR, mean of 12 ordered pairs, validation people: PUIR at a rate of {max(found):g} minus PUIR at "
        what += f"{min(found):g}, {WHERE[region]}"
        report.finding(
            "psnr",
            "puir",
            gain,
            n=len(low),
            condition=f"{region}_rate_high-{region}_rate_low",
            unit="dB",
            better="neither",
            what=what + trainings.SINGLE_DIFFERENCE,
        )
    rates = " and ".join(f"{rate:g}" for rate in sorted(found))
    return (
        f"Rates of {rates} tried with PUIR itself, on {len(low)} validation people, one training each; better: "
        + ", ".join(said)
        + "."
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


def memory_words(done: Sequence[dict]) -> str:
    """Whether the whole brain of the smallest voxels keeps within the memory that it may take; "" where not run."""
    whole = [item for cell in done for item in cell["scores"].get("whole", {}).items()]
    if not whole:
        return ""
    voxel, found = min(whole, key=lambda item: float(item[0]))
    side = "within" if found["mib"] <= MEMORY_MIB else "**above**"
    return (
        f"The whole brain of {voxel} mm takes {found['mib']:.0f} MiB at most, Python and torch included: {side} the "
        f"{MEMORY_MIB / 1024:g} GiB that we allow it."
    )


def _words(mark: str) -> str:
    return {"no_enhancing": "nothing enhances", "large_ventricles": "large ventricles"}.get(mark, "several foci")
