"""Who trains, who validates and who tests: people of the simulated cohorts, and the one real person beside them.

Training and validation people are of one seed, test people of another, and rare anatomy is kept for the test.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from disentangle.imaging import datasets
from disentangle.imaging.cohort import Cohort
from disentangle.puir.data import People, people

SIDE = 32
JITTER = 4.0
"""Per cent: how much T1 and T2 of a tissue differ between people, where nothing else is said."""
TRAINING, VALIDATION, TEST, RARE = 56, 8, 24, 15
TRAINING_SEED, TEST_SEED = 0, 1
MARKS = ("no_enhancing", "large_ventricles", "several_foci")
MODALITIES = {"brain": ("T1", "T1ce", "T2", "FLAIR"), "pet_ct": ("PET", "CT")}


@dataclass(frozen=True)
class Split:
    """Cohorts of different people. ``rare`` has marks of `MARKS`; nobody else has."""

    training: Cohort
    validation: Cohort
    test: Cohort
    rare: Cohort

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.training.extra["modalities"])


@lru_cache(maxsize=2)
def split(data: str = "brain", jitter: float = JITTER, sizes: tuple[int, int, int, int] | None = None) -> Split:
    """The people of a simulated cohort whose tissues differ by ``jitter`` per cent.

    ``sizes``: of training, validation, test and rare people. Raises ValueError where two parts share a person.
    """
    training, validation, test, rare = sizes or (TRAINING, VALIDATION, TEST, RARE)
    known = {"side": SIDE, "jitter": jitter}
    first = datasets.load(data, people=training + validation, seed=TRAINING_SEED, anatomy="usual", **known)
    rows = np.arange(len(first))
    found = Split(
        first.select(rows < training),
        first.select(rows >= training),
        datasets.load(data, people=test, seed=TEST_SEED, anatomy="usual", **known),
        datasets.load(data, people=rare, seed=TEST_SEED, anatomy="rare", **known),
    )
    check_disjoint(found)
    return found


def check_disjoint(found: Split) -> None:
    """Raise ValueError where a person, or a volume, is in two parts, or where a rare mark is outside of its part."""
    owners: dict[str, str] = {}
    volumes: dict[bytes, str] = {}
    for part, cohort in vars(found).items():
        for subject, images in zip(cohort.samples["subject"], cohort.images, strict=True):
            for seen, key in ((owners, str(subject)), (volumes, images.tobytes())):
                if seen.setdefault(key, part) != part:
                    raise ValueError(f"{subject} is among {seen[key]} and {part}, expected one of them")
        marked = cohort.subjects[list(MARKS)].any(axis=1)
        if not (marked.all() if part == "rare" else not marked.any()):
            raise ValueError(f"{part}: {int(marked.sum())} of {len(marked)} people have a rare mark")


def people_of(cohort: Cohort) -> People:
    """The volumes of a cohort as the networks take them; foreground is the brain."""
    names = tuple(cohort.extra["modalities"])
    return people(np.asarray(cohort.images), names, None, foreground=cohort.extra["brain_masks"])


def regions_of(cohort: Cohort) -> list[dict[str, np.ndarray | None]]:
    """Where each person is scored: whole ``volume`` (None), ``brain``, ``tumour``, and ``enhancing`` tumour."""
    parts = zip(cohort.extra["brain_masks"], cohort.labels, strict=True)
    return [{"volume": None, "brain": brain, "tumour": labels > 0, "enhancing": labels == 3} for brain, labels in parts]
