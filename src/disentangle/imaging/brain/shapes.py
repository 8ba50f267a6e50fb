"""Building blocks of lesions on a 2 mm grid of the head: level sets with a wanted volume, blobs, pushes.

A level is positive inside and about one per mm across the border; its sigmoid is the membership.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from disentangle.imaging.brain import warp
from disentangle.imaging.brain.subject import Head

STEP_MM = 2.0
ORIGIN_MM = (-84.0, -122.0, -78.0)
SHAPE = (85, 106, 87)
VOXEL_ML = STEP_MM**3 / 1000
EDGE_MM = 0.45  # soft edge: membership goes from 0.1 to 0.9 over 2 mm
FAR = -20.0
PUSH_JACOBIAN_RANGE = (0.05, 8.0)  # a core grows from little tissue, which it replaces


@dataclass(frozen=True, eq=False)
class Scene:
    """A head on the grid of lesions, (..., x, y, z): shares of tissues, distances, and template coordinates."""

    csf: Tensor
    gm: Tensor
    deep: Tensor
    wm: Tensor
    ventricle_mm: Tensor
    edge_mm: Tensor
    template_mm: Tensor
    points: Tensor

    @property
    def brain(self) -> Tensor:
        """Share of brain in each voxel."""
        return self.csf + self.gm + self.deep + self.wm

    @property
    def infratentorial(self) -> Tensor:
        """Where cerebellum and brain stem are: below a roof in template coordinates."""
        x, y, z = self.template_mm.unbind(-1)
        cerebellum = (y < -36) & (z < -12 - 0.25 * x.abs() - 0.3 * (y + 55).abs())
        stem = (x.abs() < 18) & ((y + 27).abs() < 14) & (z < -14)
        return cerebellum | stem


@lru_cache(maxsize=2)
def scene(head: Head) -> Scene:
    """The head on the grid of lesions, under its mass effect if it has one; the last two are remembered."""
    device = head.displacement.device
    points = warp.grid_points(ORIGIN_MM, STEP_MM, SHAPE, device)
    (csf, gm, deep, wm), _, (ventricle, edge) = head.tissues(points)
    return Scene(csf, gm, deep, wm, ventricle, edge, head.to_template(points), points)


def rough(rng: np.random.Generator, scene: Scene, sigma_mm: float) -> Tensor:
    """Smooth noise of unit variance on the grid of lesions."""
    return warp.sample(warp.noise(rng, 1, sigma_mm, scene.points.device), scene.points)[0]


def pick(rng: np.random.Generator, scene: Scene, where: Tensor) -> Tensor:
    """A random point (3,), mm, in a voxel of ``where``; ValueError where there is none."""
    candidates = torch.nonzero(where)
    if len(candidates) == 0:
        raise ValueError("no voxel fits the place of this lesion")
    chosen = candidates[int(rng.integers(len(candidates)))]
    return scene.points[tuple(chosen)] + torch.from_numpy(rng.uniform(-1, 1, 3).astype(np.float32)).to(where.device)


def of_volume(score: Tensor, volume_ml: float, weight: Tensor) -> Tensor:
    """The level ``score - t`` with t such that the voxels above it, by ``weight``, hold the wanted volume."""
    flat, order = score.flatten().sort(descending=True)
    held = weight.flatten()[order].cumsum(0) * VOXEL_ML
    at = int(torch.searchsorted(held, torch.tensor(volume_ml, device=held.device)).clamp(max=len(flat) - 1))
    return score - flat[at]


def ellipsoid(level: Tensor, scene: Scene, centre: Tensor, radii: Tensor, axes: Tensor) -> None:
    """Raise ``level`` in place to that of an ellipsoid: ``radii`` (3,) mm along the rows of ``axes`` (3, 3)."""
    start = torch.tensor(ORIGIN_MM, device=level.device)
    reach = float(radii.max()) + 6
    low = ((centre - reach - start) / STEP_MM).floor().clamp(min=0).long().tolist()
    high = ((centre + reach - start) / STEP_MM).ceil().long().tolist()
    box = tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))
    local = (scene.points[box] - centre) @ axes.T
    relative = (local / radii).norm(dim=-1).clamp(min=1e-3)
    found = (1 - relative) * local.norm(dim=-1).clamp(min=float(radii.min()) / 2) / relative.clamp(min=0.5)
    level[box] = torch.maximum(level[box], found)


def direction(slope: Tensor, centre: Tensor) -> Tensor:
    """Value (3,) of a field (x, y, z, 3) on the grid of lesions at the node nearest to a point."""
    start = torch.tensor(ORIGIN_MM, device=centre.device)
    at = ((centre - start) / STEP_MM).round().long()
    return slope[tuple(at)]


def frame(way: Tensor) -> Tensor:
    """Orthonormal rows (3, 3), the first along ``way``."""
    first = way / way.norm().clamp(min=1e-6)
    other = torch.eye(3, device=way.device)[int(first.abs().argmin())]
    second = torch.linalg.cross(first, other)
    second = second / second.norm()
    return torch.stack([first, second, torch.linalg.cross(first, second)])


def distance(points: Tensor, centre: Tensor) -> Tensor:
    """Distance from a point, mm."""
    return (points - centre).norm(dim=-1)


def push(head: Head, centre: Tensor, amount_mm: float, reach_mm: float, radius_mm: float) -> Tensor:
    """Displacement (3, x, y, z) on the grid of ``warp`` that takes a mass effect back.

    Tissue moves outward (inward where negative), by ``amount_mm`` at most, and beyond the core as e^(-r / reach_mm);
    nothing moves beyond 2.5 ``reach_mm`` or at the edge of the brain. ``radius_mm``: how fast the push builds up.
    """
    nodes = warp.grid_points(device=centre.device)
    away = distance(nodes, centre).clamp(min=1e-3)
    end = float(np.exp(-2.5))
    profile = (torch.exp(-away / reach_mm) - end).clamp(min=0) * (1 - torch.exp(-away / radius_mm))
    profile = profile / profile.max()
    edge = head.tissues(nodes)[2][1]
    free = (edge / 15).clamp(0, 1)
    direction = (nodes - centre) / away[..., None]
    velocity = -(amount_mm * profile * free)[..., None] * direction
    return warp.diffeomorphism(torch.movedim(velocity, -1, 0).contiguous(), PUSH_JACOBIAN_RANGE)
