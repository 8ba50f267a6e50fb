"""Real people as the detectors take them: sections at the heights of the simulated training sections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disentangle.anatomy_uad.data import Slices, checked_slices
from disentangle.anatomy_uad.people import SEQUENCES, Plan
from disentangle.imaging import datasets
from disentangle.imaging.brain.sections import FIELD_OF_VIEW_MM, HIGHEST_MM, LOWEST_MM
from disentangle.imaging.brain_scans.scan import LABELS
from disentangle.imaging.cohort import Cohort

SETS = {"ms_lesions": ("T1", "T2"), "tcga_lgg": ("T1", "T2"), "brats2013": ("FLAIR", "T1ce")}
"""Real sets of this chapter and the sequences that are scored; those of the last were never in training."""
SECTION_MM = 3.0
TOP_MM = 78.0
"""Height of the top of the template's brain: real heads are laid on it, top to top."""
LEAST_AREA_MM2 = 1000.0


@dataclass(frozen=True)
class RealPerson:
    """One person in one sequence.

    ``z_mm`` (slice,) heights as if on the template; ``truth`` and ``scored`` (slice, height, width) bool.
    """

    slices: Slices
    z_mm: np.ndarray
    truth: np.ndarray
    scored: np.ndarray
    pixel_mm: float


def real_people(data: str, plan: Plan) -> list[RealPerson]:
    """Everybody of a real set in each sequence of ``SETS`` (T1 and T2 of others), at the simulated people's heights.

    Raises ValueError for a set in which nobody drew a lesion, and what its reader raises.
    """
    pixel = FIELD_OF_VIEW_MM / plan.rows
    wanted = SETS.get(data, SEQUENCES)
    cohort = datasets.load(data, modalities=wanted, size=(plan.rows, plan.columns), pixel_mm=pixel, slice_mm=SECTION_MM)
    if cohort.masks is None:
        raise ValueError(f"{data}: nobody drew a lesion, so there is nothing to score")
    found = []
    for person in cohort.subjects.index:
        rows = (cohort.samples["subject"] == person).to_numpy()
        found += [_person(cohort.select(rows), at, name) for at, name in enumerate(cohort.extra["modalities"])]
    return [each for each in found if each is not None]


def _person(cohort: Cohort, channel: int, sequence: str) -> RealPerson | None:
    """One person's sections between the lowest and the highest of the training; None without sequence or labels."""
    samples = cohort.samples
    if not samples[f"has_{sequence}"].all() or not samples["annotated"].all():
        return None
    top = samples["z_mm"][samples["brain_mm2"] > LEAST_AREA_MM2].max()
    z_mm = samples["z_mm"].to_numpy(float) - top + TOP_MM
    rows = (z_mm >= LOWEST_MM) & (z_mm <= HIGHEST_MM)
    brain = cohort.labels[rows] > 0
    slices = checked_slices(
        cohort.images[rows, channel],
        brain,
        sequence,
        cohort.spacing_mm[rows, -2:],
        samples["subject"].to_numpy()[rows],
        where=f"{cohort.name}, {sequence}",
    )
    inside = brain & (cohort.labels[rows] != LABELS["ignore"])
    return RealPerson(slices, z_mm[rows], cohort.masks[rows] & inside, inside, float(cohort.spacing_mm[0, 0]))
