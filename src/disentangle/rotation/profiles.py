"""Cells of the chapter on survival: the tissue profile of every person, from their own clinical scan.

Autoencoder, harmonization and clusters learn from the people whose raw data were kept, no outcome is seen. Five
models name each patch; the names are matched and the shares averaged before anything is asked about survival.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from disentangle.imaging import datasets
from disentangle.imaging.cohort import Cohort
from disentangle.rotation.clusters import fit_clusters
from disentangle.rotation.composition import match_clusters
from disentangle.rotation.latents import POWER, Part, encoded
from disentangle.rotation.methods import harmonized
from disentangle.rotation.plan import PATCHES, PEOPLE, PLAN, Plan, number_of_clusters
from disentangle.rotation.train import encode, fit
from disentangle.rotation.whitening import Whitening

OWN_PATCHES = 100
MODELS = 5
PROFILES = ("entangled", "rotation", "combat", "combat_archive")


@dataclass(frozen=True)
class Sources:
    """``pairs``: people whose raw data were kept, every setting. ``own``: everybody in their own setting."""

    pairs: Cohort
    own: Cohort


def profile_cell(arm: str, method: str) -> dict:
    """The profile of all 240 people by a method of `PROFILES`; ``arm`` decides who was scanned how."""
    return profile(_spaces(arm), method, PLAN)


@lru_cache(maxsize=1)
def _spaces(arm: str) -> list[tuple[Part, Part]]:
    """One for all methods of an arm: most of a cell's time goes into the latents."""
    everything = datasets.load("lung_phantom", people=PEOPLE, patches=PATCHES)
    paired = everything.subjects.index[everything.subjects["pairs"]]
    own = datasets.load("lung_phantom", arm=arm, settings="own", patches=OWN_PATCHES)
    return spaces(Sources(everything.of_people(paired), own), PLAN, MODELS)


def spaces(sources: Sources, plan: Plan, models: int, *, cache: bool = True) -> list[tuple[Part, Part]]:
    """Latents of the people with pairs and of everybody's own scans, by each of several models."""
    return [_latents(sources, plan, seed, cache) for seed in range(models)]


def profile(latents: Sequence[tuple[Part, Part]], method: str, plan: Plan) -> dict:
    """Patches of each person in each cluster, summed over models whose clusters were matched to the first one's.

    ``latents`` are those of `spaces`. ``combat_archive`` is ComBat fitted on everybody's own scans, as where no raw
    data were kept. Returns ``k``, and ``counts`` (person, cluster) in the order of the subjects, ``patches`` of each
    person times models.
    """
    if method not in PROFILES:
        raise ValueError(f"no profile {method!r}, expected one of {', '.join(PROFILES)}")
    k = number_of_clusters(latents[0][0], plan, 0)[0]
    labels = []
    for seed, (pairs, own) in enumerate(latents):
        base = pairs if method != "combat_archive" else own
        fitted, shown = harmonized(method.removesuffix("_archive"), base, pairs, own)
        places = Part(fitted, pairs.samples).places(plan.cluster_places, seed)
        found = fit_clusters(places.latents, k, seed).predict(shown)
        labels.append(found if not labels else match_clusters(found, labels[0], k))
    people, codes = np.unique(latents[0][1].column("subject"), return_inverse=True)
    counts = np.zeros((len(people), k), int)
    for one in labels:
        np.add.at(counts, (codes.ravel(), one), 1)
    return {"k": k, "counts": counts.tolist(), "patches": int(counts[0].sum()), "models": len(latents)}


def _latents(sources: Sources, plan: Plan, seed: int, cache: bool) -> tuple[Part, Part]:
    fitted = fit(sources.pairs, plan.autoencoder, seed, cache=cache)
    scale = Whitening.fit(encode(fitted, sources.pairs), POWER)
    return encoded(fitted, scale, sources.pairs), encoded(fitted, scale, sources.own)
