"""Gaussian random fields in three dimensions on the grid of the objects, and the shapes cut out of them.

Field of a location: white noise on a coarse lattice, convolved with a Gaussian along each axis, so that any number of
fields is three small matrix products. Every draw is a hash of the location's key and a name (see ``texture``).
Follows the rotation digest, section 10.1.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from disentangle.imaging.lidc.texture import white_spectrum

FINE_MM = 0.35
FINE_PIXELS = 96
PLANE_MM = 0.75
PLANES = 7


def grf(keys: Tensor, name: str, length_mm: float, planes: int = PLANES) -> Tensor:
    """Unit-variance field with correlation exp(-r^2 / (2 length^2)): (key, planes, FINE_PIXELS, FINE_PIXELS).

    ``planes`` (odd) of the middle ones out of ``PLANES`` are computed; their values do not depend on how many.
    """
    across = _basis(FINE_PIXELS, FINE_MM, length_mm, keys.device)
    along = _basis(PLANES, PLANE_MM, length_mm, keys.device)
    margin = (PLANES - planes) // 2
    along = along[margin : PLANES - margin]
    depth, side = along.shape[1], across.shape[1]
    count = depth * side * side
    white = white_spectrum(keys, name, 2 * math.ceil(math.sqrt(count) / 2)).flatten(1)[:, :count]
    stacked = (along @ white.reshape(-1, depth, side * side)).view(-1, planes, side, side)
    return across @ (stacked @ across.T)


@cache
def _basis(points: int, step_mm: float, length_mm: float, device: torch.device) -> Tensor:
    """Weights of the lattice (point, node) with rows of unit norm; nodes stand ``length_mm`` apart.

    Gaussians of sd length / sqrt(2) correlate as exp(-r^2 / (2 length^2)); at this spacing the variance between
    nodes would ripple by 1.4 %, which the norm removes.
    """
    at = (torch.arange(points, dtype=torch.float64) - (points - 1) / 2) * step_mm
    reach = math.ceil((float(at[-1]) + 2.2 * length_mm) / length_mm)
    nodes = torch.arange(-reach, reach + 1, dtype=torch.float64) * length_mm
    weights = torch.exp(-((at[:, None] - nodes) ** 2) / length_mm**2)
    return (weights / weights.norm(dim=1, keepdim=True)).float().to(device)


def ramp(x: Tensor, at: Tensor | float, width: Tensor | float) -> Tensor:
    """0 below ``at - width / 2``, 1 above ``at + width / 2``, linear in between. Overwrites ``x``."""
    return x.sub_(at).div_(width).add_(0.5).clamp_(0, 1)


def tubes(keys: Tensor, name: str, length_mm: float, radius_mm: Tensor, planes: int = PLANES) -> Tensor:
    """Branchless vessels, 1 inside and 0 outside: where two fields are near zero at once.

    They pierce a plane about 1 / (2 pi length^2) times per mm^2; ``radius_mm`` (key,) is that of a typical one.
    """
    first, second = (grf(keys, f"{name} {part}", length_mm, planes) for part in "ab")
    away = first.square_().addcmul_(second, second)
    return away.mul_(-1 / wide((radius_mm / length_mm).square())).add_(1.5).clamp_(0, 1)


def walls(keys: Tensor, name: str, length_mm: float, width_mm: Tensor, cells: int, planes: int = PLANES) -> Tensor:
    """A foam's walls, 1 inside and 0 outside: where the two highest of several fields are nearly equal.

    Space falls into cells by which of ``cells`` fields is the highest; three walls meet in an edge, as in a foam.
    Cells are about 2.5 ``length_mm`` wide; ``width_mm`` (key,) is the width of a typical wall.
    """
    highest, other = (grf(keys, f"{name} {number}", length_mm, planes) for number in range(2))
    second = torch.minimum(highest, other)
    torch.maximum(highest, other, out=highest)
    for number in range(2, cells):
        other = grf(keys, f"{name} {number}", length_mm, planes)
        torch.maximum(second, torch.minimum(highest, other), out=second)
        torch.maximum(highest, other, out=highest)
    # two fields part at sqrt(2) / length per mm on either side of a wall's middle
    half = width_mm / 2 * math.sqrt(2) / length_mm
    return highest.sub_(second).mul_(-1 / wide(half)).add_(1.5).clamp_(0, 1)


def wide(values: Tensor) -> Tensor:
    """(key,) as (key, 1, 1, 1)."""
    return values[:, None, None, None]
