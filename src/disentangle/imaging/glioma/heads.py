"""Heads with gliomas as volumes of shares, a drawing a person, kept in the cache.

Volumes are (z, row, column): z from below upward, rows from front to back, columns from right to left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from scipy.special import expit
from torch import Tensor

from disentangle.imaging.brain.store import Arrays, kept
from disentangle.imaging.brain.subject import draw_head
from disentangle.imaging.brain.tissues import HEALTHY
from disentangle.imaging.glioma.tumour import Glioma, draw_glioma, parts_at

FIELD_OF_VIEW_MM = 208.0
MIDDLE_MM = (0.0, -18.0, 7.0)
BOX_MM = ((-94.0, 108.0), (-126.0, 90.0), (-92.0, 92.0))  # z, y, x that hold every brain
SIDES = (16, 208)
PARTS = ("csf", "gm", "deep_gm", "wm", "necrosis", "net", "enhancing", "oedema")
"""Channels of the maps: tissues inside the brain. ``net`` is solid tumour that takes up no contrast agent."""
AROUND = ("outer_csf", "bone", "scalp")
LABELS = {"background": 0, "ncr_net": 1, "oedema": 2, "enhancing": 3}
"""The labels of BraTS 2023."""
REGIONS = {"wt": (1, 2, 3), "tc": (1, 3), "et": (3,)}
LARGE_VENTRICLES = 1.7
POINTS_AT_ONCE = 600_000
TEXTURE_LEVELS = 400


@dataclass(frozen=True)
class Cube:
    """A cubic grid of ``side`` voxels an axis over ``FIELD_OF_VIEW_MM``."""

    side: int

    def __post_init__(self) -> None:
        if not SIDES[0] <= self.side <= SIDES[1]:
            raise ValueError(f"side is {self.side}, expected {SIDES[0]}..{SIDES[1]} voxels")

    @property
    def voxel_mm(self) -> float:
        return FIELD_OF_VIEW_MM / self.side

    @property
    def samples(self) -> int:
        """Points an axis over which a voxel averages: at most 3.5 mm apart, two at least above 1.5 mm."""
        return max(math.ceil(self.voxel_mm / 3.5), 1 + (self.voxel_mm > 1.5))

    def points(self) -> tuple[Tensor, tuple[slice, ...]]:
        """Millimetres of the samples that may lie in a brain, (z, row, column, 3), and their place among all."""
        count = self.side * self.samples
        line = FIELD_OF_VIEW_MM / count * (torch.arange(count) - (count - 1) / 2)
        axes = [MIDDLE_MM[2] + line, MIDDLE_MM[1] - line, MIDDLE_MM[0] - line]
        inside = [torch.nonzero((axis > low) & (axis < high)) for axis, (low, high) in zip(axes, BOX_MM, strict=True)]
        box = tuple(slice(int(found[0]), int(found[-1]) + 1) for found in inside)
        z, y, x = torch.meshgrid(*(axis[part] for axis, part in zip(axes, box, strict=True)), indexing="ij")
        return torch.stack([x, y, z], dim=-1), box


def person_volumes(number: int, seed: int, side: int) -> Arrays:
    """Maps and facts of one person, from the cache where they are there.

    Returns
    -------
    dict of arrays
        ``maps`` (8, z, row, column) uint8, shares of ``PARTS`` in 1/255; ``around`` (3, z, row, column) uint8, those of
        ``AROUND``; ``texture`` (z, row, column) int8 in 1/400. Scalars: age, male, ventricle_factor, foci, enhancing,
        and <part>_ml for every part.
    """
    cube = Cube(side)
    return kept("glioma", f"{number} {seed} {side}", __name__, lambda: _draw(number, seed, cube))


def _draw(number: int, seed: int, cube: Cube) -> Arrays:
    head = draw_head(number, seed)
    glioma = draw_glioma(head)
    shares, texture = _sampled(glioma, cube)
    around = _around(shares.sum(dim=0).numpy(), FIELD_OF_VIEW_MM / shares.shape[1], number, seed)
    maps, rings = pooled(shares, cube.samples), pooled(torch.from_numpy(around), cube.samples)
    volumes = maps.double().sum(dim=(1, 2, 3)) * cube.voxel_mm**3 / 1000
    facts = {
        "age": head.age,
        "male": float(head.sex == "M"),
        "ventricle_factor": head.ventricle_factor,
        "foci": glioma.foci,
        "enhancing": float(glioma.enhancing),
        **{f"{part}_ml": float(volume) for part, volume in zip(PARTS, volumes, strict=True)},
    }
    texture = pooled(texture[None], cube.samples)[0]
    return {
        "maps": _bytes(maps),
        "around": _bytes(rings),
        "texture": (TEXTURE_LEVELS * texture).round().clamp(-127, 127).to(torch.int8).numpy(),
        **{name: np.array(value, np.float64) for name, value in facts.items()},
    }


def _sampled(glioma: Glioma, cube: Cube) -> tuple[Tensor, Tensor]:
    """Shares of ``PARTS`` (8, z, row, column) and texture (z, row, column) at all samples of a cube."""
    points, box = cube.points()
    found = [parts_at(glioma, slab) for slab in _slabs(points)]
    count = cube.side * cube.samples
    shares, texture = torch.zeros(len(PARTS), count, count, count), torch.zeros(count, count, count)
    texture[box] = torch.cat([one for _, one in found])
    parts = torch.cat([one for one, _ in found], dim=1)
    solid = "enhancing" if glioma.enhancing else "net"
    for name, part in zip((*HEALTHY, "necrosis", solid, "oedema"), parts, strict=True):
        shares[(PARTS.index(name), *box)] = part
    return shares, texture


def _slabs(points: Tensor) -> list[Tensor]:
    """Points in slabs that fit into memory together with what is computed from them."""
    return list(points.split(max(1, POINTS_AT_ONCE // points[0, ..., 0].numel())))


def pooled(fine: Tensor, samples: int) -> Tensor:
    """Means over blocks of ``samples`` an axis of (channel, z, row, column)."""
    return torch.nn.functional.avg_pool3d(fine[None], samples)[0]


def _bytes(maps: Tensor) -> np.ndarray:
    return (255 * maps).round().clamp(0, 255).to(torch.uint8).numpy()


def _around(brain: np.ndarray, step_mm: float, number: int, seed: int) -> np.ndarray:
    """Shares of what lies around the brain, by distance: CSF, then bone of 5..8 mm, then scalp of 4..6 mm."""
    rng = np.random.default_rng([seed, number, 67])
    bone, scalp = rng.uniform(5, 8), rng.uniform(4, 6)
    away = ndimage.distance_transform_edt(brain < 0.5, step_mm).astype(np.float32) - step_mm / 2
    ends = [expit((border - away) / 0.8) for border in (2.5, 2.5 + bone, 2.5 + bone + scalp)]
    free = 1 - np.clip(brain, 0, 1)
    return np.stack([free * ends[0], free * (ends[1] - ends[0]), free * (ends[2] - ends[1])]).astype(np.float32)


def brain_mask(maps: np.ndarray) -> np.ndarray:
    """Voxels (..., z, row, column) that are mostly brain; ``maps`` (..., 8, z, row, column) in 1/255."""
    return maps.sum(axis=-4, dtype=np.uint16) > 127


def labels_of(maps: np.ndarray) -> np.ndarray:
    """BraTS labels (..., z, row, column): the largest tumour part where at least half a voxel is tumour."""
    core = maps[..., PARTS.index("necrosis"), :, :, :].astype(np.uint16) + maps[..., PARTS.index("net"), :, :, :]
    parts = [core, maps[..., PARTS.index("oedema"), :, :, :], maps[..., PARTS.index("enhancing"), :, :, :]]
    labels = 1 + np.argmax(np.stack(parts), axis=0)
    return np.where(sum(map(np.uint16, parts)) > 127, labels, 0).astype(np.uint8) * brain_mask(maps)
