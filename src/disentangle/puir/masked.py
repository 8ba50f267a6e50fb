"""The polynomial baseline inside the brain mask: one that robust scaling does not cripple.

Scaling clips the darkest tissue to exactly 0, and `baselines.Polynomials` draws 0 wherever its source is 0: there it
leaves holes in the brain that say nothing about polynomials. Here it is drawn in the whole foreground, which the mask
tells it and the networks are not told, and is 0 outside.
"""

from __future__ import annotations

import numpy as np

from disentangle.puir.baselines import Polynomials, fit_polynomials
from disentangle.puir.cohorts import JITTER, people_of, split
from disentangle.puir.data import Images, People, people
from disentangle.puir.experiment import drawn_scores


def drawn_inside(polynomials: Polynomials, images: Images | People, **facts: np.ndarray | None) -> np.ndarray:
    """As `Polynomials.predict`, but 0 outside of the people's foreground instead of where the source is 0."""
    data = people(images, polynomials.modalities, None, **facts)
    values, there, inside = data.images.numpy(), data.present.numpy(), data.foreground.numpy()
    drawn = np.full((*there.shape, len(polynomials.modalities), *values.shape[2:]), np.nan, np.float32)
    for source, target in np.ndindex(polynomials.coefficients.shape[:2]):
        having = there[:, source]
        predicted = np.polynomial.polynomial.polyval(values[having, source], polynomials.coefficients[source, target])
        drawn[having, source, target] = np.where(inside[having], np.clip(predicted, 0, 1), 0)
    return drawn


def polynomial_inside_cell(jitter: float = JITTER) -> dict:
    """``polynomial_inside``: the scores that `experiment.baselines_cell` has of the polynomial, of this one."""
    found = split("brain", jitter)
    polynomials = fit_polynomials(people_of(found.training), found.modalities)
    scores = drawn_scores(found, lambda data: drawn_inside(polynomials, data), with_others=jitter == JITTER)
    return {"polynomial_inside": scores}
