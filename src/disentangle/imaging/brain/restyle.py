"""One head under many protocols: the people of a cohort as another scanner, or a reader's own settings, show them."""

from __future__ import annotations

import numpy as np
import torch

from disentangle.imaging.brain.cohort import BrainCohort, person_pictures, to_sections
from disentangle.imaging.brain.render import Corruption
from disentangle.imaging.brain.sections import person_sections
from disentangle.imaging.brain.sites import Protocol
from disentangle.imaging.cohort import Cohort


def under_protocol(
    cohort: BrainCohort, protocol: Protocol, twins: bool = False, corruption: Corruption | None = None
) -> np.ndarray:
    """The heads of a cohort (or of a part of it) as another protocol shows them: (image, row, column), 0..1.

    Each person is scaled as a whole volume, so under the own protocol the pictures are the cohort's. ``twins`` gives
    the heads without their lesions. For tests at held-out sites, and for a reader who changes TR, TE or field.
    """
    _check_whole(cohort)
    seed, grid, samples = cohort.extra["seed"], cohort.extra["grid"], cohort.samples
    pictures = np.empty((len(samples), grid.rows, grid.columns), np.float32)
    for (number, kind), rows in samples.groupby(["person", "lesion"]).indices.items():
        found = person_sections(int(number), seed, kind, grid, protocol.thickness_mm)
        here, other = (to_sections(found, int(number), seed, kind, grid, state) for state in (0, -1))
        own, twin = person_pictures(
            here, torch.from_numpy(found["brain"]), protocol, seed, other if twins else None, corruption
        )
        pictures[rows] = (twin if twins else own)[samples["slice"].to_numpy()[rows]].numpy()
    return pictures


def _check_whole(cohort: Cohort) -> None:
    if cohort.name != "brain_sites" or "grid" not in cohort.extra:
        raise ValueError(f"expected a cohort of brain_sites, found {cohort.name!r} with extra {sorted(cohort.extra)}")
