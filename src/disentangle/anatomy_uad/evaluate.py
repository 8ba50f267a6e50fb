"""From the cells of the chapter to tables with a row per person, and to intervals over people and seeds together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from disentangle.anatomy_uad.differences import DRAWS, Difference, paired, paired_difference, trainings_of
from disentangle.metrics.intervals import Interval, crossed_bootstrap

UNIT = 10_000
CONDITIONS = ("t1_seen", "t2_seen", "t1_unseen", "t2_unseen")
SEEN_SITES = ("A", "B", "D")
CHOSEN = "median5_erosion0"
Cells = Sequence[dict]


def people_facts(done: Cells) -> pd.DataFrame:
    """One row a tested person: subject, kind, lesion_ml, moved_mm, and site and prevalence of each group of sites."""
    found = [cell["scores"] for cell in done if cell["cell"] == "people"]
    if not found:
        return pd.DataFrame(columns=["subject", "kind", "lesion_ml", "moved_mm"])
    facts = pd.DataFrame({name: values for name, values in found[0].items() if name != "healthy"})
    for group in ("seen", "unseen"):
        facts[f"prevalence_{group}"] = facts[f"prevalence_{group}"] / (10 * UNIT)
    return facts


def people_table(done: Cells) -> pd.DataFrame:
    """One row a method, seed, condition and tested person: its scores in 0..1, and the person's facts.

    Columns ``ap``, ``dsc_oracle``, ``dsc_fpr``; ``phi_lesion``, ``phi_healthy``, ``phi_copied``, ``phi_residual`` where
    the method has a healthy image; ``displaced`` and ``displaced_lesion`` (AUC against the twin).
    """
    facts = people_facts(done)
    tables = []
    for cell in _of(done, "detection_cell"):
        for condition, found in cell["scores"]["conditions"].items():
            columns = {name: found[name] for name in ("ap", "dsc_oracle", "dsc_fpr")}
            columns |= {f"phi_{name}": values for name, values in found.get("phi", {}).items()}
            columns |= {"displaced": found["displaced"]["tissue"], "displaced_lesion": found["displaced"]["lesion"]}
            table = pd.DataFrame(columns).astype(float) / UNIT
            table.loc[table["ap"].isna(), ["dsc_oracle", "dsc_fpr"]] = np.nan  # no lesion in these sections
            group = condition.partition("_")[2]
            table = table.assign(**cell["parameters"], condition=condition, number=np.arange(len(table)))
            if len(facts) == len(table):
                own = facts[["subject", "kind", "lesion_ml", "moved_mm"]].assign(
                    site=facts[f"site_{group}"], prevalence=facts[f"prevalence_{group}"]
                )
                table = pd.concat([table, own], axis=1)
            else:
                table = table.assign(subject=table["number"].astype(str), kind="", prevalence=np.nan)
            tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["method", "seed", "condition"])


def methods_of(table: pd.DataFrame) -> list[str]:
    """Methods that have run, in order of the cells."""
    return list(dict.fromkeys(table["method"]))


def mean(
    table: pd.DataFrame, method: str, condition: str | Sequence[str], column: str = "ap", kind: str | None = None
) -> Interval | None:
    """Mean of a score over people and seeds with its interval; None where nothing has been measured.

    Several conditions are averaged in each person first.
    """
    values = _chosen(table, method, condition, column, kind)
    return _interval(values) if len(values) else None


def difference(
    table: pd.DataFrame,
    first: str,
    second: str,
    condition: str | Sequence[str],
    column: str = "ap",
    kind: str | None = None,
) -> Difference | None:
    """Mean paired difference of two methods on the same people; None where there is nothing to pair."""
    one, other = (_chosen(table, method, condition, column, kind) for method in (first, second))
    return paired_difference(paired(one, other, second), first, second)


def lost_abroad(table: pd.DataFrame, method: str, sequence: str, minus: str | None = None) -> Difference | None:
    """Average precision at unseen minus seen sites, the same heads; with ``minus``, how much more than that method."""
    sides = []
    for name in (method, minus):
        if name is not None:
            away, home = (_chosen(table, name, f"{sequence}_{group}", "ap") for group in ("unseen", "seen"))
            both = away.merge(home, on=["subject", "seed"], suffixes=("_away", "_home"))
            sides.append(both.assign(value=both["value_away"] - both["value_home"])[["subject", "seed", "value"]])
    if minus is not None:
        return paired_difference(paired(sides[0], sides[1], minus), method, minus)
    if not len(sides[0]):
        return None
    interval = _interval(sides[0])
    return Difference(interval.value, interval.low, interval.high, interval.n, trainings_of(table, method))


def seed_means(table: pd.DataFrame, method: str, condition: str, column: str = "ap") -> list[float]:
    """The mean over people of each seed."""
    values = _chosen(table, method, condition, column)
    return values.groupby("seed")["value"].mean().tolist()


def pooled(done: Cells, method: str, condition: str) -> Interval | None:
    """Average precision of all voxels together, mean and range over seeds; ``n`` counts people."""
    cells = [c["scores"]["conditions"][condition] for c in _of(done, "detection_cell") if _is(c, method)]
    values = np.array([found["ap_pooled"] for found in cells], float) / UNIT
    if not len(values):
        return None
    return Interval(float(values.mean()), float(values.min()), float(values.max()), len(cells[0]["ap"]))


def validation_table(done: Cells, seed: int = 0) -> pd.DataFrame:
    """Average precision on validation people, mean of T1 and T2: a row a method, a column a post-processing."""
    rows = {}
    for cell in _of(done, "detection_cell"):
        if cell["parameters"]["seed"] == seed:
            t1, t2 = (pd.Series(cell["scores"]["validation"][name], dtype=float) / UNIT for name in ("t1", "t2"))
            rows[cell["parameters"]["method"]] = (t1 + t2) / 2
    return pd.DataFrame(rows).T


def best_baseline(done: Cells, competitors: Sequence[str]) -> str | None:
    """The competitor with the best average precision on validation people; None before any has run."""
    table = validation_table(done)
    known = [name for name in competitors if name in table.index]
    return str(table.loc[known, CHOSEN].idxmax()) if known else None


def healthy_table(done: Cells) -> pd.DataFrame:
    """One row a method, seed, sequence, site and healthy person: ``fpr`` (0..1) and ``components`` a section."""
    rows = []
    for cell in _of(done, "detection_cell"):
        for sequence, sites in cell["scores"]["healthy"].items():
            for site, found in sites.items():
                group = "seen" if site in SEEN_SITES else "unseen"
                for number, (rate, parts) in enumerate(zip(found["fpr"], found["components"], strict=True)):
                    facts = {"condition": f"{sequence}_{group}", "site": site, "subject": number}
                    rows.append(cell["parameters"] | facts | {"fpr": rate / UNIT, "components": parts / 100})
    return pd.DataFrame(rows, columns=["method", "seed", "condition", "site", "subject", "fpr", "components"])


def lesion_recall(done: Cells, method: str) -> pd.DataFrame:
    """Lesions found at the healthy threshold by area: condition, ``bin`` 0..3, ``found`` and ``all``, over seeds."""
    rows = []
    for cell in _of(done, "detection_cell"):
        if _is(cell, method):
            for condition, found in cell["scores"]["conditions"].items():
                counts = np.asarray(found["found"]).reshape(len(found["found"]), -1, 2)
                for place, (hit, all_of) in enumerate(counts.sum(0)):
                    rows.append({"condition": condition, "bin": place, "found": int(hit), "all": int(all_of)})
    table = pd.DataFrame(rows, columns=["condition", "bin", "found", "all"])
    return table.groupby(["condition", "bin"], as_index=False).sum()


def recall(done: Cells, method: str, condition: str, place: int) -> Interval | None:
    """Share of the lesions of one area that are found; people are drawn with all their lesions, and trainings."""
    cells = [c for c in _of(done, "detection_cell") if _is(c, method)]
    if not cells:
        return None
    counts = np.array([c["scores"]["conditions"][condition]["found"] for c in cells])
    hit, all_of = np.moveaxis(counts.reshape(*counts.shape[:2], -1, 2)[:, :, place], 2, 0)
    if not all_of.sum():
        return None
    generator = np.random.default_rng(0)
    seeds, people = (generator.multinomial(size, np.full(size, 1 / size), DRAWS) for size in hit.shape)
    hits, totals = (np.einsum("ds,sp,dp->d", seeds, part, people) for part in (hit, all_of))
    low, high = np.percentile(hits[totals > 0] / totals[totals > 0], [2.5, 97.5])
    return Interval(float(hit.sum() / all_of.sum()), float(low), float(high), int((all_of[0] > 0).sum()))


def rings_table(done: Cells) -> pd.DataFrame:
    """AUC against the twin around the lesion, a row a method, seed, condition and person: ``pushed``, ``still`` in 0..1
    and ``excess``, the first minus the second."""
    rows = []
    for cell in _of(done, "displacement_cell"):
        for condition, found in cell["scores"]["rings"].items():
            table = pd.DataFrame(found).astype(float) / UNIT
            rows.append(table.assign(**cell["parameters"], condition=condition, subject=np.arange(len(table))))
    if not rows:
        return pd.DataFrame(columns=["method", "seed", "condition", "subject", "pushed", "still", "excess"])
    table = pd.concat(rows, ignore_index=True)
    return table.assign(excess=table["pushed"] - table["still"])


def agreement_table(done: Cells) -> pd.DataFrame:
    """One row a method, seed, part (validation or a site), pair of maps, tissue and person: ``dice`` in 0..1."""
    rows = []
    for cell in _of(done, "factors_cell"):
        for part, pairs in cell["scores"]["tissue_dice"].items():
            for pair, tissues in pairs.items():
                for tissue, values in tissues.items():
                    facts = cell["parameters"] | {"part": part, "pair": pair, "tissue": tissue}
                    rows += [facts | {"subject": n, "dice": v / UNIT} for n, v in enumerate(values)]
    return pd.DataFrame(rows, columns=["method", "seed", "part", "pair", "tissue", "subject", "dice"])


def agreement(table: pd.DataFrame, method: str, parts: Sequence[str], pair: str, tissue: str) -> Interval | None:
    """Mean Dice of a tissue over people and seeds."""
    rows = table[(table["method"] == method) & table["part"].isin(parts)]
    rows = rows[(rows["pair"] == pair) & (rows["tissue"] == tissue)]
    values = rows.groupby(["subject", "seed"], as_index=False)["dice"].mean().rename(columns={"dice": "value"})
    return _interval(values) if len(values) else None


def probe(done: Cells, method: str, what: str, sequence: str | None = None) -> Interval | None:
    """Accuracy of naming the site from ``what`` (anatomy, z, image) of a sequence, None: mean of T1 and T2."""
    rows = []
    for cell in _of(done, "factors_cell"):
        if _is(cell, method):
            found = cell["scores"]["site"][what]
            chosen = list(found.values()) if sequence is None else [found[sequence]]
            values = np.mean(chosen, axis=0) / UNIT
            rows += [{"subject": n, "seed": cell["parameters"]["seed"], "value": v} for n, v in enumerate(values)]
    return _interval(pd.DataFrame(rows)) if rows else None


def vector_shift(done: Cells, method: str = "dal") -> pd.DataFrame:
    """How far z moves on restoration and how far people are apart, by sequence; means over seeds."""
    rows = [
        {"sequence": sequence, **found}
        for cell in _of(done, "factors_cell")
        if _is(cell, method)
        for sequence, found in cell["scores"]["z_shift"].items()
    ]
    table = pd.DataFrame(rows, columns=["sequence", "moved", "between_people"])
    return table.groupby("sequence", as_index=False).mean()


def real_table(done: Cells) -> pd.DataFrame:
    """One row a real set, method, person and sequence: ``prevalence``, ``ap``, ``dsc_oracle``, ``dsc_fpr`` in 0..1."""
    rows = []
    for cell in _of(done, "real_cell"):
        for person in cell["scores"]["people"]:
            scores = {name: person[name] for name in ("ap", "dsc_oracle", "dsc_fpr")}
            scores = {name: None if value is None else value / UNIT for name, value in scores.items()}
            facts = {name: person[name] for name in ("subject", "sequence", "sections")}
            rows.append(cell["parameters"] | facts | {"prevalence": person["prevalence"] / (10 * UNIT)} | scores)
    columns = ["data", "method", "seed", "subject", "sequence", "sections", "prevalence", "ap", "dsc_oracle", "dsc_fpr"]
    return pd.DataFrame(rows, columns=columns)


def _of(done: Cells, function: str) -> list[dict]:
    """Cells of one kind, told by what their scores hold."""
    keys = {"detection_cell": "conditions", "factors_cell": "tissue_dice", "real_cell": "people"}
    key = (keys | {"displacement_cell": "rings"})[function]
    return [cell for cell in done if key in cell["scores"]]


def _is(cell: dict, method: str) -> bool:
    return cell["parameters"]["method"] == method


def _chosen(
    table: pd.DataFrame, method: str, condition: str | Sequence[str], column: str, kind: str | None = None
) -> pd.DataFrame:
    """subject, seed and value of a method's rows, conditions averaged in each person; NaN left out."""
    if column not in table:
        return pd.DataFrame(columns=["subject", "seed", "value"])
    wanted = [condition] if isinstance(condition, str) else list(condition)
    rows = table[(table["method"] == method) & table["condition"].isin(wanted)]
    rows = rows if kind is None else rows[rows["kind"] == kind]
    return rows.dropna(subset=[column]).groupby(["subject", "seed"], as_index=False)[column].mean().set_axis(
        ["subject", "seed", "value"], axis=1
    )  # fmt: skip


def _interval(rows: pd.DataFrame) -> Interval:
    factors = [rows["subject"].to_numpy(), rows["seed"].to_numpy()]
    return crossed_bootstrap(rows["value"].to_numpy(float), factors=factors, draws=DRAWS, seed=0)
