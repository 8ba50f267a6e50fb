"""From tissue profiles to Cox models on people they never saw: covariates of every model, scores, differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from disentangle.imaging.lung.patients import AGE, HONEYCOMBING, MALE, RETICULATION
from disentangle.imaging.lung.tissues import TISSUES
from disentangle.metrics.intervals import Interval
from disentangle.rotation.composition import clr
from disentangle.rotation.concordance import cindex, cindex_interval
from disentangle.rotation.survival import OutOfFold, cox_cross_validated

CLINICAL = ("age", "male", "fvc_pct")


def profile_table(done: Sequence[dict], method: str, arm: str, subjects: Sequence[str]) -> pd.DataFrame | None:
    """Shares (person, cluster) of a method, averaged over models; None where the cell has not run.

    The null arm has the scans of the independent one. Raises ValueError where the cell is of other people.
    """
    scanned = "independent" if arm == "null" else arm
    for cell in done:
        if cell["parameters"] == {"arm": scanned, "method": method}:
            counts = np.asarray(cell["scores"]["counts"], float)
            if len(counts) != len(subjects):
                raise ValueError(f"cell {cell['cell']} holds {len(counts)} people, the cohort has {len(subjects)}")
            names = [f"cluster_{number}" for number in range(counts.shape[1])]
            index = pd.Index(subjects, name="subject")
            return pd.DataFrame(counts / counts.sum(1, keepdims=True), index=index, columns=names)
    return None


def patches_of(done: Sequence[dict]) -> int:
    """Patches of each person that a profile counts: one model's, since the models look at the same ones."""
    scores = done[0]["scores"]
    return scores["patches"] // scores["models"]


def true_profile(subjects: pd.DataFrame) -> pd.DataFrame:
    """The true composition (person, tissue) of simulated people."""
    return subjects[[f"p_{name}" for name in TISSUES]]


def log_hazard(subjects: pd.DataFrame, arm: str) -> np.ndarray:
    """The log hazard ratio that the simulation used, (person,)."""
    clinical = AGE * (subjects["age"] - 68) + MALE * subjects["male"]
    if arm == "null":
        return clinical.to_numpy(float)
    tissue = HONEYCOMBING * subjects["p_honeycombing"] + RETICULATION * subjects["p_reticulation"]
    return (clinical + tissue).to_numpy(float)


def ceiling(subjects: pd.DataFrame, arm: str) -> float:
    """The c-index of the true hazard: no model of these people can be expected to do better."""
    return cindex(subjects["time"].to_numpy(), subjects["event"].to_numpy(), log_hazard(subjects, arm))


def out_of_fold(
    subjects: pd.DataFrame,
    profile: pd.DataFrame | None,
    patches: int,
    *,
    seed: int,
    repeats: int,
    folds: int = 5,
    horizons: Sequence[float] = (),
) -> OutOfFold:
    """Risks from age, sex and lung capacity, with ``profile`` also from its log-ratios, which alone are penalised."""
    table, covariates = survival_table(subjects, profile, patches)
    return cox_cross_validated(
        table,
        covariates,
        "time",
        "event",
        seed=seed,
        unpenalized=CLINICAL,
        folds=folds,
        repeats=repeats,
        horizons=horizons,
    )


def out_of_fold_with(
    subjects: pd.DataFrame, name: str, values: pd.Series, *, seed: int, repeats: int, folds: int = 5
) -> OutOfFold:
    """Risks from age, sex, lung capacity and one more fact ``values`` (person,), such as the kernel, none penalised.

    People and folds are those of `out_of_fold`.
    """
    table = subjects[["time", "event", *CLINICAL]].assign(**{name: values.astype(float)})
    known = [*CLINICAL, name]
    return cox_cross_validated(
        table, known, "time", "event", seed=seed, unpenalized=known, folds=folds, repeats=repeats
    )


def survival_table(
    subjects: pd.DataFrame, profile: pd.DataFrame | None, patches: int
) -> tuple[pd.DataFrame, list[str]]:
    """One row a person with time, event and covariates, and the names of the covariates."""
    table = subjects[["time", "event", *CLINICAL]]
    if profile is None:
        return table, list(CLINICAL)
    ratios = clr(profile, patches)
    ratios = ratios.loc[:, ratios.std() > 1e-9]
    return table.join(ratios), [*CLINICAL, *ratios.columns]


def cindex_table(scores: Mapping[str, OutOfFold], *, seed: int = 0, draws: int = 1000) -> dict[str, Interval]:
    """The c-index of every model, people and repeats drawn."""
    return {name: cindex_interval(one, seed=seed, draws=draws) for name, one in scores.items()}


def explained_composition(
    profile: pd.DataFrame, patches: int, truth: pd.Series, folds: int = 5, seed: int = 0
) -> float:
    """R^2 on left-out people of a linear model of a true share from the profile's log-ratios."""
    values = clr(profile, patches).to_numpy()
    values = np.column_stack([values, np.ones(len(values))])
    target = truth.to_numpy(float)
    fold = np.random.default_rng(seed).permutation(len(target)) % folds
    predicted = np.empty(len(target))
    for one in range(folds):
        out = fold == one
        predicted[out] = values[out] @ np.linalg.lstsq(values[~out], target[~out], rcond=None)[0]
    return float(1 - np.square(target - predicted).sum() / np.square(target - target.mean()).sum())
