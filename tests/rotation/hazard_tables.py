"""Simulated survival tables for tests: Weibull times with a planted log hazard, uniform censoring."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

SHAPE, SCALE = 1.3, 4.0


def hazard_table(
    people: int = 200, effects: Mapping[str, float] | None = None, noise: int = 0, seed: int = 0
) -> pd.DataFrame:
    """Standard normal covariates; ``effects`` are log hazard ratios; ``noise`` more columns do nothing."""
    rng = np.random.default_rng(seed)
    effects = dict(effects or {})
    names = [*effects, *(f"noise_{k}" for k in range(noise))]
    covariates = pd.DataFrame(rng.standard_normal((people, len(names))), columns=names)
    log_hazard = sum((covariates[name] * size for name, size in effects.items()), np.zeros(people))
    time = SCALE * (rng.exponential(size=people) / np.exp(log_hazard)) ** (1 / SHAPE)
    censored = rng.uniform(1, 8, people)
    covariates["time"] = np.minimum(time, censored)
    covariates["event"] = (time <= censored).astype(float)
    return covariates.set_axis(pd.Index([f"p{i:03}" for i in range(people)], name="subject"))


def survival_probability(log_hazard: np.ndarray, at: float) -> np.ndarray:
    """True probability of no event by ``at`` in ``hazard_table``."""
    return np.exp(-((at / SCALE) ** SHAPE) * np.exp(log_hazard))
