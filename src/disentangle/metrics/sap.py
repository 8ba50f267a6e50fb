"""Separated attribute predictability (Kumar et al. 2018, arXiv 1711.00848, section 3), continuous factors."""

from __future__ import annotations

import numpy as np

from disentangle.metrics.partial import correlation_matrix


def attribute_gaps(predictability: np.ndarray) -> np.ndarray:
    """Difference of the two best latents for each factor.

    Parameters
    ----------
    predictability : array (D, F)
        How well latent i alone predicts factor j; here R squared of a straight line. D >= 2.

    Returns
    -------
    array (F,)
    """
    if len(predictability) < 2:
        raise ValueError(f"a gap needs two latents or more, found {len(predictability)}")
    second, first = np.sort(predictability, axis=0)[-2:]
    return first - second


def sap(latents: np.ndarray, factors: np.ndarray) -> float:
    """Mean over factors of the gap in R squared between the two latents that predict it best.

    ``latents`` (n, D), ``factors`` (n, F). A constant factor is left out; a constant latent predicts nothing.
    """
    factors = np.asarray(factors, float)
    varying = np.ptp(factors, axis=0) > 0
    return float(attribute_gaps(correlation_matrix(latents, factors[:, varying]) ** 2).mean())
