"""Who tests, who trains, and whose labels are known: folds of people stratified by diagnosis, nested label draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from disentangle.device import mixed_seed

FOLDS = 3
SPLIT_SEED = 2019


@dataclass(frozen=True)
class FewLabels:
    """Row masks (image,) of a cohort: of the test people's labelled frames, of all training people's images, of the
    images whose labels may be used, and of those that are trained on without labels."""

    test: np.ndarray
    train: np.ndarray
    labelled: np.ndarray
    unlabelled: np.ndarray


def fold_of_people(samples: pd.DataFrame, folds: int = FOLDS, seed: int = SPLIT_SEED) -> pd.Series:
    """The fold in which each subject tests: each has its share of every diagnosis.

    ``samples`` has the columns subject and diagnosis. Raises ValueError where a person has two diagnoses, or where
    every diagnosis has fewer people than there are folds.
    """
    diagnosis = samples.groupby("subject")["diagnosis"].agg(lambda values: tuple(dict.fromkeys(values)))
    torn = diagnosis.index[diagnosis.map(len) > 1]
    if len(torn):
        raise ValueError(f"{torn[0]} has the diagnoses {diagnosis[torn[0]]}, expected one")
    largest = int(diagnosis.value_counts().max())
    if largest < folds:
        raise ValueError(
            f"{len(diagnosis)} people, at most {largest} of one diagnosis; {folds} folds need one with at least {folds}"
        )
    fold = pd.Series(-1, index=diagnosis.index, name="fold")
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for number, (_, test) in enumerate(splitter.split(diagnosis, diagnosis.map(str))):
        fold.iloc[test] = number
    return fold


def few_labels(samples: pd.DataFrame, fold: int, people: int | None, draw: int = 0) -> FewLabels:
    """The rows of a fold in which ``people`` training people have labels, None for all.

    Draws are nested: two people of a draw are its one and another. Only ``samples.labelled`` frames carry labels or
    are tested. Unlabelled are the training people's frames of other phases (as in the paper), or where the cohort has
    none, all their images with the labels withheld. Raises ValueError for an unknown fold or too many people.
    """
    folds = fold_of_people(samples)
    if fold not in range(FOLDS):
        raise ValueError(f"fold is {fold}, expected 0 to {FOLDS - 1}")
    tested = samples["subject"].map(folds).to_numpy() == fold
    framed = samples["labelled"].to_numpy(bool)
    candidates = folds.index[folds != fold].to_numpy()
    if people is not None and not 1 <= people <= len(candidates):
        raise ValueError(f"{people} labelled people, expected 1 to {len(candidates)}, those who train")
    drawn = np.random.default_rng(mixed_seed(SPLIT_SEED, "labelled", fold, draw)).permutation(candidates)
    chosen = samples["subject"].isin(drawn[:people]).to_numpy()
    between = ~tested & ~framed
    return FewLabels(
        test=tested & framed,
        train=~tested,
        labelled=chosen & ~tested & framed,
        unlabelled=between if between.any() else ~tested,
    )
