"""Is tissue that a tumour only pushed aside told from its place in the twin, and more so than tissue that stayed?

A tumour also changes the modality vector and what the restorer sees, so scores differ from the twin's in tissue that
never moved. That tissue, as near to the lesion, is the control; both lie beyond what the score's windows see of it.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from disentangle.anatomy_uad.data import slices_of
from disentangle.anatomy_uad.detectors import Detector, detector, heights
from disentangle.anatomy_uad.experiment import GROUPS, configuration, scored, whole
from disentangle.anatomy_uad.people import FULL, SEQUENCES, Plan, people
from disentangle.anatomy_uad.scores import DISPLACED_MM, told_from_twin
from disentangle.imaging.cohort import Cohort

RING_MM = (12.5, 35.0)
"""Distance from the lesion: beyond half the windows of SSIM and median (3 + 2 pixels of 2.5 mm), and still around."""
STILL_MM = 1.0


def displacement_cell(method: str, seed: int) -> dict:
    """AUC against the twin in pushed tissue and in tissue that stayed, each tested person; see `ring_aucs`."""
    return displacement(detector(method, people(FULL, "training"), configuration(), seed), FULL)


def displacement(found: Detector, plan: Plan) -> dict:
    """The same of a fitted method on the tested people of a plan."""
    return {
        "rings": {
            f"{name.lower()}_{group}": ring_aucs(found, people(plan, "test", sites), name)
            for name in SEQUENCES
            for group, sites in GROUPS.items()
        }
    }


def ring_aucs(found: Detector, cohort: Cohort, sequence: str) -> dict[str, list]:
    """``pushed`` and ``still``, one AUC a person; None in both where one has too few pixels."""
    marked = scored(cohort, found.maps(slices_of(cohort, sequence), heights(cohort)))
    twins = found.maps(slices_of(cohort, sequence, twins=True), heights(cohort))
    parts = rings(cohort.extra["moved_mm"], cohort.masks, marked.scored, marked.pixel_mm)
    result: dict[str, list] = {name: [] for name in parts}
    for _, rows in marked.people():
        values = {name: told_from_twin(marked.maps[rows], twins[rows], part[rows]) for name, part in parts.items()}
        known = None not in values.values()
        for name, value in values.items():
            result[name].append(whole([value])[0] if known else None)
    return result


def rings(moved_mm: np.ndarray, lesion: np.ndarray, brain: np.ndarray, pixel_mm: float) -> dict[str, np.ndarray]:
    """``pushed`` and ``still`` pixels in a ring around the lesion of each section, bool (slice, height, width)."""
    ring = np.zeros_like(lesion)
    for row in np.flatnonzero(lesion.any((1, 2))):
        distance = distance_transform_edt(~lesion[row]) * pixel_mm
        ring[row] = (distance > RING_MM[0]) & (distance <= RING_MM[1])
    ring &= brain
    return {"pushed": ring & (moved_mm >= DISPLACED_MM), "still": ring & (moved_mm < STILL_MM)}
