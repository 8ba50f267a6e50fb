"""Cells of the chapter on clusters: one autoencoder, every method on its latents, clusters, scores on other people.

Everything that is chosen is chosen on training people: the number of clusters by stability over sub-cohorts, that of
dropped dimensions by the rotation's own rule.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from disentangle.metrics.consistency import effective_clusters
from disentangle.rotation.archive import Parts, ct_parts, phantom_parts
from disentangle.rotation.clusters import fit_clusters
from disentangle.rotation.latent_rotation import LatentRotation
from disentangle.rotation.latents import Part, Space, latent_space
from disentangle.rotation.methods import METHODS, WITHOUT_PAIRS, control_rotations, fitted_rotation, harmonized
from disentangle.rotation.packing import packed
from disentangle.rotation.plan import CT_PATCHES, PATCHES, PEOPLE, PLAN, Plan, number_of_clusters
from disentangle.rotation.scores import probe_scores, unit_of, unit_scores, unseen_ari

_FEWER = ("ari", "tissue_ari")


def clusters_cell(arm: str, seed: int, effect: float = 1.0) -> dict:
    """All methods on simulated lungs with one seed of the autoencoder, five seeds of the clusters."""
    return scored(_phantom(arm, effect), PLAN, seed, arms=effect > 0)


def clusters_lung_ct_cell(fitted_on: int, seed: int) -> dict:
    """All methods on real lungs: fitted on one person, scored on the other."""
    return scored(_ct(fitted_on), PLAN, seed, arms=False)


@lru_cache(maxsize=1)
def _phantom(arm: str, effect: float) -> Parts:
    return phantom_parts(PEOPLE, PATCHES, arm, effect)


@lru_cache(maxsize=2)
def _ct(fitted_on: int) -> Parts:
    return ct_parts(fitted_on, CT_PATCHES)


def scored(parts: Parts, plan: Plan, seed: int, *, arms: bool = True, cache: bool = True) -> dict:
    """Every score of a cell.

    Returns
    -------
    dict
        ``units`` (people or blocks), ``k`` and ``stability``; ``methods``, each with scores in thousandths of every
        unit and clustering, number of effective clusters, and probes; ``controls`` of the rotation; ``rotation``
        (dropped dimensions, singular values, curve); ``pairs`` and ``by_k``; with ``arms`` also ``archive``, the
        methods that need no pairs, fitted on the clinical series of the training people.
    """
    space = latent_space(parts, plan.autoencoder, seed, cache=cache)
    job = _Job(space, plan, seed, parts.reference)
    rotation = fitted_rotation(space.pairs)
    scores = {
        "units": job.units,
        "k": job.k,
        "stability": {str(k): row for k, row in job.table.round(4).T.to_dict("list").items()},
        "methods": {name: job.method(name) for name in METHODS},
        "rotation": described(rotation),
        "controls": {
            name: job.control(model)
            for name, model in control_rotations(space.pairs, space.archive, parts.factors, seed).items()
        },
        "pairs": job.pair_curve(rotation.dropped_),
        "by_k": job.by_k(),
        "fit_seconds": round(space.fitted.fit_seconds, 1),
    }
    if arms:
        scores["archive"] = {name: job.method(name, space.archive, 1) for name in WITHOUT_PAIRS}
    return scores


class _Job:
    """The scores of one latent space."""

    def __init__(self, space: Space, plan: Plan, seed: int, reference: str):
        self.space, self.plan, self.seed, self.reference = space, plan, seed, reference
        self.k, self.table = number_of_clusters(space.pairs, plan, seed)
        unit = unit_of(space.test)
        self.units = sorted(map(str, space.test.samples[unit].unique()))
        self.others = [part for part in (space.test, space.unseen) if part is not None]

    def method(self, name: str, fit: Part | None = None, clusterings: int | None = None) -> dict:
        """A method fitted on the rows in pairs, or on others: clusters, and what probes still read of its latents."""
        pairs, *others = harmonized(name, fit or self.space.pairs, self.space.pairs, *self.others)
        tables, sizes = self._clusterings(pairs, others, self.k, clusterings or self.plan.clusterings)
        probes = probe_scores(
            pairs,
            self.space.pairs,
            others[0],
            self.space.test,
            kinds=self.plan.probes if fit is None else ("linear",),
            rows=self.plan.probe_rows,
            seed=self.seed,
        )
        tables = tables if fit is None else [_fewer(table) for table in tables]
        return packed(tables) | {"effective": round(float(np.mean(sizes)), 2), "probe": probes}

    def control(self, model: LatentRotation) -> dict:
        """Scores of a rotation that something was done to, with one clustering."""
        return packed([_fewer(self._rotated(model, self.k))]) | {"dropped": model.dropped_}

    def pair_curve(self, dropped: int) -> dict[str, dict]:
        """Scores of the rotation by the number of locations in pairs that it was fitted on.

        ``dropped`` dimensions are dropped whatever the number, so that the curve shows how well directions are found;
        ``rule`` is what the rule would have dropped.
        """
        found = {}
        for count in self.plan.pair_counts:
            some = self.space.pairs.places(count, self.seed)
            model = fitted_rotation(some, dropped=dropped)
            found[str(count)] = packed([self._rotated(model, self.k)[["ari"]]])
            found[str(count)] |= {"dropped": dropped, "rule": fitted_rotation(some).dropped_}
        return found

    def by_k(self) -> dict[str, dict]:
        """Mean scores of the entangled latents and the rotation for every number of clusters, one clustering each."""
        found = {}
        for name in ("entangled", "rotation"):
            pairs, *others = harmonized(name, self.space.pairs, self.space.pairs, *self.others)
            for k in self.plan.ks:
                means = _fewer(self._clusterings(pairs, others, k, 1)[0][0]).mean()
                found.setdefault(str(k), {})[name] = {key: round(float(value), 4) for key, value in means.items()}
        return found

    def _rotated(self, model: LatentRotation, k: int) -> pd.DataFrame:
        pairs, *others = (model.transform(part.latents) for part in (self.space.pairs, *self.others))
        return self._clusterings(pairs, others, k, 1)[0][0]

    def _clusterings(self, pairs, others, k: int, count: int) -> tuple[list[pd.DataFrame], list[float]]:
        """One table of unit scores a clustering, and its number of effective clusters."""
        places = Part(pairs, self.space.pairs.samples).places(self.plan.cluster_places, self.seed)
        tables, sizes = [], []
        for number in range(count):
            clusters = fit_clusters(places.latents, k, 100 * self.seed + number)
            labels = [clusters.predict(rows) for rows in others]
            table = unit_scores(labels[0], self.space.test, k)
            if len(labels) > 1:
                table["unseen_ari"] = unseen_ari(
                    labels[0], self.space.test, labels[1], self.space.unseen, self.reference, k
                )
            tables.append(table)
            sizes.append(effective_clusters(labels[0]))
        return tables, sizes


def _fewer(table: pd.DataFrame) -> pd.DataFrame:
    """The scores that are kept of what stands beside the main comparison: a cell's file is small."""
    return table[[name for name in _FEWER if name in table]]


def described(model: LatentRotation) -> dict:
    """What a fitted rotation found: dropped dimensions, singular values, angle to the shifts, and its curve."""
    columns = ["dropped", "pair_accuracy", "limit", "setting_accuracy", "same_location", "kept"]
    curve = model.curve_[columns].round(3).to_numpy().tolist()
    angle = None if np.isnan(model.shift_angle_) else round(float(model.shift_angle_), 2)
    return {
        "dropped": model.dropped_,
        "singular_values": [round(float(value), 5) for value in model.singular_values_[:8]],
        "shift_angle": angle,
        "unshared": round(float(model.unshared_), 4),
        "curve": {name: [row[at] for row in curve] for at, name in enumerate(columns)},
    }
