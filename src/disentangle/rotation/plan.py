"""How much work a cell of this chapter is: one configuration, sized for about a minute on one core."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from disentangle.rotation.clusters import choose_k, stability
from disentangle.rotation.config import AutoencoderConfig
from disentangle.rotation.latents import Part


@dataclass(frozen=True)
class Plan:
    """How much work a cell is. One configuration for the whole grid.

    ``ks`` numbers of clusters to choose from, ``clusterings`` seeds of k-means; ``cluster_places`` and
    ``stability_places`` locations that clusters and their number are fitted on; ``probe_rows`` rows that probes see,
    ``probes`` their kinds; ``pair_counts`` numbers of locations in pairs to fit the rotation on.
    """

    autoencoder: AutoencoderConfig = AutoencoderConfig().with_training(steps=240, batch_size=128, validate_every=60)
    ks: tuple[int, ...] = (4, 6, 8, 10, 12)
    clusterings: int = 5
    cluster_places: int = 500
    stability_places: int = 250
    probe_rows: int = 8000
    probes: tuple[str, ...] = ("linear", "mlp")
    pair_counts: tuple[int, ...] = (50, 200, 1000)


PLAN = Plan()
PEOPLE, PATCHES = 120, 40
CT_PATCHES = 400


def number_of_clusters(pairs: Part, plan: Plan, seed: int) -> tuple[int, pd.DataFrame]:
    """The number of clusters that is stable over sub-cohorts of training people, and the table behind it.

    Decided on the entangled latents, once for all methods: no method has a number that suits it best.
    """
    some = pairs.places(plan.stability_places, seed)
    unit = "block" if "block" in some.samples and some.samples["subject"].nunique() < 4 else "subject"
    table = stability(some.latents, some.column(unit), plan.ks, seed)
    return choose_k(table), table
