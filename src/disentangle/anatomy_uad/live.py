"""What the chapter trains and shows on its page: people and settings of each profile, and the chain on one person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from disentangle.anatomy_uad.config import PRESETS, DALConfig
from disentangle.anatomy_uad.data import Slices
from disentangle.anatomy_uad.detectors import Detector
from disentangle.anatomy_uad.experiment import CHOSEN, configuration
from disentangle.anatomy_uad.people import FULL, Plan
from disentangle.anatomy_uad.score import structural_difference
from disentangle.anatomy_uad.train import anatomy, edges

PLANS = {
    "smoke": Plan(rows=48, columns=48, slices=2, training=3, validation=3, tuning=4, tested=2, healthy=2),
    "quick": Plan(training=12, validation=6, tuning=4, tested=2, healthy=2),
    "full": FULL,
    "paper": FULL,
}
SECOND_STAGE = 1.4
"""Steps of the second stage for each of the first, as in the grid."""


def live_config(profile: str, steps: int | None, device: str) -> DALConfig:
    """The configuration of a profile; ``steps`` of the first stage replace the profile's."""
    known = {"smoke": PRESETS["smoke"], "quick": replace(configuration(), base=8), "paper": PRESETS["paper"]}
    config = replace(known.get(profile, configuration()), score=CHOSEN)
    first = {"smoke": 6, "quick": 120}.get(profile, config.disentangling.steps)
    second = config.restoring.steps if profile in ("full", "paper") else round(SECOND_STAGE * first)
    if steps:
        first, second = steps, round(SECOND_STAGE * steps)
    return config.with_steps(first, second, device=device)


@dataclass(frozen=True)
class Chain:
    """Everything between slices and their anomaly maps, all (slice, height, width).

    ``tissues`` 0 outside, 1 CSF, 2 GM, 3 WM; ``anatomy`` their levels; ``healthy`` the pseudo-healthy image;
    ``difference`` and ``structure`` (1 - SSIM) whose product is filtered into ``score``.
    """

    tissues: np.ndarray
    anatomy: np.ndarray
    edges: np.ndarray
    healthy: np.ndarray
    difference: np.ndarray
    structure: np.ndarray
    score: np.ndarray


def chain(found: Detector, slices: Slices, z_mm: np.ndarray) -> Chain:
    """The method's steps on slices, one after the other."""
    tissues = anatomy(found.fitted, slices)
    levels = np.concatenate([[0.0], found.fitted.model.levels.cpu().numpy()])
    drawn = found.healthy(slices)
    return Chain(
        tissues=tissues,
        anatomy=levels[tissues],
        edges=edges(found.fitted, slices),
        healthy=drawn,
        difference=np.abs(slices.images - drawn),
        structure=structural_difference(slices.images, drawn, found.config.window),
        score=found.maps(slices, z_mm),
    )
