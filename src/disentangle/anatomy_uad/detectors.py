"""Every method of the comparison behind one face: slices in, anomaly maps out, and a healthy image if it has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from disentangle.anatomy_uad import baselines
from disentangle.anatomy_uad.config import ARMS, BASELINES, DALConfig, ScoreConfig, arm, baseline_like
from disentangle.anatomy_uad.data import Slices, pairs_of
from disentangle.anatomy_uad.fitted import Fitted
from disentangle.anatomy_uad.postprocess import finished
from disentangle.anatomy_uad.score import anomaly_map
from disentangle.anatomy_uad.train import fit, pseudo_healthy
from disentangle.imaging.cohort import Cohort

HYBRID = "_hybrid"
"""Ending of a trained baseline's name: the same weights, scored as the method is, with 1 - SSIM."""

METHODS = ("threshold", "zmap", *BASELINES, *(name + HYBRID for name in BASELINES), "dal", *ARMS)
COMPETITORS = tuple(name for name in METHODS if name not in ("dal", *ARMS))


@dataclass(frozen=True)
class Detector:
    """A method ready to score.

    ``unfiltered`` gives the raw score of slices at heights in mm (slice, height, width); ``healthy`` the slices as the
    method imagines them healthy, None where it has no image. ``config`` says what follows the raw score.
    """

    name: str
    unfiltered: Callable[[Slices, np.ndarray], np.ndarray]
    config: ScoreConfig
    healthy: Callable[[Slices], np.ndarray] | None = None
    fitted: Fitted | None = None

    def maps(self, slices: Slices, z_mm: np.ndarray, config: ScoreConfig | None = None) -> np.ndarray:
        """Anomaly maps (slice, height, width), with the detector's own post-processing or another."""
        return finished(self.unfiltered(slices, z_mm), slices.brain, slices.spacing_mm, config or self.config)


def detector(name: str, data: Cohort, config: DALConfig, seed: int, *, cache: bool = True) -> Detector:
    """A method of ``METHODS`` fitted to a cohort of healthy people. Raises ValueError for another name."""
    if name not in METHODS:
        raise ValueError(f"no method {name!r}, expected one of {', '.join(METHODS)}")
    raw = replace(config.score, median=1, erosion_mm=0.0)
    if name == "threshold":
        return Detector(name, lambda slices, z_mm: baselines.threshold_score(slices, raw), config.score)
    if name == "zmap":
        normal = baselines.fit_normative_map(pairs_of(data, config.sequences), heights(data))
        return Detector(name, lambda slices, z_mm: baselines.normative_score(normal, slices, z_mm, raw), config.score)
    if name.removesuffix(HYBRID) in BASELINES:
        own = baseline_like(config, name.removesuffix(HYBRID))
        fitted = baselines.fit_restorer(data, own, seed, cache=cache)
        return _restoring(name, fitted, baselines.redraw, replace(own.score, ssim=name.endswith(HYBRID)))
    fitted = fit(data, arm(config, name), seed, cache=cache)
    return _restoring(name, fitted, pseudo_healthy, fitted.config.score)


def heights(cohort: Cohort) -> np.ndarray:
    """Heights of a cohort's sections, mm."""
    return cohort.samples["z_mm"].to_numpy(float)


def _restoring(
    name: str, fitted: Fitted, drawn: Callable[[Fitted, Slices], np.ndarray], config: ScoreConfig
) -> Detector:
    raw = replace(config, median=1, erosion_mm=0.0)
    return Detector(
        name,
        lambda slices, z_mm: anomaly_map(slices, drawn(fitted, slices), raw),
        config,
        lambda slices: drawn(fitted, slices),
        fitted,
    )
