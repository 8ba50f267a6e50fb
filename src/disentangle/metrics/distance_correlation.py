"""Distance correlation: 0 only under independence, for vectors of any dimension (Szekely et al. 2007)."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist


def distance_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Sample distance correlation of the rows of ``a`` (n, p) and ``b`` (n, q), in 0..1.

    Biased upwards for few rows and many dimensions: see `unbiased_distance_correlation`.
    Source: Szekely, Rizzo, Bakirov 2007, Annals of Statistics 35:2769, definition 5.
    0 where one side is constant.
    """
    a, b = (_double_centred(x) for x in _check(a, b))
    return float(np.sqrt(max(_ratio(a, b), 0.0)))


def unbiased_distance_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Bias-corrected **squared** distance correlation, about 0 under independence; it can be negative.

    Source: Szekely and Rizzo 2013, J. Multivariate Analysis 117:193 (U-centred distances). Needs 4 rows.
    """
    a, b = _check(a, b)
    if len(a) < 4:
        raise ValueError(f"the unbiased distance correlation needs 4 rows or more, found {len(a)}")
    return float(_ratio(_u_centred(a), _u_centred(b)))


def _ratio(a: np.ndarray, b: np.ndarray) -> float:
    scale = np.sqrt((a * a).mean() * (b * b).mean())
    return (a * b).mean() / scale if scale > 1e-300 else 0.0


def _double_centred(x: np.ndarray) -> np.ndarray:
    d = cdist(x, x)
    means = d.mean(axis=0)
    return d - means[None] - means[:, None] + d.mean()


def _u_centred(x: np.ndarray) -> np.ndarray:
    d = cdist(x, x)
    n, sums = len(d), d.sum(axis=0)
    centred = d - sums[None] / (n - 2) - sums[:, None] / (n - 2) + d.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return centred


def _check(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = (x[:, None] if (x := np.asarray(side, float)).ndim == 1 else x for side in (a, b))
    if len(a) != len(b):
        raise ValueError(f"{len(a)} rows on one side but {len(b)} on the other")
    return a, b
