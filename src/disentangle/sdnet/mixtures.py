"""Cells on mixtures of MR and CT in training (section 5.3.1, Table 3): does a second modality help the first?

One SDNet with all labels and no discriminator, as in the other cells of the chapter on the factors, which have all of
both. Every mixture is trained for the same number of steps and scored on the same people in MR and in CT.
"""

from __future__ import annotations

import numpy as np

from disentangle.imaging.cohort import Cohort
from disentangle.sdnet import ablation

SHARES: dict[str, dict[str, float]] = {
    "mr_alone": {"mr": 1.0, "ct": 0.0},
    "ct_alone": {"mr": 0.0, "ct": 1.0},
    "mr_some_ct": {"mr": 1.0, "ct": 0.125},
    "ct_some_mr": {"mr": 0.125, "ct": 1.0},
}
"""Shares of the training people of each modality: rows of Table 3 beside the one with both in full."""


def mixture_cell(variant: str, seed: int, learning_rate: float) -> dict:
    """One training on a mixture of `SHARES`; Dice of the test people in MR and in CT."""
    training, test = ablation.split_of(ablation.both_modalities())
    chosen = mixed(training, variant)
    fitted = ablation.trained(chosen, ablation.configuration(learning_rate=learning_rate), seed, cache=False)
    return {
        "people": ablation.dice_of_people(fitted, test),
        "training_people": chosen.samples.groupby("modality")["subject"].nunique().to_dict(),
        "fit_seconds": round(fitted.fit_seconds, 1),
    }


def mixed(training: Cohort, variant: str) -> Cohort:
    """The training people of a mixture; a share that is not 0 is at least one person. ValueError for another name."""
    if variant not in SHARES:
        raise ValueError(f"no mixture {variant!r}, expected one of {', '.join(SHARES)}")
    chosen = []
    for modality, share in SHARES[variant].items():
        people = np.unique(training.samples["subject"][training.samples["modality"] == modality])
        number = max(1, int(share * len(people))) if share else 0
        chosen += np.random.default_rng(0).permutation(people)[:number].tolist()
    return training.of_people(np.array(chosen))
