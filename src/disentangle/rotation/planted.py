"""A world in which the answer is known: latents that are a sum of biology, setting and noise in known directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import subspace_angles


@dataclass(frozen=True)
class Planted:
    """Rows of ``locations`` places under every setting.

    ``latents`` (row, dimension), ``setting`` (row,) str, ``location`` (row,) int; ``biology`` (place, axis) what is
    there; ``technical`` (dimension, settings - 1) orthonormal axes along which the settings differ.
    """

    latents: np.ndarray
    setting: np.ndarray
    location: np.ndarray
    biology: np.ndarray
    technical: np.ndarray


def planted(
    *,
    settings: int = 4,
    locations: int = 2000,
    dimensions: int = 24,
    biological: int = 6,
    effect: float = 1.0,
    noise: float = 0.3,
    seed: int = 0,
) -> Planted:
    """z = B y + T s + noise, with B and T orthonormal and orthogonal to each other.

    ``effect`` is the distance of every setting from their centre, in units of the biology's smallest axis or so.
    Raises ValueError where the axes do not fit into the dimensions.
    """
    if biological + settings - 1 > dimensions or settings < 2:
        raise ValueError(
            f"{biological} biological axes and {settings} settings in {dimensions} dimensions, expected at least two "
            "settings, and as many dimensions as axes"
        )
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((dimensions, dimensions)))[0]
    technical = axes[:, biological : biological + settings - 1]
    corners = effect * np.linalg.svd(np.eye(settings) - 1 / settings)[0][:, : settings - 1]
    biology = rng.standard_normal((locations, biological)) * np.linspace(2, 0.7, biological)
    latents = (biology @ axes[:, :biological].T)[:, None] + corners @ technical.T
    latents = latents + noise * rng.standard_normal((locations, settings, dimensions))
    return Planted(
        latents.reshape(-1, dimensions),
        np.tile([f"setting {number + 1}" for number in range(settings)], locations),
        np.repeat(np.arange(locations), settings),
        biology,
        technical,
    )


def largest_angle(found: np.ndarray, true: np.ndarray) -> float:
    """Largest principal angle in degrees between the rows of ``found`` (axis, dimension) and columns of ``true``."""
    return float(np.degrees(subspace_angles(np.asarray(found).T, true).max()))
