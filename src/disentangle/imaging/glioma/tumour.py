"""A glioma in a head of the brain floor, drawn fast on the 3 mm grid of its warp (PUIR digest, section 12.4).

The generator of ``imaging.brain.lesions`` with the same proportions, at a quarter of its cost: its levels live on the
grid of the warp, and its mass effect is a closed form instead of an integrated velocity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from disentangle.imaging.brain import warp
from disentangle.imaging.brain.lesions import REPLACED, memberships
from disentangle.imaging.brain.shapes import FAR
from disentangle.imaging.brain.subject import Head

COMPARTMENTS = ("necrosis", "tumour", "oedema")
WHOLE_ML = (70.0, 0.7, 8.0, 250.0)  # log-normal: median, sigma, bounds
NO_ENHANCING, SEVERAL_FOCI = 0.15, 0.12
NODE_ML = warp.STEP_MM**3 / 1000
STEEPEST = 0.6
SEEN_MM = (-25.0, 55.0)  # heights (template) in which centres lie


@dataclass(frozen=True, eq=False)
class Glioma:
    """Levels (3, x, y, z) of ``COMPARTMENTS`` on the grid of ``warp``, positive inside; the head under its mass effect.

    ``enhancing``: whether the solid part takes up contrast agent. ``foci``: how many were drawn.
    """

    levels: Tensor
    head: Head
    enhancing: bool
    foci: int


@dataclass(frozen=True, eq=False)
class _Scene:
    """Shares of tissues (4, ...), depth below the edge of the brain, template height, and points, on nodes."""

    tissues: Tensor
    edge_mm: Tensor
    height_mm: Tensor
    points: Tensor


def draw_glioma(head: Head) -> Glioma:
    """The glioma of a head: the same head always has the same."""
    rng = np.random.default_rng([head.seed, head.number, 61])
    median, sigma, low, high = WHOLE_ML
    volume = float(np.clip(median * np.exp(rng.normal(0, sigma)), low, high))
    enhancing = bool(rng.uniform() > NO_ENHANCING)
    necrosis, solid = rng.uniform(0.10, 0.25), rng.uniform(0.20, 0.30)
    foci = 1 + int(rng.integers(1, 3)) * int(rng.uniform() < SEVERAL_FOCI)
    if not enhancing:  # of low grade: solid, without a necrosis
        necrosis, solid = 0.0, necrosis + solid
    radius = (3 * 1000 * volume * (necrosis + solid) / (4 * math.pi * foci)) ** (1 / 3)
    centres = _centres(rng, _scene(head, 2), foci, radius)
    amount = float(np.clip(3 + 5 * (volume / 70) ** 0.5 * rng.uniform(0.5, 1.3), 3, 12))
    push = mass_effect(head, centres[0], amount, rng.uniform(25, 40), radius)
    pushed = head.pushed(push)
    parts = (volume * necrosis, volume * (necrosis + solid), volume)
    return Glioma(_levels(rng, _scene(pushed), centres, radius, parts), pushed, enhancing, foci)


def _scene(head: Head, every: int = 1) -> _Scene:
    points = warp.grid_points(device=head.displacement.device)[::every, ::every, ::every]
    tissues, _, guides = head.tissues(points)
    return _Scene(tissues, guides[1], head.to_template(points)[..., 2], points)


def _centres(rng: np.random.Generator, here: _Scene, foci: int, radius_mm: float) -> list[Tensor]:
    """Middles of the foci, in white matter away from the edge; further ones apart from the first."""
    low, high = SEEN_MM
    white = (here.tissues[3] > 0.7) & (here.height_mm > low) & (here.height_mm < high)
    centres = [_pick(rng, here, white & (here.edge_mm > 14))]
    for _ in range(foci - 1):
        away = torch.stack([(here.points - centre).norm(dim=-1) for centre in centres]).amin(dim=0)
        ring = white & (here.edge_mm > 8) & (away > 2 * radius_mm + 6)
        near = ring & (away < 2 * radius_mm + 40)
        centres.append(_pick(rng, here, near if near.any() else ring if ring.any() else white))
    return centres


def _pick(rng: np.random.Generator, here: _Scene, where: Tensor) -> Tensor:
    candidates = torch.nonzero(where)
    chosen = candidates[int(rng.integers(len(candidates)))]
    shift = torch.from_numpy(rng.uniform(-2, 2, 3).astype(np.float32)).to(where.device)
    return here.points[tuple(chosen)] + shift


def mass_effect(head: Head, centre: Tensor, amount_mm: float, reach_mm: float, radius_mm: float) -> Tensor:
    """Displacement (3, x, y, z) on the grid of ``warp`` that takes the push of a tumour back.

    Tissue moves away from the centre by ``amount_mm`` at most, less beyond the core as e^(-r / reach), and not at all
    at the edge of the brain. The push builds up over ``radius_mm``; its slope in the centre is at most ``STEEPEST``;
    at 1 it would fold.
    """
    nodes = warp.grid_points(device=centre.device)
    away = (nodes - centre).norm(dim=-1).clamp(min=1e-3)
    profile = torch.exp(-away / reach_mm) * (1 - torch.exp(-away / radius_mm))
    free = (head.tissues(nodes[::2, ::2, ::2])[2][1] / 20).clamp(0, 1)
    smooth = torch.nn.functional.interpolate(free[None, None], size=away.shape, mode="trilinear", align_corners=True)
    largest = min(amount_mm / float(profile.max()), STEEPEST * radius_mm)
    strength = -largest * profile * smooth[0, 0]
    return torch.movedim(strength[..., None] * (nodes - centre) / away[..., None], -1, 0).contiguous()


def _levels(
    rng: np.random.Generator, here: _Scene, centres: list[Tensor], radius_mm: float, parts_ml: tuple[float, ...]
) -> Tensor:
    """Levels of necrosis, solid tumour and oedema; ``parts_ml``: volume within the border of each."""
    csf, gm, _, wm = here.tissues
    away = torch.stack([(here.points - centre).norm(dim=-1) for centre in centres]).amin(dim=0)
    coarse, fine = warp.noise(rng, 2, 6.0, away.device)
    spiky = warp.noise(rng, 1, 3.5, away.device)[0]
    score = -(away + 0.16 * radius_mm * coarse)
    core = _of_volume(score, parts_ml[1], here.tissues.sum(dim=0))
    inner = torch.full_like(core, FAR)
    if parts_ml[0]:
        inner = _of_volume(score + 1.5 * spiky, parts_ml[0], here.tissues.sum(dim=0))
    fingers = -(away + 5.0 * fine + 2.5 * spiky) + 9 * wm - 5 * gm - 6 * csf
    free = replaced("oedema", here.tissues) * torch.sigmoid(-core)
    oedema = _of_volume(fingers, parts_ml[2] - parts_ml[1], free)
    return torch.stack([torch.minimum(inner, core - 1.5), core, oedema]).clamp(FAR, -FAR)


def _of_volume(score: Tensor, volume_ml: float, weight: Tensor) -> Tensor:
    """The level ``score - t`` with t such that the nodes above it, by ``weight``, hold the wanted volume."""
    inside = weight > 0
    values, order = score[inside].sort(descending=True)
    held = weight[inside][order].cumsum(0) * NODE_ML
    at = int(torch.searchsorted(held, torch.tensor(volume_ml, device=held.device)).clamp(max=len(held) - 1))
    return score - values[at]


def replaced(compartment: str, tissues: Tensor) -> Tensor:
    """Share of each place that a full compartment would replace; ``tissues`` (4, ...) is CSF, GM, deep GM, WM."""
    return sum(share * part for share, part in zip(REPLACED[compartment], tissues, strict=True))


def parts_at(glioma: Glioma, points: Tensor) -> tuple[Tensor, Tensor]:
    """Shares at points (..., 3) of CSF, GM, deep GM, WM and ``COMPARTMENTS``: (7, ...); and the texture (...)."""
    tissues, texture, _ = glioma.head.tissues(points)
    shares = memberships(warp.sample(glioma.levels, points))
    left, held = tissues, []
    for name, share in zip(COMPARTMENTS, shares, strict=True):
        weight = torch.tensor(REPLACED[name], device=tissues.device).view(4, *[1] * (tissues.dim() - 1))
        taken = share * weight * tissues
        held.append(taken.sum(dim=0))
        left = left - taken
    return torch.cat([left, torch.stack(held)]), texture
