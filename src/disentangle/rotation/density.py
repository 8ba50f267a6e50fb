"""A control without latents: clusters of patches by their mean density alone (digest 6.3 and 9.5).

Kernels leave the mean of a patch nearly as it is, so that bands of density look consistent whatever they are worth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from disentangle.imaging.cohort import Cohort
from disentangle.metrics.consistency import effective_clusters
from disentangle.rotation.clusters import fit_clusters
from disentangle.rotation.latents import Part
from disentangle.rotation.plan import Plan
from disentangle.rotation.scores import unit_scores

NAME = "density"


def mean_density(cohort: Cohort) -> Part:
    """The mean grey value of each patch as its only latent, (row, 1)."""
    return Part(cohort.images.mean((1, 2, 3), dtype=np.float64)[:, None], cohort.samples)


def density_table(
    cells: Sequence[dict], cohorts_of: Callable[[dict], tuple[Cohort, Cohort]], plan: Plan
) -> pd.DataFrame:
    """Scores of bands of density, one row a cell and unit, in the form of `evaluate.unit_table`.

    Each cell's number of clusters, places to fit on and first seed of the clusters are used, so that its methods may be
    compared with the bands in pairs. ``cohorts_of`` gives, of a cell's parameters, the cohort that bands are fitted on
    and the one that is tested. ``effective`` is the number of clusters in effect.
    """
    tables = []
    for cell in cells:
        parameters, k = cell["parameters"], cell["scores"]["k"]
        seed, (fitted, tested) = parameters["seed"], map(mean_density, cohorts_of(parameters))
        some = fitted.places(plan.cluster_places, seed).latents
        labels = fit_clusters(some, k, 100 * seed).predict(tested.latents)
        scores = unit_scores(labels, tested, k).rename_axis("unit").reset_index()
        facts = {"method": NAME, "model": seed, "clustering": 0, "effective": effective_clusters(labels)}
        tables.append(scores.assign(**facts))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["method", "unit", "model"])
