"""Controls beside numbers that impress: what two different heads would score."""

from __future__ import annotations

import numpy as np

from disentangle.anatomy_uad.probes import tissue_dice


def other_head_dice(first: np.ndarray, second: np.ndarray, subject: np.ndarray) -> dict[str, float]:
    """Dice per tissue of one person's ``first`` maps with another's ``second`` ones, mean over all pairs of two people.

    Maps (slice, height, width) as `probes.tissue_dice` takes them; the n-th section of one person is laid on the n-th
    of the other. Raises ValueError for people with different numbers of sections, and for one person alone.
    """
    subject = np.asarray(subject)
    people, counts = np.unique(subject, return_counts=True)
    if len(people) < 2 or counts.min() != counts.max():
        raise ValueError(f"people have {counts.tolist()} sections, expected two people or more with equally many")
    pairs = [(subject == one, subject == other) for one in people for other in people if one != other]
    found = [tissue_dice(first[one], second[other]) for one, other in pairs]
    return {tissue: float(np.mean([each[tissue] for each in found])) for tissue in found[0]}
