"""Smooth random fields and diffeomorphisms of the head: stationary velocity fields on a 3 mm grid.

Points are MNI millimetres (x to the right, y to the front, z up), shape (..., 3). Fields are (channel, x, y, z).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

ORIGIN_MM = (-98.0, -134.0, -72.0)
STEP_MM = 3.0
SHAPE = (66, 78, 63)
SQUARINGS = 6
JACOBIAN_RANGE = (0.2, 5.0)


def grid_points(
    origin: tuple[float, ...] = ORIGIN_MM,
    step: float = STEP_MM,
    shape: tuple[int, ...] = SHAPE,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Millimetres of the nodes of a grid, (x, y, z, 3)."""
    axes = [o + step * torch.arange(n, device=device) for o, n in zip(origin, shape, strict=True)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).float()


def sample(
    volume: Tensor,
    points: Tensor,
    origin: tuple[float, ...] = ORIGIN_MM,
    step: float = STEP_MM,
    outside: str = "border",
) -> Tensor:
    """Trilinear values of a volume (channel, x, y, z) at points (..., 3) in mm: (channel, ...).

    ``outside``: "border" repeats the border, "zeros" gives 0.
    """
    size = torch.tensor(volume.shape[1:], device=points.device, dtype=torch.float32)
    start = torch.tensor(origin, device=points.device)
    unit = 2 * (points - start) / (step * (size - 1)) - 1
    flat = unit.flip(-1).reshape(1, 1, 1, -1, 3)
    values = F.grid_sample(volume[None], flat, mode="bilinear", padding_mode=outside, align_corners=True)
    return values.reshape(volume.shape[0], *points.shape[:-1])


def smooth(field: Tensor, sigma: float) -> Tensor:
    """A field (channel, x, y, z) blurred by a Gaussian of ``sigma`` nodes; borders are repeated."""
    across, down, up = (_blur(n, sigma, field.device) for n in field.shape[1:])
    return torch.einsum("xa,nayz->nxyz", across, down @ (field @ up.T))


@lru_cache(maxsize=32)
def _blur(size: int, sigma: float, device: torch.device) -> Tensor:
    """The Gaussian along one axis as a matrix (size, size): faster than a long convolution."""
    reach = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-reach, reach + 1)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    at = (torch.arange(size)[:, None] + offsets).clamp(0, size - 1)
    matrix = torch.zeros(size, size).scatter_add_(1, at, (weights / weights.sum()).expand(size, -1))
    return matrix.to(device)


def noise(rng: np.random.Generator, channels: int, sigma_mm: float, device: torch.device | str = "cpu") -> Tensor:
    """Smooth noise of unit variance on the grid, (channel, x, y, z); the numbers are drawn on the CPU."""
    white = torch.from_numpy(rng.standard_normal((channels, *SHAPE), dtype=np.float32)).to(device)
    field = smooth(white, sigma_mm / STEP_MM)
    return field / field.std(dim=(1, 2, 3), keepdim=True)


def integrate(velocity: Tensor) -> Tensor:
    """Displacement in mm of the flow of a stationary velocity (3, x, y, z) after unit time, by scaling and squaring."""
    nodes = grid_points(device=velocity.device)
    moved = velocity / 2**SQUARINGS
    for _ in range(SQUARINGS):
        moved = moved + sample(moved, nodes + moved.permute(1, 2, 3, 0))
    return moved


def jacobian(displacement: Tensor, step: float = STEP_MM) -> Tensor:
    """Determinant of the Jacobian of x + u(x) at the inner nodes of a grid, (x - 2, y - 2, z - 2)."""
    rows = []
    for axis in range(3):
        after, before = [slice(1, -1)] * 3, [slice(1, -1)] * 3
        after[axis], before[axis] = slice(2, None), slice(None, -2)
        rows.append((displacement[(slice(None), *after)] - displacement[(slice(None), *before)]) / (2 * step))
    matrix = torch.stack(rows, dim=-1).permute(1, 2, 3, 0, 4) + torch.eye(3, device=displacement.device)
    (a, b, c), (d, e, f), (g, h, i) = (matrix[..., row, :].unbind(-1) for row in range(3))
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def diffeomorphism(velocity: Tensor, bounds: tuple[float, float] = JACOBIAN_RANGE) -> Tensor:
    """Displacement of a velocity whose Jacobian stays within bounds: a wilder velocity is weakened by tenths."""
    low, high = bounds
    while True:
        displacement = integrate(velocity)
        determinant = jacobian(displacement)
        if low <= float(determinant.min()) and float(determinant.max()) <= high:
            return displacement
        velocity = 0.9 * velocity
