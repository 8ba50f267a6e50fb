"""From the cells of the chapter to one table of scores and to intervals; and the main results of other pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentangle.metrics.intervals import Interval, crossed_bootstrap
from disentangle.runs.pages import pages, record_of

DRAWS = 2000
CODE_SCORES = ("style_from_biology", "style_from_nuisance", "biology_from_biology", "biology_from_nuisance")
PROBES = ("linear", "nonlinear")
COLUMNS = ["method", "seed", "subject", "metric", "condition", "value"]

Cells = Sequence[dict]


class Ground(NamedTuple):
    """A chapter's main question: ``findings`` are differences to baselines, of which the least favourable counts.

    ``sign`` is 1 where more is better, -1 where less is. ``unit`` of the difference.
    """

    chapter: str
    question: str
    page: str
    findings: tuple[str, ...]
    sign: int
    unit: str


HARMONIZERS = ("zscore", "combat", "harmony", "coral", "leace", "inlp", "nap")
DETECTORS = ("zmap", "ae", "dae", "ae_randomised")
ABROAD = ("t1_unseen", "t2_unseen")
GROUNDS = (
    Ground(
        "lesion VAEs", "malignancy from the best image model, less the diameter alone", "lesion_malignancy",
        ("lesion_vae.lidc.auc.best_image-diameter",), 1, "AUC",
    ),
    Ground(
        "SDNet", "hearts segmented with one labelled person, less a U-Net", "sdnet_few_labels_acdc",
        ("sdnet.acdc.dice.sdnet-unet.labelled_1",), 1, "Dice",
    ),
    Ground(
        "latent rotation", "clusters kept when the scanner changes, less the least favourable harmonization",
        "rotation_clusters", tuple(f"rotation.lung_phantom.ari.rotation-{name}" for name in HARMONIZERS), 1, "ARI",
    ),
    Ground(
        "anatomy learning", "average precision at unseen sites, less the least favourable baseline and sequence",
        "anatomy_uad", tuple(f"anatomy_uad.brain_sites.ap.dal-{name}.{at}" for name in DETECTORS for at in ABROAD),
        1, "AP",
    ),
    Ground(
        "PUIR", "missing contrasts drawn in the tumour, less the matched network or a polynomial of the grey value",
        "puir_transfer", tuple(f"puir.brain.psnr.puir-{name}.tumour" for name in ("matched", "polynomial_inside")),
        1, "dB",
    ),
)  # fmt: skip


def score_table(done: Cells) -> pd.DataFrame:
    """One row a method, seed, metric, condition (probe, else "") and test head: `COLUMNS`."""
    rows = [row for method, seed, scores in _scored(done) for row in _rows(method, seed, scores)]
    return pd.DataFrame(rows, columns=COLUMNS)


def methods_of(table: pd.DataFrame) -> list[str]:
    """Methods that have run, in order of the cells."""
    return list(dict.fromkeys(table["method"]))


def interval(table: pd.DataFrame, metric: str, method: str, condition: str = "") -> Interval | None:
    """Mean of a score over heads and seeds; None where nothing has been measured."""
    rows = _of(table, metric, method, condition)
    return _interval(rows) if len(rows) else None


def difference(table: pd.DataFrame, metric: str, first: str, second: str, condition: str = "") -> Interval | None:
    """Mean difference of two methods on the same heads; None without pairs.

    Paired by seed as well where the second was trained with several, so that its seeds count in the interval (and
    the rotation meets the very autoencoder that it rotates); what has one result for all seeds meets every seed.
    """
    return _paired(*(_of(table, metric, name, condition) for name in (first, second)))


def code_difference(
    table: pd.DataFrame, method: str, first: tuple[str, str], second: tuple[str, str]
) -> Interval | None:
    """Mean difference of two scores (metric, condition) of the same models; None without pairs."""
    return _paired(*(_of(table, metric, method, condition) for metric, condition in (first, second)))


def less_reference(
    table: pd.DataFrame, metric: str, method: str, condition: str, reference: pd.Series
) -> Interval | None:
    """Mean of a score less a number known of each head (``reference``, by subject); None without common heads."""
    other = pd.DataFrame({"subject": reference.index, "seed": 0, "value": reference.to_numpy(float)})
    return _paired(_of(table, metric, method, condition), other)


def over_heads(values: pd.Series) -> Interval:
    """Mean over heads with its interval, of numbers by subject."""
    return _interval(pd.DataFrame({"subject": values.index, "seed": 0, "value": values.to_numpy(float)}))


def seed_means(table: pd.DataFrame, metric: str, method: str, condition: str = "") -> list[float]:
    """The mean over heads of each seed."""
    return _of(table, metric, method, condition).groupby("seed")["value"].mean().tolist()


def pair_errors(done: Cells, method: str) -> np.ndarray | None:
    """Swap errors (source, target) in units of the mean copying error, mean over heads and seeds."""
    found = [scores["pairs"] for name, _, scores in _scored(done) if name == method]
    return np.mean(found, axis=0) if found else None


def cost_table(done: Cells) -> pd.DataFrame:
    """One row a method: ``fit_seconds``, ``parameters``, ``ms_per_image``, means over seeds, and ``seeds``."""
    rows = [{"method": name, "seed": seed, **scores["cost"]} for name, seed, scores in _scored(done)]
    table = pd.DataFrame(rows, columns=["method", "seed", "fit_seconds", "parameters", "ms_per_image"])
    means = table.groupby("method", sort=False).mean().drop(columns="seed")
    return means.assign(seeds=table.groupby("method", sort=False).size())


def chosen_dimensions(done: Cells) -> pd.DataFrame:
    """Facts of the methods whose nuisance is a number of dimensions: method, seed, ``dimensions``."""
    rows = []
    for name, seed, scores in _scored(done):
        facts = scores["facts"]
        found = facts.get("nuisance_dimensions", facts.get("dropped"))
        if found is not None:
            rows.append({"method": name, "seed": seed, "dimensions": found})
    return pd.DataFrame(rows, columns=["method", "seed", "dimensions"])


def control_table(scores: dict) -> pd.DataFrame:
    """Mean scores of the controls, a row each: two probes a question, and the distance correlation."""
    rows = {}
    for name, found in scores.items():
        row = {(score, probe): np.mean(found[score][probe]) for score in CODE_SCORES for probe in PROBES}
        rows[name] = row | {("distance_correlation", ""): np.mean(found["distance_correlation"])}
    return pd.DataFrame.from_dict(rows, orient="index")


def own_grounds() -> pd.DataFrame:
    """A row a chapter: the least favourable of its main findings as its page has it; value None where it has none.

    ``missing``: main findings that the published page does not have, or has without an interval.
    """
    rows = []
    for ground in GROUNDS:
        known = pages().get(ground.page)
        record = (record_of(known) if known else None) or {"findings": []}
        found = [finding for finding in record["findings"] if finding["id"] in ground.findings]
        found = [finding for finding in found if finding["low"] is not None]
        worst = min(found, key=lambda finding: ground.sign * finding["value"], default={})
        numbers = {name: worst.get(name) for name in ("value", "low", "high", "n", "id")}
        missing = sorted(set(ground.findings) - {finding["id"] for finding in found})
        rows.append(ground._asdict() | numbers | {"missing": missing})
    return pd.DataFrame(rows)


def _scored(done: Cells) -> list[tuple[str, int, dict]]:
    """Method, seed and scores of every method in the cells, those without weights first."""
    found = []
    for cell in done:
        if "method" in cell["parameters"]:
            found.append((cell["parameters"]["method"], cell["parameters"]["seed"], cell["scores"]))
        elif cell["cell"] == "simple":
            found += [(name, 0, scores) for name, scores in cell["scores"].items()]
    return found


def _rows(method: str, seed: int, scores: dict) -> list[tuple]:
    lists = {(name, ""): scores[name] for name in ("swap_error", "reconstruction_error")}
    codes = scores.get("codes", {})
    for name in CODE_SCORES:
        lists |= {(name, probe): values for probe, values in codes.get(name, {}).items()}
    if "distance_correlation" in codes:
        lists[("distance_correlation", "")] = codes["distance_correlation"]
    return [
        (method, seed, subject, metric, condition, value)
        for (metric, condition), values in lists.items()
        for subject, value in zip(scores["subjects"], values, strict=True)
    ]


def _of(table: pd.DataFrame, metric: str, method: str, condition: str) -> pd.DataFrame:
    rows = (table["metric"] == metric) & (table["method"] == method) & (table["condition"] == condition)
    return table.loc[rows, ["subject", "seed", "value"]]


def _paired(one: pd.DataFrame, other: pd.DataFrame) -> Interval | None:
    """First minus second, by head, and by seed where the second has several."""
    on = ["subject", "seed"] if other["seed"].nunique() > 1 else ["subject"]
    both = one.merge(other[[*on, "value"]], on=on, suffixes=("", "_other"))
    return _interval(both.assign(value=both["value"] - both["value_other"])) if len(both) else None


def _interval(rows: pd.DataFrame) -> Interval:
    factors = [rows["subject"].to_numpy(), rows["seed"].to_numpy()]
    return crossed_bootstrap(rows["value"].to_numpy(float), factors=factors, draws=DRAWS, seed=0)
