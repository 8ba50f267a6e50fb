"""Findings of the chapter on tasks: each function records what its cells say and returns the table to show."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from disentangle.metrics import trainings
from disentangle.metrics.intervals import Interval
from disentangle.puir import evaluate, evaluate_tasks
from disentangle.puir.cohorts import MARKS
from disentangle.puir.report_transfer import DIGITS
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
        number = evaluate_tasks.trainings_of(table, method)
        for region, where in REGIONS.items():
            for given, words in {**GIVEN, None: "all 15 subsets"}.items():
                found = evaluate_tasks.dice_mean(table, method, region, given)
                if found is None:
                    continue
                what = f"{name}, {where}, contrasts given: {words}{trainings.of_score(number)}"
                _dice(report, method, found, region, given, what)
                rows.append(_row(found, method=name, region=where, given=words, trainings=number))
    return pd.DataFrame(rows)


def dice_gains(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """After PUIR's pre-training minus each other start, paired; ``seeds``: the mean of each of the ``trainings``."""
    rows = []
    for other in ("matched", "scratch"):
        for region, where in REGIONS.items():
            for given, words in {**GIVEN, None: "all 15 subsets"}.items():
                gain = evaluate_tasks.dice_difference(table, "puir", other, region, given)
                if gain is None:
                    continue
                seeds = evaluate_tasks.dice_differences_by_seed(table, "puir", other, region, given)
                recorded, more = trainings.of_difference(gain, len(seeds))
                what = f"{STARTS['puir']} minus {STARTS[other]}, paired, {where}, contrasts given: {words}{more}"
                _dice(report, f"puir-{other}", recorded, region, given, what, n=gain.n)
                if given is None:
                    facts = {"method": STARTS[other], "region": where, "seeds": seeds, "trainings": len(seeds)}
                    rows.append(_row(gain, **facts))
    return pd.DataFrame(rows)


