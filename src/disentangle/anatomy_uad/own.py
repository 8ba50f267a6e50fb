"""What a reader's own set is scored with on the page: the page's model, beside a threshold and the prevalence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from disentangle.anatomy_uad.baselines import threshold_score
from disentangle.anatomy_uad.detectors import Detector
from disentangle.anatomy_uad.real import RealPerson
from disentangle.anatomy_uad.scores import Scored, average_precisions, prevalences


def scores_of(found: Detector, people: Iterable[RealPerson]) -> pd.DataFrame:
    """One row a person and sequence: person, sequence, prevalence, AP of the detector and of a plain threshold.

    NaN for someone without a lesion voxel in the scored sections.
    """
    rows = []
    for person in people:
        both = {
            found.name: found.maps(person.slices, person.z_mm),
            "threshold": threshold_score(person.slices, found.config),
        }
        marked = {name: Scored(maps, *_truth(person)) for name, maps in both.items()}
        facts = {"person": str(person.slices.subject[0]), "sequence": person.slices.sequence}
        facts["prevalence"] = prevalences(marked[found.name])[0]
        rows.append(facts | {name: average_precisions(each)[0] for name, each in marked.items()})
    return pd.DataFrame(rows, columns=["person", "sequence", "prevalence", found.name, "threshold"])


def _truth(person: RealPerson) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    return person.truth, person.scored, person.slices.subject, person.pixel_mm
