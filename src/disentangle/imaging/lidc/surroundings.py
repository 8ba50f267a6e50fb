"""What lies around a lesion: parenchyma, vessels, a bronchus with its artery, the chest wall with a rib.

All of it is laid out in millimetres around the lesion's centre in three dimensions and then cut by each
slice, so that neighbouring slices of a lesion show one anatomy. Nothing here knows a rating. Follows the
digest of the lesion paper, section "How to simulate credible HU texture".
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from disentangle.imaging.lidc import texture
from disentangle.imaging.lidc.texture import normal, uniform

VESSEL_PERIOD_MM = 18.0
TRUNKS, BRANCHES = 10, 3
TRUNK_POINTS, BRANCH_POINTS = 48, 32
VISIBLE_POINTS = 448
ATTACHED_VESSEL = 0.2
WALL, RIB, BRONCHUS = 0.25, 0.7, 0.25
FAT_HU = -95.0


def grid_mm(pixel_mm: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Coordinates x (image, 1, column) and y (image, row, 1) from the centre of the picture."""
    line = torch.arange(size, device=pixel_mm.device) - (size - 1) / 2
    line = line[None, :] * pixel_mm[:, None]
    return line[:, None, :], line[:, :, None]


def edge(distance_mm: Tensor, width_mm: float = 0.35) -> Tensor:
    """Share of a pixel inside a surface at a signed distance (positive inside)."""
    return torch.sigmoid(distance_mm / width_mm)


def mix(scene: Tensor, share: Tensor, hu: Tensor | float) -> Tensor:
    """The scene with ``share`` of each pixel replaced by ``hu``."""
    return scene + share * (hu - scene)


def parenchyma(scan: Tensor, lesion: Tensor, position_mm: Tensor, size: int) -> Tensor:
    """Aerated lung in HU (image, size, size): its scan's mean N(-860, 30), coarse and fine grain."""
    sigma = torch.tensor([4.0, 1.2], device=scan.device)
    coarse, fine = texture.gaussian_transfer(sigma, size)
    rough = texture.drifting_spectrum(lesion, "parenchyma", position_mm, 3.0, size)
    coarse, fine = 25 * coarse / texture.spread(coarse).mean(), 30 * fine / texture.spread(fine).mean()
    structure = math.hypot(25, 30) * texture.field(rough, torch.hypot(coarse, fine)[None])
    return normal(scan, "lung", -860.0, 30.0)[:, None, None] + structure


