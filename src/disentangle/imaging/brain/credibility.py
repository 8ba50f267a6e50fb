"""Is the simulation credible? The checks of the anatomy digest, section 12.5, as numbers."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import wasserstein_distance

from disentangle.imaging.brain.cohort import BrainCohort, to_sections
from disentangle.imaging.brain.render import REFERENCE, Corruption, render, signals
from disentangle.imaging.brain.sections import person_sections
from disentangle.imaging.brain.sites import SITES, Protocol, contrast_table

ATLAS_SHARES = {"gm": 0.464, "wm": 0.345, "csf": 0.191}
"""Shares of 903, 671 and 372 mL: the discrete model of BrainWeb (digest, section 9)."""


def contrast_to_noise(protocol: Protocol, one: str = "gm", other: str = "wm") -> float:
    """Difference of two tissues' signals, gamma included, over the SD of the noise."""
    table = contrast_table({"here": protocol}, gamma=True).loc["here"]
    reference = table[("csf", "gm", "deep_gm", "wm")[REFERENCE[protocol.sequence]]]
    return float(abs(table[one] - table[other]) / (protocol.noise_percent / 100 * reference))


def lesion_contrast(cohort: BrainCohort, subject: str) -> np.ndarray:
    """How far a person's lesion stands out from its twin, in SDs of the noise: (modality, slice, row, column)."""
    grid, seed = cohort.extra["grid"], cohort.extra["seed"]
    who = cohort.subjects.loc[subject]
    contrasts = []
    for modality in cohort.extra["modalities"]:
        protocol = SITES[who["site"]].protocol(modality)
        found = person_sections(int(who["person"]), seed, who["lesion"], grid, protocol.thickness_mm)
        own, twin = (to_sections(found, int(who["person"]), seed, who["lesion"], grid, state) for state in (0, -1))
        quiet = [render(each, protocol, seed, Corruption(noise=False)) for each in (own, twin)]
        sd = protocol.noise_percent / 100 * signals(own, protocol, seed)[:, REFERENCE[modality]]
        contrasts.append((quiet[0] - quiet[1]).abs() / sd[:, None, None])
    return torch.stack(contrasts).numpy()


def invisible_share(cohort: BrainCohort, subject: str) -> float:
    """Share of a person's lesion voxels whose contrast is below one SD of the noise in every sequence; NaN for none."""
    rows = (cohort.samples["subject"] == subject).to_numpy()
    mask = cohort.masks[rows]
    if not mask.any():
        return float("nan")
    best = lesion_contrast(cohort, subject).max(axis=0)[cohort.samples["slice"].to_numpy()[rows]]
    return float((best[mask] < 1).mean())


def histogram_distance(one: np.ndarray, other: np.ndarray, one_brain: np.ndarray, other_brain: np.ndarray) -> float:
    """Wasserstein distance of the grey values inside two brain masks."""
    return float(wasserstein_distance(one[one_brain], other[other_brain]))


def tissue_shares(cohort: BrainCohort) -> dict[str, float]:
    """Mean shares of GM, WM and CSF in the heads of a cohort, to compare with ``ATLAS_SHARES``."""
    subjects = cohort.subjects
    return {name: float((subjects[f"{name}_ml"] / subjects["head_ml"]).mean()) for name in ATLAS_SHARES}
