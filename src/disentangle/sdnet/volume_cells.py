"""Cells on learning the volume along (section 5.2): fine-tuned with the areas of more people, or without them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from disentangle.imaging.cardiac.labels import LV
from disentangle.imaging.cohort import Cohort
from disentangle.sdnet.comparison import cohort_of, configuration, resized, trained
from disentangle.sdnet.scores import scores_by_person
from disentangle.sdnet.splits import few_labels
from disentangle.sdnet.train import segment
from disentangle.sdnet.volume import areas, fine_tune

METHODS = ("sdnet_volume", "sdnet_tuned")
PEOPLE = 17
"""People whose areas are known, those with masks among them (paper: 17 with areas, of whom one has masks)."""
STEPS = 400
LEARNING_RATE = 5e-4
"""Ours, untried: a quarter of the rate before, for half of the steps."""
PHASES = ("ED", "ES")


def volume_cell(data: str, method: str, labelled: int, draw: int, fold: int, seed: int) -> dict:
    """SDNet with the masks of ``labelled`` people, fine-tuned: scores and volumes (mL) of the fold's test people.

    ``sdnet_volume`` learns areas along, ``sdnet_tuned`` makes the same steps without. Raises ValueError for another.
    """
    if method not in METHODS:
        raise ValueError(f"no method {method!r}, expected one of {', '.join(METHODS)}")
    cohort = cohort_of(data)
    split, measured = (few_labels(cohort.samples, fold, people, draw) for people in (labelled, PEOPLE))
    config = resized(configuration(), cohort.images.shape[-1])
    base = trained(cohort, split, "sdnet", seed, config, cache=True)
    training, test = cohort.select(split.train), cohort.select(split.test)
    with_area = measured.labelled[split.train]
    tuned = fine_tune(
        base,
        training,
        config.with_training(steps=STEPS, learning_rate=LEARNING_RATE),
        seed,
        labelled=split.labelled[split.train],
        unlabelled=split.unlabelled[split.train],
        pixels=np.where(with_area, lv_pixels(training), np.nan),
        with_head=method == "sdnet_volume",
    )
    drawn = segment(tuned.fitted, test)
    read = {"true": lv_pixels(test), "masks": (drawn == LV).sum((1, 2))}
    if tuned.head is not None:
        read["regressed"] = areas(tuned, test)
    known = training.select(with_area)
    return {
        "people": scores_by_person(test, drawn),
        "volumes": volumes_by_person(test, read),
        "mean_ml": {phase: round(float(v), 2) for phase, v in volumes_of(known, lv_pixels(known)).mean().items()},
        "fit_seconds": round(base.fit_seconds + tuned.fitted.fit_seconds, 1),
    }


def lv_pixels(cohort: Cohort) -> np.ndarray:
    """Pixels of the left ventricle in the labels of each image."""
    return (cohort.labels == LV).sum((1, 2)).astype(float)


def volumes_of(cohort: Cohort, pixels: np.ndarray) -> pd.DataFrame:
    """Volume in mL of each person (row) at each phase (column): pixels by their area and the distance of the slices."""
    facts = cohort.samples
    ml = pixels * np.prod(cohort.spacing_mm, axis=1) * facts["slice_mm"].to_numpy(float) / 1000
    return facts[["subject", "phase"]].assign(ml=ml).groupby(["subject", "phase"])["ml"].sum().unstack()[list(PHASES)]


def volumes_by_person(cohort: Cohort, read: dict[str, np.ndarray]) -> list[dict]:
    """``subject``, ``phase`` and the volumes of each name of ``read``, a person and phase at a time."""
    tables = {name: volumes_of(cohort, pixels).stack() for name, pixels in read.items()}
    return [
        {"subject": subject, "phase": phase} | {name: round(float(v), 2) for name, v in row.items()}
        for (subject, phase), row in pd.DataFrame(tables).iterrows()
    ]