def missing_gains(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """Gain of PUIR's start with one contrast minus that with all four: does it help where most is missing?

    Columns ``method`` (the other start), ``region``, ``one`` (gain with one contrast), ``all``, ``value``, ``low``,
    ``high`` and ``trainings``.
    """
    rows = []
    for other in ("matched", "scratch"):
        for region, where in REGIONS.items():
            found, number = evaluate_tasks.gain_by_number(table, "puir", other, region) if len(table) else (None, 0)
            if found is None:
                continue
            recorded, more = trainings.of_difference(found, number)
            what = f"{STARTS['puir']} minus {STARTS[other]}, gain with one contrast minus gain with all, {where}{more}"
            _dice(report, f"puir-{other}", recorded, region, "one-all", what, n=found.n)
            gains = {
                given: evaluate_tasks.dice_difference(table, "puir", other, region, given) for given in ("one", "all")
            }
            rows.append(_row(found, method=STARTS[other], region=where, trainings=number, **gains))
    return pd.DataFrame(rows)


def missing_words(gains: pd.DataFrame) -> str:
    """Whether PUIR's start, against reconstruction alone, gains more where contrasts are missing; "" where not run."""
    rows = gains[gains["method"] == STARTS["matched"]] if len(gains) else gains
    if rows.empty:
        return ""
    if (rows["trainings"] < trainings.ENOUGH).any():
        return "One training of each: whether PUIR's start gains more where contrasts are missing is not decided."
    with_one = [row.region for row in rows.itertuples() if row.one.low > 0]
    larger = [row.region for row in rows.itertuples() if row.low > 0]
    smaller = [row.region for row in rows.itertuples() if row.high < 0]
    said = (
        f"With a single contrast PUIR's start is above reconstruction alone in: {', '.join(with_one) or 'no region'}. "
    )
    if smaller:
        said += f"Its gain is **smaller** with one contrast than with all four in: {', '.join(smaller)}. "
    if larger:
        said += f"Its gain is larger with one contrast than with all four in: {', '.join(larger)}. "
    if not smaller and not larger:
        said += "Whether its gain is larger or smaller with one contrast than with all four is told in no region. "
    return said + (
        "The argument for missing contrasts covers $X_h$ alone: skips are averaged over what is given."
        if not larger
        else ""
    )


def _dice(
    report: Report,
    method: str,
    found: Interval | float,
    region: str,
    given: str | None,
    what: str,
    n: int | None = None,
) -> None:
    report.finding(
        "dice",
        method,
        found,
        n=n,
        condition=region if given is None else f"{region}_{given}",
        unit="Dice",
        better="higher",
        what=f"3D Dice of test people, {what}",
    )


def subset_words(table: pd.DataFrame, modalities: Sequence[str], method: str = "puir") -> str:
    """What T1ce adds to the enhancing tumour of one start, and how often a further contrast makes Dice smaller."""
    part = table[table["method"] == method] if not table.empty else table
    if part.empty or set(part["region"]) != set(REGIONS):
        return ""
    wide = {region: evaluate_tasks.subset_table(table, region, modalities) for region in REGIONS}
    every = " + ".join(modalities)
    without = " + ".join(name for name in modalities if name != "T1ce")
    enhancing = wide["et"][method]
    given = {frozenset(name.split(" + ")): name for name in enhancing.index}
    steps = [(less, more) for less in given for more in given if less < more and len(more) == len(less) + 1]
    added: dict[str, int] = {}
    worse = dict.fromkeys(wide["et"].columns, 0)
    for one in wide.values():
        for start in one.columns:
            for less, more in steps:
                if one[start][given[more]] < one[start][given[less]]:
                    worse[start] += 1
                    (name,) = more - less
                    added[name] = added.get(name, 0) + 1
    counted = ", ".join(f"{number} ({STARTS[start]})" for start, number in worse.items())
    most = max(added, key=added.get) if added else ""
    share = f"; what is added is {most} in {added[most]} of {sum(added.values())}" if added else ""
    gain, alone = enhancing[every] - enhancing[without], enhancing["T1ce"] - enhancing[without]
    return (
        f"The enhancing rim is defined by T1ce. With segmentation {STARTS[method]}, its Dice is {enhancing[every]:.2f} "
        f"with all contrasts, {enhancing[without]:.2f} without T1ce and {enhancing['T1ce']:.2f} with T1ce alone. "
        f"T1ce added to the other three changes it by {gain:+.2f}; T1ce alone against those three, by {alone:+.2f}. "
        "What is drawn without T1ce comes from where rims tend to lie and from the traces that the others hold. Of the "
        f"{len(steps)} ways to add one contrast, in three regions each, Dice gets *smaller* in {counted}{share}. "
        "Features are averaged over what is given, so a contrast that says little can make the mean worse, whatever "
        "the start."
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
                words = trainings.of_score(evaluate_tasks.trainings_of(people, method))
                row[name] = f"{found.value:.2f} (n={found.n})"
                if part != "usual":
                    report.finding(
                        "dice",
                        method,
                        found,
                        condition=f"{region}_all_{part}",
                        unit="Dice",
                        better="higher",
                        what=f"3D Dice, {name}, {where}, all four contrasts, {row['people']}{words}",
                    )
            rows.append(row)
    return pd.DataFrame([row for row in rows if len(row) > 2])


def false_enhancement(table: pd.DataFrame) -> pd.DataFrame:
    """Voxels called enhancing where nothing enhances, all contrasts given: median and most of people and trainings."""
    if table.empty or "false_enhancing" not in table:
        return pd.DataFrame()
    part = table[(table["region"] == "et") & table["false_enhancing"].notna()]
    groups = part.groupby("method", sort=False)
    counts = {"people": groups["subject"].nunique(), "trainings": groups["seed"].nunique()}
    values = {"median": groups["false_enhancing"].median(), "most": groups["false_enhancing"].max()}
    return pd.DataFrame(values | counts).rename(index=STARTS)


def pet_ct(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """PET from CT and CT from PET: PSNR and SSIM by region for each method, and PUIR minus the matched network."""
    shown = {}
    for method, name in TRANSFER.items():
        number = 0 if method in evaluate.FREE else len(evaluate.seeds(table, method, "brain.psnr"))
        words = name + trainings.of_score(number)
        if method in evaluate.measured(table, "brain.psnr"):
            shown[name] = {"trainings": str(number or "none")}
        for metric in ("psnr", "ssim"):
            for region in ("volume", "brain", "tumour"):
                found = evaluate.mean(table, method, f"{region}.{metric}")
                if found is not None:
                    _pet(report, metric, method, found, region, f"{region}, both directions, {words}")
                    shown.setdefault(name, {})[f"{metric.upper()} {region}"] = f"{found.value:{DIGITS[metric]}}"
        for direction in ("CT>PET", "PET>CT"):
            for region in ("brain", "tumour"):
                found = evaluate.mean(table, method, f"{direction}.{region}")
                if found is not None:
                    condition = f"{direction.lower().replace('>', '_to_')}_{region}"
                    _pet(report, "psnr", method, found, condition, f"{region}, {direction}, {words}")
                    shown.setdefault(name, {})[f"PSNR {direction}, {region}"] = f"{found.value:{DIGITS['psnr']}}"
    return pd.DataFrame(shown).T


def pet_ct_gains(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """PUIR minus matched network and polynomial on PET and CT: ``method``, ``region``, ``seeds``, ``trainings``, ..."""
    rows = []
    parts = {"brain": "brain.psnr", "tumour": "tumour.psnr"}
    parts |= {
        f"{d.lower().replace('>', '_to_')}_{r}": f"{d}.{r}" for d in ("CT>PET", "PET>CT") for r in ("brain", "tumour")
    }
    for other in ("matched", "polynomial"):
        for condition, column in parts.items():
            gain = evaluate.difference(table, "puir", other, column)
            if gain is not None:
                seeds = evaluate.difference_by_seed(table, "puir", other, column)
                recorded, more = trainings.of_difference(gain, len(seeds))
                what = f"PUIR minus {TRANSFER[other]}, paired, {column}{more}"
                _pet(report, "psnr", f"puir-{other}", recorded, condition, what, n=gain.n)
                facts = {"method": TRANSFER[other], "region": _words(condition), "trainings": len(seeds)}
                rows.append(_row(gain, seeds=seeds, **facts))
    return pd.DataFrame(rows)


def unpredictable(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """How mean uptake drawn from CT goes with the true one over people: correlation with its sign, brain and tumour.

    Intervals are over people, of the mean over trainings.
    """
    rows = []
    for region in ("brain", "tumour"):
        for method in ("polynomial", "matched", "puir"):
            found = evaluate_tasks.uptake_correlation(table, method, region)
            if found is None:
                continue
            number = 0 if method in evaluate.FREE else int(table.loc[table["method"] == method, "seed"].nunique())
            report.finding(
                "uptake_r",
                method,
                found,
                condition=region,
                cohort="pet_ct",
                unit="correlation",
                better="neither",
                what=f"correlation over people of mean uptake, true and drawn from CT, {region}, {TRANSFER[method]}"
                + ("; mean over trainings, interval over people" if number > 1 else trainings.of_score(number)),
            )
            rows.append(_row(found, method=f"{TRANSFER[method]}, {region}", trainings=number or "none"))
    return pd.DataFrame(rows)


def uptake_bias(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """Mean uptake of the tumour drawn from CT minus the true one, SUV: ``method``, ``trainings``, value, low, high."""
    rows = []
    for method in ("polynomial", "matched", "puir"):
        found = evaluate_tasks.uptake_bias(table, method, "tumour")
        if found is None:
            continue
        number = 0 if method in evaluate.FREE else int(table.loc[table["method"] == method, "seed"].nunique())
        what = f"mean uptake of the tumour, drawn from CT minus true, {TRANSFER[method]}{trainings.of_score(number)}"
        facts = {"condition": "tumour", "cohort": "pet_ct", "unit": "SUV", "better": "neither", "what": what}
        report.finding("uptake_bias", method, found, **facts)
        rows.append(_row(found, method=TRANSFER[method], trainings=number))
    return pd.DataFrame(rows)


def bias_words(biases: pd.DataFrame, true: float) -> str:
    """How far the drawn mean uptake of the tumour is from the true one (SUV), method by method."""
    if biases.empty:
        return ""
    said = []
    for row in biases.itertuples():
        side = "too high" if row.low > 0 else "too low" if row.high < 0 else "not told from the truth"
        single = ", one training" if row.trainings == 1 else ""
        said.append(f"{row.method} {row.value:+.2f} SUV [{row.low:+.2f}, {row.high:+.2f}] ({side}{single})")
    return (
        f"Mean uptake of the tumour drawn from CT minus the true one, which is {true:.2f} SUV on average: "
        f"{'; '.join(said)}. The mean over people would be right on average, up to who was trained on and who is "
        "tested."
    )


def pet_words(gains: pd.DataFrame) -> str:
    """Where PUIR draws PET or CT better or worse than the matched network or the polynomial, direction by direction."""
    if gains.empty:
        return ""
    parts = gains[gains["region"].str.count(">") == 1]
    enough = parts[parts["trainings"] >= trainings.ENOUGH]
    if enough.empty:
        return "One training of each: where PUIR draws PET or CT better is not decided."
    said = []
    for words, rows in (("better", enough[enough["low"] > 0]), ("worse", enough[enough["high"] < 0])):
        found = [
            f"{row.region}: {row.value:+.2f} dB [{row.low:+.2f}, {row.high:+.2f}] against the {row.method}"
            for row in rows.itertuples()
        ]
        said.append(f"{words} in {'; '.join(found)}" if found else f"{words} nowhere")
    return f"By direction, PUIR draws {', and '.join(said)} (whole intervals beside zero)."


def unpredictable_words(known: pd.DataFrame, people: int) -> str:
    """What chance alone would give so many people, and what the correlations are."""
    if known.empty:
        return ""
    above = known.loc[known["low"] > 0, "method"].tolist()
    below = known.loc[known["high"] < 0, "method"].tolist()
    said = [
        f"{what}: {', '.join(rows)}"
        for what, rows in (("wholly above zero", above), ("wholly below zero", below))
        if rows
    ]
    return (
        f"With {people} people unrelated numbers correlate by {1 / (people - 1) ** 0.5:.2f} up or down (one standard "
        f"deviation). Of the intervals, {'; '.join(said) or 'none excludes zero'}."
    )


def _pet(
    report: Report,
    metric: str,
    method: str,
    found: Interval | float,
    condition: str,
    what: str,
    n: int | None = None,
) -> None:
    report.finding(
        metric,
        method,
        found,
        n=n,
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
