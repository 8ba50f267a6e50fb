"""Mutual information gap: does one latent alone know a factor? (Chen et al. 2018, arXiv 1802.04942)."""

from __future__ import annotations

import numpy as np

from disentangle.metrics.mutual_information import discretise, entropy, mutual_information_matrix


def mutual_information_gaps(information: np.ndarray, factor_entropy: np.ndarray) -> np.ndarray:
    """Gap between the two latents that know most of each factor, over the factor's entropy.

    Parameters
    ----------
    information : array (D, F)
        Mutual information in nats, D >= 2.
    factor_entropy : array (F,)

    Returns
    -------
    array (F,)
        In 0..1; NaN for a factor that never varies.
    """
    if len(information) < 2:
        raise ValueError(f"a gap needs two latents or more, found {len(information)}")
    second, first = np.sort(information, axis=0)[-2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(factor_entropy > 0, (first - second) / factor_entropy, np.nan)


def mig(latents: np.ndarray, factors: np.ndarray, *, bins: int) -> float:
    """Mean gap over the factors that vary: 1 one latent a factor, 0 no latent stands out.

    When factors depend on each other (size and spiculation) even a perfect representation stays below 1,
    and two copies of a perfect representation score 0: compare, do not read absolutely.

    Parameters
    ----------
    latents : array (n, D)
    factors : array (n, F)
    bins : int
        Of equal counts, for both.
    """
    known, truth = discretise(latents, bins), discretise(factors, bins)
    return float(np.nanmean(mutual_information_gaps(mutual_information_matrix(known, truth), entropy(truth))))