def _walk(lesion: Tensor, name: str, tubes: int, points: int, radius: Tensor, start: Tensor | None) -> Tensor:
    """Centre lines of tapering tubes that wander in space: x, y, z, sigma in mm, (4, lesion, tube, point)."""
    shape = (len(lesion), tubes, points)
    taper = 1 - 0.65 * torch.arange(points, device=lesion.device) / (points - 1)
    sigma = radius[..., None] / 1.48 * taper
    turn = normal(lesion, f"{name} turn", 0.0, 0.09, tubes * points).view(shape).cumsum(-1)
    tilt = normal(lesion, f"{name} tilt", 0.0, 0.06, tubes * points).view(shape).cumsum(-1)
    azimuth = turn + uniform(lesion, f"{name} azimuth", 0.0, 2 * math.pi, tubes)[..., None]
    elevation = tilt + torch.asin(uniform(lesion, f"{name} elevation", -1.0, 1.0, tubes))[..., None]
    step = 1.8 * sigma
    level = elevation.cos()
    heading = torch.stack([level * azimuth.cos(), level * azimuth.sin(), elevation.sin()])
    course = (heading * step).cumsum(-1)
    if start is None:
        middle = uniform(lesion, f"{name} place", -1.0, 1.0, 3 * tubes).view(len(lesion), 3, tubes)
        course = course - course[..., points // 2, None] + 24.0 * middle.movedim(1, 0)[..., None]
    else:
        course = course + start[..., None]
    return torch.cat([course, sigma[None]])


def vessel_tree(lesion: Tensor) -> Tensor:
    """Points of branching vessels around each lesion: x, y, z, sigma in mm, (4, lesion, point).

    Trunks are 1 to 4 mm wide. With probability 0.2 the first trunk runs through the lesion's centre.
    """
    many, fewer = 2 * TRUNKS, TRUNKS * BRANCHES
    radius = 0.45 * torch.exp(uniform(lesion, "vessel radius", 0.0, 1.0, many) ** 3 * math.log(4.0))
    trunks = _walk(lesion, "trunk", many, TRUNK_POINTS, radius, None)
    attached = uniform(lesion, "vessel attached") < ATTACHED_VESSEL
    trunks[:3, :, 0] -= torch.where(attached, trunks[:3, :, 0, TRUNK_POINTS // 2], 0.0)[..., None]
    which = (uniform(lesion, "branch trunk", 0.0, TRUNK_POINTS * 0.7, fewer)).long()
    parents = trunks[:, :, :TRUNKS].repeat_interleave(BRANCHES, dim=2)
    origin = parents.gather(3, which[None, ..., None].expand(4, -1, -1, 1))[..., 0]
    branches = _walk(lesion, "branch", fewer, BRANCH_POINTS, origin[3] * 1.48 * 0.75, origin[:3])
    return torch.cat([trunks.flatten(2), branches.flatten(2)], dim=2)


def _clear_of(lesion_mask: Tensor, x: Tensor, y: Tensor, pixel_mm: Tensor) -> Tensor:
    """False for points within two pixels of the lesion's mask, (image, point)."""
    size = lesion_mask.shape[-1]
    near = torch.nn.functional.max_pool2d(lesion_mask[:, None].float(), 5, 1, 2).flatten(1)
    column = (x / pixel_mm[:, None] + size / 2).long()
    row = (y / pixel_mm[:, None] + size / 2).long()
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    index = (row.clamp(0, size - 1) * size + column.clamp(0, size - 1)).long()
    return ~(inside & (near.gather(1, index) > 0.5))


def vessels(lesion: Tensor, mask: Tensor, position_mm: Tensor, pixel_mm: Tensor, thickness_mm: Tensor) -> Tensor:
    """Share of vessel in each pixel (image, size, size).

    A tube is a sum of Gaussians along its centre line, which is separable in x and y; the slice thickness
    enters through the Gaussian in z, and only the points that weigh most in the slice are drawn. Points near
    the lesion are dropped, those of an attached vessel kept. The pattern repeats along z.
    """
    x, y, z, sigma = vessel_tree(lesion)
    half = VESSEL_PERIOD_MM / 2
    away = torch.remainder(z - position_mm[:, None] + half, VESSEL_PERIOD_MM) - half
    in_plane = sigma**2 + (0.3 * pixel_mm[:, None]) ** 2
    through = sigma**2 + thickness_mm[:, None] ** 2 / 12
    peak = 1.5 * 1.8 / math.sqrt(2 * math.pi) * sigma**3 / (in_plane * through.sqrt())
    weight = peak * torch.exp(-0.5 * away**2 / through)
    nearest = weight.topk(VISIBLE_POINTS, sorted=False).indices
    x, y, in_plane, weight = (part.gather(1, nearest) for part in (x, y, in_plane, weight))
    keep = _clear_of(mask, x, y, pixel_mm)
    attached = uniform(lesion, "vessel attached") < ATTACHED_VESSEL
    keep |= attached[:, None] & (nearest < TRUNK_POINTS)
    return splat(x, y, in_plane, weight * keep, pixel_mm, mask.shape[-1])


def splat(x: Tensor, y: Tensor, variance: Tensor, weight: Tensor, pixel_mm: Tensor, size: int) -> Tensor:
    """Sum of Gaussians (image, point), given in mm, as shares of pixels of at most 1: (image, size, size)."""
    across, down = grid_mm(pixel_mm, size)
    scale = (-0.5 / variance)[:, :, None]
    columns = torch.exp((scale * (across - x[:, :, None]).square_()).clamp_(min=-40))
    rows = torch.exp((scale * (down.mT - y[:, :, None]).square_()).clamp_(min=-40))
    return ((rows * weight[:, :, None]).mT @ columns).clamp_(0.0, 1.0)


def reach(footprint: Tensor, direction: Tensor, pixel_mm: Tensor) -> Tensor:
    """How far the lesion extends from the centre towards ``direction`` (image,) in radians: mm, (image,)."""
    x, y = grid_mm(pixel_mm, footprint.shape[-1])
    along = x * direction.cos()[:, None, None] + y * direction.sin()[:, None, None]
    return torch.where(footprint, along, 0.0).amax(dim=(1, 2))


def wall(
    scene: Tensor, scan: Tensor, lesion: Tensor, footprint: Tensor, position_mm: Tensor, pixel_mm: Tensor
) -> Tensor:
    """The scene with, for a quarter of the lesions, a curved chest wall 1-15 mm away, fat and rib in it."""
    expand = (slice(None), None, None)
    angle = uniform(lesion, "wall angle", 0.0, 2 * math.pi)
    gap = uniform(lesion, "wall gap", 1.0, 15.0)
    drift = uniform(lesion, "wall slope", -0.35, 0.35) * position_mm
    offset = reach(footprint, angle, pixel_mm) + (gap + drift).clamp(min=1.0)
    present = uniform(lesion, "wall") < WALL
    x, y = grid_mm(pixel_mm, scene.shape[-1])
    radius = uniform(lesion, "wall radius", 45.0, 140.0)
    along = x * angle.cos()[expand] + y * angle.sin()[expand]
    aside = y * angle.cos()[expand] - x * angle.sin()[expand]
    inner = (radius - offset)[expand]
    depth = torch.hypot(along + inner, aside) - radius[expand]
    tissue = uniform(scan, "muscle", 30.0, 60.0)[expand] + 8 * torch.sin(aside / 3 + depth)
    layer = uniform(lesion, "fat layer", 2.0, 7.0)[expand]
    fat = torch.exp(-0.5 * ((depth - layer) / 1.1) ** 2) * uniform(lesion, "fat", 0.0, 0.9)[expand]
    inside = mix(mix(tissue, fat, FAT_HU), *_rib(lesion, aside, depth, position_mm))
    return mix(scene, edge(depth) * present[expand], inside)


def _rib(lesion: Tensor, aside: Tensor, depth: Tensor, position_mm: Tensor) -> tuple[Tensor, Tensor]:
    """Share and HU of an oval rib that runs obliquely inside the wall: cortex 300-700 HU around marrow."""
    expand = (slice(None), None, None)
    across = uniform(lesion, "rib place", -12.0, 12.0) + uniform(lesion, "rib slope", -1.5, 1.5) * position_mm
    below = uniform(lesion, "rib depth", 5.5, 8.0)
    u = (aside - across[expand]) / uniform(lesion, "rib length", 6.0, 13.0)[expand]
    v = (depth - below[expand]) / uniform(lesion, "rib width", 3.0, 4.5)[expand]
    level = torch.hypot(u, v)
    present = (uniform(lesion, "rib") < RIB)[expand]
    cortex = edge(1 - (level - 0.85).abs() / 0.15, 0.35)
    bone = mix(torch.full_like(level, 130.0), cortex, uniform(lesion, "cortex", 300.0, 700.0)[expand])
    return edge(1 - level, 0.07) * present, bone


def bronchus(scene: Tensor, lesion: Tensor, footprint: Tensor, position_mm: Tensor, pixel_mm: Tensor) -> Tensor:
    """The scene with, for a quarter of the lesions, a bronchus (-100 HU around air) and its artery."""
    expand = (slice(None), None, None)
    angle = uniform(lesion, "bronchus angle", 0.0, 2 * math.pi)
    radius = uniform(lesion, "bronchus radius", 1.3, 2.8)
    distance = reach(footprint, angle, pixel_mm) + radius + uniform(lesion, "bronchus distance", 3.0, 14.0)
    distance = distance + uniform(lesion, "bronchus slope", 0.0, 0.5) * position_mm.abs()
    present = (uniform(lesion, "bronchus") < BRONCHUS)[expand]
    x, y = grid_mm(pixel_mm, scene.shape[-1])
    x, y = x - (distance * angle.cos())[expand], y - (distance * angle.sin())[expand]
    beside = uniform(lesion, "artery angle", -0.8, 0.8) + angle
    pair = (2.1 * radius)[expand]
    artery = torch.hypot(x - pair * beside.cos()[expand], y - pair * beside.sin()[expand])
    scene = mix(scene, edge(radius[expand] - artery) * present, 40.0)
    ring = torch.hypot(x, y)
    scene = mix(scene, edge(radius[expand] - ring) * present, -100.0)
    return mix(scene, edge(0.68 * radius[expand] - ring) * present, -950.0)
