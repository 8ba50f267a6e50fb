"""Cells of the latent-space chapter: one model trained without labels, and what its code knows of unseen people."""

from __future__ import annotations

import numpy as np
import pandas as pd

from disentangle.imaging.cohort import Cohort
from disentangle.lesion_vae import splits
from disentangle.lesion_vae.experiment import labelled_cohort, reconstruction, rounded, vae_config
from disentangle.lesion_vae.latent_space import clusters, disentanglement, lesion_means, score_draws
from disentangle.lesion_vae.train import Fitted, decode, encode, fit, new_model
from disentangle.lesion_vae.traversals import traversals
from disentangle.training import History

CLUSTERS = 8
PERMUTATIONS = 200
DRAWS = 40
ACTIVE_SHARE = 0.01
"""A latent is active where its variance over lesions is at least this share of the largest one's."""


def latent_space(data: str, model: str, beta: float, concentration: float, seed: int) -> dict:
    """One model without labels: what it redraws, and what its latents know, on people it never saw."""
    cohort = labelled_cohort(data)
    split = splits.exploration_split(cohort.samples)
    held_out = cohort.select(split.test)
    config = vae_config(data, "gvae" if model == "random" else model, beta=beta, concentration=concentration)
    if model == "random":
        fitted = Fitted(new_model(config, seed), config, History(), 0.0, False)
    else:
        fitted = fit(cohort.select(split.train), config, seed, validation=cohort.select(split.validation))
    return rounded(
        {
            "fit_seconds": fitted.fit_seconds,
            "steps": fitted.history.rows[-1]["step"] if fitted.history.rows else 0,
            **reconstruction(fitted, held_out),
            **_latents(fitted, held_out, seed),
        }
    )


def factors(samples: pd.DataFrame) -> dict[str, np.ndarray]:
    """What the latents should know of each lesion: size, outline, and the readers' mean ratings that vary."""
    names = ("lesion_diameter_mm", "subtlety", "sphericity", "margin", "lobulation", "spiculation", "texture")
    return {name: samples[name].to_numpy(float) for name in names if name in samples}


def _latents(fitted: Fitted, cohort: Cohort, seed: int) -> dict:
    """Disentanglement, clusters and traversals of the mean latents of each lesion."""
    simplex = fitted.config.prior == "dirichlet"
    latents, names = lesion_means(encode(fitted, cohort), cohort.samples["lesion"])
    table = splits.lesion_table(cohort.samples).loc[names]
    known = np.column_stack(list(factors(table).values()))
    size, person = table["lesion_diameter_mm"].to_numpy(), table["subject"].to_numpy()
    common = dict(seed=seed, groups=person, size=size)
    agreement = clusters(
        latents,
        malignant=table["malignant"].to_numpy(),
        size=size,
        shape=table["sphericity"].to_numpy() if "sphericity" in table else size,
        patient=person,
        k=CLUSTERS,
        permutations=PERMUTATIONS,
        seed=seed,
        simplex=simplex,
    )
    drawn = {
        "plain": score_draws(latents, known, person, draws=DRAWS, seed=1),
        "given_size": score_draws(latents, known, person, draws=DRAWS, seed=1, size=size),
    }
    return {
        "disentanglement": disentanglement(latents, known, simplex=simplex, **common),
        "disentanglement_draws": drawn,
        "clusters": agreement,
        "traversals": traversals(latents, lambda z: decode(fitted, z), seed=seed, simplex=simplex),
        "active_units": int((latents.var(axis=0) > ACTIVE_SHARE * latents.var(axis=0).max()).sum()),
    }
