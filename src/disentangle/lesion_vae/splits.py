"""Which people a model may learn from: patient-disjoint folds, the same for every method.

Everything here divides people, never slices or lesions. The published order of operations
(fine-tune on a random 70 % of the people, then cross-validate over all of them) is kept beside the
honest one, because the chapter measures what lies between the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

FOLDS = 5
SPLIT_SEED = 0


@dataclass(frozen=True)
class Split:
    """Row masks over the samples of a cohort, (image,) bool each, disjoint by person."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def lesion_table(samples: pd.DataFrame) -> pd.DataFrame:
    """One row per lesion, in order of first appearance, with the columns that a lesion's slices share."""
    return samples.drop_duplicates("lesion").set_index("lesion")


def _fold_of_subject(lesions: pd.DataFrame, folds: int, seed: int) -> pd.Series:
    if lesions["malignant"].isna().any():
        undecided = lesions.index[lesions["malignant"].isna()][0]
        raise ValueError(f"lesion {undecided}: malignant is not known; leave out undecided lesions before splitting")
    if lesions["subject"].nunique() < folds:
        raise ValueError(f"{lesions['subject'].nunique()} people, expected at least {folds}, one a fold")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    fold = pd.Series(-1, index=lesions.index)
    groups = lesions["subject"].to_numpy()
    for number, (_, test) in enumerate(splitter.split(lesions, lesions["malignant"].astype(int), groups)):
        fold.iloc[test] = number
    return fold.groupby(groups).first()


def outer_fold(samples: pd.DataFrame, folds: int = FOLDS, seed: int = SPLIT_SEED) -> np.ndarray:
    """Number of the test fold of each row, (image,) int; a person is in one fold only.

    Folds hold about equally many malignant lesions (``StratifiedGroupKFold`` on lesions).
    """
    return samples["subject"].map(_fold_of_subject(lesion_table(samples), folds, seed)).to_numpy()


def honest_split(samples: pd.DataFrame, fold: int, seed: int = SPLIT_SEED) -> Split:
    """Test people of one outer fold; of the others, one patient-disjoint fifth validates every choice."""
    if not 0 <= fold < FOLDS:
        raise ValueError(f"fold is {fold}, expected 0..{FOLDS - 1}")
    return _validated(samples, outer_fold(samples, FOLDS, seed) == fold, seed)


def published_training_people(samples: pd.DataFrame, seed: int, share: float = 0.7) -> np.ndarray:
    """Rows of a random ``share`` of all people, (image,) bool, as the released code draws them."""
    people = np.sort(samples["subject"].unique())
    drawn = np.random.default_rng(seed).permutation(people)[: round(share * len(people))]
    return samples["subject"].isin(drawn).to_numpy()


def exploration_split(samples: pd.DataFrame, seed: int = SPLIT_SEED) -> Split:
    """For what needs no label: two fifths of the people to measure on, a fifth of the others to stop early by."""
    return _validated(samples, outer_fold(samples, FOLDS, seed) < 2, seed)


def random_labels(samples: pd.DataFrame, draw: int) -> np.ndarray:
    """Labels shuffled among lesions, (image,) float: a lesion's slices keep one label, its truth is gone."""
    lesions = lesion_table(samples)["malignant"]
    shuffled = np.random.default_rng(1000 + draw).permutation(lesions.to_numpy())
    return samples["lesion"].map(dict(zip(lesions.index, shuffled, strict=True))).to_numpy(dtype=np.float32)


def _validated(samples: pd.DataFrame, test: np.ndarray, seed: int) -> Split:
    inner = np.full(len(samples), -1)
    inner[~test] = outer_fold(samples[~test], FOLDS, seed + 1)
    return Split(train=inner > 0, validation=inner == 0, test=test)
