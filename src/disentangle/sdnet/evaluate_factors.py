"""From the cells of the chapter on the factors to intervals over people and seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from disentangle.metrics.intervals import Interval, crossed_bootstrap, percentile_interval

DRAWS = 2000


def swap_table(done: Sequence[dict], variant: str, heart: bool = False, source: str | None = None) -> pd.DataFrame:
    """One row a seed and test person: errors of ``swap``, ``copy`` and ``own``, mean over the person's pairs.

    ``source``: only people scanned in ``mr`` or in ``ct``, whose hearts are drawn in the other modality.
    """
    suffix = "_heart" if heart else ""
    rows = [
        {"seed": cell["parameters"]["seed"], "subject": person["subject"]}
        | {name: person[f"{name}{suffix}"] for name in ("swap", "copy", "own")}
        for cell in _of(done, variant)
        for person in cell["scores"]["swaps"]
        if source is None or person["subject"].startswith(source)
    ]
    return pd.DataFrame(rows).dropna()


def swap_fraction(done: Sequence[dict], variant: str, heart: bool = False, source: str | None = None) -> Interval:
    """Sum of the errors of swaps over that of copying, people and seeds drawn; ``copy`` itself is 1.

    ``own``: SDNet's drawing of the exact picture from that picture's own factors. ``source``: as in `swap_table`.
    """
    plain = variant if variant in ("copy", "own") else "swap"
    return _fraction(swap_table(done, variant if plain == "swap" else "sdnet", heart, source), plain)


def _fraction(table: pd.DataFrame, error: str) -> Interval:
    wide = [table.pivot(index="subject", columns="seed", values=name).to_numpy() for name in (error, "copy")]
    rng = np.random.default_rng(0)
    people, seeds = wide[0].shape
    drawn = []
    for _ in range(DRAWS):
        pick = np.ix_(rng.integers(people, size=people), rng.integers(seeds, size=seeds))
        drawn.append(np.nansum(wide[0][pick]) / np.nansum(wide[1][pick]))
    return percentile_interval(float(np.nansum(wide[0]) / np.nansum(wide[1])), np.array(drawn), people)


def swap_fractions_by_seed(done: Sequence[dict], variant: str) -> list[float]:
    """The fraction of each seed."""
    by_seed = swap_table(done, variant).groupby("seed")[["swap", "copy"]].sum()
    return (by_seed["swap"] / by_seed["copy"]).tolist()


def swap_difference(
    done: Sequence[dict], variant: str, other: str, heart: bool = False, source: str | None = None
) -> Interval:
    """Mean paired difference in grey values of 0..1: errors of a variant's swaps minus another's, or minus ``copy``.

    ``heart``: of the heart alone. ``source``: as in `swap_table`.
    """

    def table(name: str) -> pd.DataFrame:
        return swap_table(done, name, heart, source).set_index(["subject", "seed"])

    mine = table(variant)
    theirs = mine["copy"] if other == "copy" else table(other)["swap"]
    both = (mine["swap"] - theirs).dropna()
    return _crossed(both)


def copy_error(done: Sequence[dict]) -> Interval:
    """Mean absolute error of the source left as it is, in grey values of 0..1."""
    return _crossed(swap_table(done, "sdnet").set_index(["subject", "seed"])["copy"])


def consistency(done: Sequence[dict], variant: str) -> tuple[float, float]:
    """Dice of s in two styles of one anatomy, and of s of two people; means over channels, people and seeds."""
    people = [person for cell in _of(done, variant) for person in cell["scores"]["swaps"]]
    return tuple(float(np.mean([person[name] for person in people])) for name in ("consistency", "other_anatomy"))


def posterior_variances(done: Sequence[dict], variant: str) -> tuple[float, float]:
    """Variance of the least and of the most used dimension of z in test images, means over seeds."""
    variances = np.array([np.sort(cell["scores"]["posterior_variance"]) for cell in _of(done, variant)])
    return float(variances[:, -1].mean()), float(variances[:, 0].mean())


def scanner_fraction(done: Sequence[dict], variant: str) -> Interval:
    """As `swap_fraction`, of swaps between MR scanners of 1.5 and 3 T."""
    rows = [
        {"seed": cell["parameters"]["seed"]} | {name: person[name] for name in ("subject", "swap", "copy")}
        for cell in _of(done, variant)
        for person in cell["scores"]["scanner_swaps"]
    ]
    return _fraction(pd.DataFrame(rows), "swap")


def structure_dice(done: Sequence[dict], variant: str, structure: str = "mean") -> list[float]:
    """Mean 3D Dice of test people in each training: of ``rv``, ``myo``, ``lv`` or their ``mean``."""
    return [float(np.mean([one[structure] for one in cell["scores"]["people"]])) for cell in _of(done, variant)]


def rates(done: Sequence[dict]) -> pd.DataFrame:
    """Mean 3D Dice of validation people of each training at another rate: ``rate``, ``seed``, ``dice``, ``n``."""
    rows = [
        {"rate": cell["parameters"]["learning_rate"], "seed": cell["parameters"]["seed"]}
        | {"dice": float(np.mean([one["mean"] for one in people])), "n": len(people)}
        for cell in done
        if "variant" not in cell["parameters"] and (people := cell["scores"]["people"])
    ]
    return pd.DataFrame(rows)


def variant_dice(done: Sequence[dict], variant: str, modality: str | None = None) -> Interval:
    """Average 3D Dice of test people, or of those in ``mr`` or ``ct``; people and seeds drawn."""
    return _crossed(_within(_dice(done, variant), modality))


def dice_difference(done: Sequence[dict], variant: str, other: str, modality: str | None = None) -> Interval:
    """Mean paired difference of the average 3D Dice, the same people and seeds; else as `variant_dice`."""
    return _crossed(_within((_dice(done, variant) - _dice(done, other)).dropna(), modality))


def modality_accuracy(done: Sequence[dict], variant: str, source: str, probe: str = "linear") -> Interval:
    """Balanced accuracy of reading the modality in test people: the mean of that in MR and of that in CT people.

    More of the people who test have one modality than the other, so a constant answer would beat one half without the
    balance. People of each modality and seeds are drawn.
    """
    return _balanced(_accuracies(done, variant, source, probe))


def modality_difference(
    done: Sequence[dict], first: tuple[str, str], second: tuple[str, str], probe: str = "linear"
) -> Interval:
    """Paired difference of balanced accuracies of (variant, source) and (variant, source)."""
    return _balanced((_accuracies(done, *first, probe) - _accuracies(done, *second, probe)).dropna())


def probe_value(cell: dict, target: str, source: str, probe: str) -> float:
    """The value of one probe of a cell; raises KeyError where it was not asked."""
    for record in cell["scores"]["probes"]:
        if (record["target"], record["source"], record["probe"]) == (target, source, probe):
            return float(record["value"])
    raise KeyError(f"cell {cell['cell']} has no probe of {target} from {source} ({probe})")


def _accuracies(done: Sequence[dict], variant: str, source: str, probe: str) -> pd.Series:
    """Accuracy of each (subject, seed)."""
    values = {}
    for cell in _of(done, variant):
        found, seed = cell["scores"]["modality"], cell["parameters"]["seed"]
        right = found["right"][f"{source} {probe}"]
        values |= {(who, seed): value for who, value in zip(found["subjects"], right, strict=True)}
    return pd.Series(values, dtype=float).rename_axis(["subject", "seed"])


def _dice(done: Sequence[dict], variant: str) -> pd.Series:
    rows = {
        (person["subject"], cell["parameters"]["seed"]): person["mean"]
        for cell in _of(done, variant)
        for person in cell["scores"]["people"]
    }
    return pd.Series(rows, dtype=float).rename_axis(["subject", "seed"])


def _within(values: pd.Series, modality: str | None) -> pd.Series:
    """Those of the people in one modality, which their names begin with."""
    return values if modality is None else values[values.index.get_level_values("subject").str.startswith(modality)]


def _of(done: Sequence[dict], variant: str) -> list[dict]:
    return [cell for cell in done if cell["parameters"].get("variant") == variant]


def _crossed(values: pd.Series) -> Interval:
    factors = [values.index.get_level_values(name).to_numpy() for name in ("subject", "seed")]
    return crossed_bootstrap(values.to_numpy(float), factors=factors, draws=DRAWS, seed=0)


def _balanced(values: pd.Series) -> Interval:
    """Mean over modalities of the mean over people and seeds; people of a modality, and seeds, drawn."""
    wide = values.unstack("seed")
    ct = wide.index.str.startswith("ct")
    groups = [rows.to_numpy() for rows in (wide[ct], wide[~ct]) if len(rows)]
    rng, drawn = np.random.default_rng(0), []
    for _ in range(DRAWS):
        seeds = rng.integers(wide.shape[1], size=wide.shape[1])
        parts = [rows[np.ix_(rng.integers(len(rows), size=len(rows)), seeds)] for rows in groups]
        drawn.append(np.mean([np.nanmean(part) for part in parts]))
    value = float(np.mean([np.nanmean(rows) for rows in groups]))
    return percentile_interval(value, np.array(drawn), len(wide))
