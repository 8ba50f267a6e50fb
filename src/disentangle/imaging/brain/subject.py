"""One simulated head: age, shape, and the diffeomorphism from its pictures to the template (digest 12.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from disentangle.imaging.brain import warp
from disentangle.imaging.brain.template import WALL_SHIFTS_MM, Template, outward, template

CENTRE_MM = (0.0, -18.0, 18.0)
COARSE_MM, MIDDLE_MM, FINE_MM = 16.0, 7.0, 3.5
OLD = 60


@dataclass(frozen=True, eq=False)
class Head:
    """What was drawn for one person. Fields live on the grid of ``warp``.

    Attributes
    ----------
    age, sex, ventricle_factor, csf_weight, texture : facts of the person
        ``csf_weight`` favours CSF in mixed voxels (wider sulci), ``texture`` scales that of the template.
    matrix (3, 3), shift (3,) : template point = matrix (x - centre) + centre + shift, before the warp
    displacement (3, x, y, z) : the warp, mm
    folding (2, x, y, z) : noise that moves the borders CSF-GM and GM-WM; border (x, y, z) that of the brain's mask
    push (3, x, y, z) or None : displacement in mm that takes a lesion's mass effect back
    """

    number: int
    seed: int
    age: float
    sex: str
    ventricle_factor: float
    csf_weight: float
    texture: float
    matrix: Tensor
    shift: Tensor
    displacement: Tensor
    folding: Tensor
    border: Tensor
    push: Tensor | None = None

    @property
    def old(self) -> bool:
        """Above the age from which healthy people may have small hyperintensities."""
        return self.age > OLD

    def pushed(self, displacement: Tensor | None) -> Head:
        """The same head under a mass effect."""
        return replace(self, push=displacement)

    def to_template(self, points: Tensor) -> Tensor:
        """Where in the template points of a picture lie, (..., 3) in mm."""
        if self.push is not None:
            points = points + _last(warp.sample(self.push, points))
        centre = torch.tensor(CENTRE_MM, device=points.device)
        there = (points - centre) @ self.matrix.T + centre + self.shift
        return there + _last(warp.sample(self.displacement, there))

    def tissues(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shares of CSF, GM, deep GM and WM (4, ...), texture (...) and distances (2, ...) at points of a picture.

        Shares sum to 1 inside the brain and to 0 outside.
        """
        base = template(str(points.device))
        there = self.to_template(points)
        *parts, texture = base.maps_at(there)
        brain = sum(parts)
        toward_csf, toward_gm = warp.sample(self.folding, there)
        weights = (self.csf_weight * torch.exp(0.45 * toward_csf), torch.exp(0.25 * toward_gm))
        csf, gm, deep, wm = (part.clamp(min=0) for part in parts)
        sharp = torch.stack([csf * weights[0], gm * weights[1], deep * weights[1], wm]) ** 1.5
        shares = brain * sharp / sharp.sum(dim=0).clamp(min=1e-6)
        return shares, self.texture * texture, base.guides_at(there)


@lru_cache(maxsize=8)
def draw_head(number: int, seed: int, device: str = "cpu") -> Head:
    """Person ``number`` of a seed's pool; the same on every device up to rounding.

    The last eight are remembered.
    """
    rng = np.random.default_rng([seed, number, 41])
    age, sex = float(rng.uniform(20, 85)), str(rng.choice(["F", "M"]))
    aged = (age - 20) / 65
    factor = float(np.clip((0.8 + 0.9 * aged) * np.exp(rng.normal(0, 0.22)), 0.6, 2.2))
    weight = float((1.8 + 0.9 * aged) * np.exp(rng.normal(0, 0.10)))
    matrix, shift = _affine(rng, 0.01 if sex == "M" else -0.01)
    base = template(device)
    return Head(
        number=number,
        seed=seed,
        age=age,
        sex=sex,
        ventricle_factor=factor,
        csf_weight=weight,
        texture=float(rng.uniform(0.5, 1.0)),
        matrix=matrix.to(device),
        shift=shift.to(device),
        displacement=warp.diffeomorphism(_velocity(rng, base, factor, device)),
        folding=warp.noise(rng, 2, FINE_MM, device),
        border=warp.noise(rng, 1, 8.0, device)[0],
    )


def _affine(rng: np.random.Generator, larger: float) -> tuple[Tensor, Tensor]:
    """Matrix and shift from picture to template: scale, rotation, shear, shift of digest 12.2."""
    scale = np.clip(rng.normal(1 + larger, 0.03, 3), 0.92, 1.08)
    turn, shear = np.deg2rad(rng.uniform(-3, 3, 3)), rng.uniform(-0.02, 0.02, 3)
    forward = np.eye(3)
    for axis, angle in enumerate(turn):
        one, two = [other for other in range(3) if other != axis]
        rotation = np.eye(3)
        rotation[[one, two], [one, two]] = np.cos(angle)
        rotation[one, two], rotation[two, one] = -np.sin(angle), np.sin(angle)
        forward = forward @ rotation
    skew = np.eye(3)
    skew[np.triu_indices(3, 1)] = shear
    matrix = np.linalg.inv(forward @ skew @ np.diag(scale))
    return torch.tensor(matrix, dtype=torch.float32), torch.tensor(rng.uniform(-3, 3, 3), dtype=torch.float32)


def _velocity(rng: np.random.Generator, base: Template, factor: float, device: str) -> Tensor:
    """Three scales of noise (displacements of 4..6, 1.5..2.5 and 0.6 mm), the ventricles, and the torque of brains."""
    sizes = ((COARSE_MM, rng.uniform(4, 6)), (MIDDLE_MM, rng.uniform(1.5, 2.5)), (FINE_MM, 0.6))
    velocity = sum(size / np.sqrt(3) * warp.noise(rng, 3, sigma, device) for sigma, size in sizes)
    nodes = warp.grid_points(device=device)
    wall = float(np.interp(factor, base.ventricle_factors, WALL_SHIFTS_MM))
    velocity = velocity + wall * outward(base.guides_at(nodes)[0])
    velocity[1] += -rng.uniform(1, 2) * torch.tanh(nodes[..., 0] / 30)  # the right half lies further in front
    return velocity


def _last(field: Tensor) -> Tensor:
    """The channels of a field as its last axis."""
    return torch.movedim(field, 0, -1)
