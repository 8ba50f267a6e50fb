"""Who takes part in the experiment: people to learn from, to tune on, and to test on, each with heads of their own.

Training and tuning see healthy people and the training lesions at the training sites alone. Every test head is scanned
twice, at a site of the training and at one that is held out, so that the two differ in the scanner and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from disentangle.imaging.brain.cohort import BrainCohort, load
from disentangle.imaging.brain.lesions import KINDS, TRAINING_KINDS
from disentangle.imaging.brain.sites import HELD_OUT_SITES, TRAINING_SITES

SEQUENCES = ("T1", "T2")
SEEN, UNSEEN = TRAINING_SITES, HELD_OUT_SITES
LESIONS = tuple(kind for kind in KINDS if kind != "healthy")
TUNING_LESIONS = tuple(kind for kind in TRAINING_KINDS if kind != "healthy")
SEEDS = {"training": 0, "validation": 1, "tuning": 2, "test": 3, "healthy": 4}
"""One seed of heads for each part, so that no head is in two."""


@dataclass(frozen=True)
class Plan:
    """Sizes: pixels and sections, and how many people learn, validate (healthy), tune (lesions) and are tested.

    ``tested`` people have lesions, ``healthy`` have none and are scanned at every site.
    """

    rows: int = 80
    columns: int = 64
    slices: int = 8
    training: int = 30
    validation: int = 9
    tuning: int = 12
    tested: int = 30
    healthy: int = 8


FULL = Plan()
"""The plan of the grid of cells: 2.5 mm pixels."""


@lru_cache(maxsize=16)
def people(plan: Plan, part: str, sites: tuple[str, ...] = SEEN) -> BrainCohort:
    """The cohort of one part of the plan, scanned at ``sites`` in turn.

    ``part`` is "training", "validation" (both healthy), "tuning" (training lesions), "test" (all lesions) or
    "healthy" (test people without lesions).
    """
    if part not in SEEDS:
        raise ValueError(f"no part {part!r}, expected one of {', '.join(SEEDS)}")
    testing = part in ("test", "healthy")
    lesions = {"tuning": TUNING_LESIONS, "test": LESIONS}.get(part, ("healthy",))
    return load(
        people=plan.tested if part == "test" else getattr(plan, part),
        seed=SEEDS[part],
        size=(plan.rows, plan.columns),
        slices=plan.slices,
        sites=sites,
        lesions=lesions,
        twins=part in ("tuning", "test"),
        modalities=SEQUENCES,
        held_out=testing,
    )
