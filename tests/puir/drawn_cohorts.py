"""Drawn people as cohorts with everything that the cells of PUIR look at."""

import numpy as np
import pandas as pd
from heads_of_people import LEVELS, drawn_people

from disentangle.imaging.cohort import Cohort, Provenance
from disentangle.puir.cohorts import MARKS, Split

SIMULATED = Provenance(real=False, source="drawn", licence="MIT", citation="none")


def cohort(count: int, seed: int, name: str, rare: bool = False) -> Cohort:
    """People whose tumour is 1 inside (label 3) with oedema (2) around; ``rare`` ones have several foci."""
    images, drawn = drawn_people(count, seed)
    labels = np.where(drawn == 3, 3, np.where((drawn == 2) & (images[:, 3] > 0.31), 2, 0)).astype(np.uint8)
    subjects = [f"{name}{number}" for number in range(count)]
    table = pd.DataFrame({mark: rare and mark == "several_foci" for mark in MARKS}, index=subjects)
    table["hot"] = np.arange(count) % 2 == 0
    return Cohort(
        name="drawn",
        images=images,
        samples=pd.DataFrame({"subject": subjects}),
        subjects=table.rename_axis("subject"),
        spacing_mm=np.ones((count, 3), np.float32),
        provenance=SIMULATED,
        masks=labels > 0,
        labels=labels,
        extra={"modalities": tuple(LEVELS), "brain_masks": drawn > 0},
    )


def drawn_split() -> Split:
    return Split(cohort(6, 0, "train"), cohort(2, 1, "val"), cohort(4, 2, "test"), cohort(2, 3, "rare", rare=True))
