"""Axial sections through drawn heads as compact maps: what the renderer needs, kept in the cache per person.

Rows run from the front of the head to its back, columns from the person's right to the left, as radiologists look at
an axial picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from disentangle.imaging.brain import lesions, shapes, warp
from disentangle.imaging.brain.lesions import COMPARTMENTS, REPLACED, Lesion
from disentangle.imaging.brain.store import Arrays, kept
from disentangle.imaging.brain.subject import CENTRE_MM, Head, draw_head

FIELD_OF_VIEW_MM = 200.0
LOWEST_MM, HIGHEST_MM = -12.0, 58.0
PARTS = ("csf", "gm", "deep_gm", "wm", "ageing", "lesion_1", "lesion_2", "lesion_3")
TEXTURE_LEVELS = 400
RAYS = {1.0: (0.0,), 3.0: (-1.0, 0.0, 1.0), 5.0: (-5 / 3, 0.0, 5 / 3)}


@dataclass(frozen=True)
class Grid:
    """Pixels of the sections: ``rows`` x ``columns`` of ``pixel_mm``, at heights ``z_mm`` (scanner, mm)."""

    rows: int
    columns: int
    pixel_mm: float
    z_mm: tuple[float, ...]

    def points(self, device: torch.device | str = "cpu", shift: tuple[float, float, float] = (0, 0, 0)) -> Tensor:
        """Millimetres of the pixels, (slice, row, column, 3), moved by ``shift``."""
        y = CENTRE_MM[1] + self.pixel_mm * ((self.rows - 1) / 2 - torch.arange(self.rows, device=device))
        x = CENTRE_MM[0] + self.pixel_mm * ((self.columns - 1) / 2 - torch.arange(self.columns, device=device))
        z = torch.tensor(self.z_mm, device=device)
        grid = torch.meshgrid(z + shift[2], y + shift[1], x + shift[0], indexing="ij")
        return torch.stack([grid[2], grid[1], grid[0]], dim=-1).float()


def slice_heights(slices: int) -> tuple[float, ...]:
    """Heights of ``slices`` axial sections spread evenly around the ventricles, from below upward, mm."""
    step = (HIGHEST_MM - LOWEST_MM) / slices
    return tuple(round(LOWEST_MM + step * (at + 0.5), 3) for at in range(slices))


def person_sections(number: int, seed: int, kind: str, grid: Grid, thickness_mm: float, device: str = "cpu") -> Arrays:
    """Maps of one person for one slice thickness (1, 3 or 5 mm, at least), from the cache where they are there.

    Returns
    -------
    dict of arrays
        ``maps`` (state, slice, 8, row, column) uint8, shares of ``PARTS`` in 1/255; ``texture`` (state, slice, row,
        column) int8 in 1/400; states are the head with its lesion and its twin without, or the healthy head alone.
        ``brain`` (slice, row, column) bool, the skull-stripping mask with its errors; ``moved_mm`` (slice, row, column)
        float16, length of the mass effect. Scalars of the person: age, male, ventricle_factor, head_ml, csf_ml, gm_ml,
        wm_ml, volume_ml, count, enhancing.
    """
    options = f"{number} {seed} {kind} {grid} {thickness_mm:g}"
    return kept("sections", options, __name__, lambda: _draw(number, seed, kind, grid, thickness_mm, device))


def _draw(number: int, seed: int, kind: str, grid: Grid, thickness_mm: float, device: str) -> Arrays:
    head = draw_head(number, seed, device)
    lesion, ageing = lesions.draw_lesion(head, kind), lesions.ageing(head)
    states = [(head, None)] if lesion is None else [(head.pushed(lesion.push), lesion), (head, None)]
    drawn = [_state(state, found, ageing, grid, thickness_mm) for state, found in states]
    moved = torch.zeros(len(grid.z_mm), grid.rows, grid.columns, device=device)
    if lesion is not None and lesion.push is not None:
        moved = warp.sample(lesion.push, grid.points(device)).norm(dim=0)
    return {
        "maps": np.stack([maps for maps, _ in drawn]),
        "texture": np.stack([texture for _, texture in drawn]),
        "brain": _stripped(head, grid).cpu().numpy(),
        "moved_mm": moved.cpu().numpy().astype(np.float16),
        **_facts(head, lesion),
    }


def _facts(head: Head, lesion: Lesion | None) -> Arrays:
    tissues = head.tissues(warp.grid_points(step=4.0, shape=(50, 60, 50), device=head.displacement.device))[0]
    csf, gm, deep, wm = (0.064 * tissues.sum(dim=(1, 2, 3))).tolist()
    facts = {
        "age": head.age,
        "male": float(head.sex == "M"),
        "ventricle_factor": head.ventricle_factor,
        "head_ml": csf + gm + deep + wm,
        "csf_ml": csf,
        "gm_ml": gm + deep,
        "wm_ml": wm,
        "volume_ml": lesion.volume_ml if lesion else 0.0,
        "count": lesion.count if lesion else 0,
        "enhancing": lesion.enhancing if lesion else 1.0,
    }
    return {name: np.array(value, np.float64) for name, value in facts.items()}


def _offsets(pixel_mm: float, thickness_mm: float) -> list[tuple[float, float, float]]:
    """Where within a voxel the anatomy is sampled: one point per about 1.3 mm in plane, and rays along z."""
    each = max(1, round(pixel_mm / 1.3))
    line = [pixel_mm * ((at + 0.5) / each - 0.5) for at in range(each)]
    nominal = min((known for known in RAYS if known >= thickness_mm), default=max(RAYS))
    rays = [ray * thickness_mm / nominal for ray in RAYS[nominal]]
    return [(x, y, z) for x in line for y in line for z in rays]


def _state(
    head: Head, lesion: Lesion | None, ageing: Tensor | None, grid: Grid, thickness_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Maps and texture of one head, averaged over each voxel."""
    device = head.displacement.device
    total: Tensor | float = 0.0
    offsets = _offsets(grid.pixel_mm, thickness_mm)
    for offset in offsets:
        total = total + _parts(head, lesion, ageing, grid.points(device, offset))
    parts = (total / len(offsets)).movedim(0, 1)
    maps = (255 * parts[:, :-1]).round().clamp(0, 255).to(torch.uint8)
    texture = (TEXTURE_LEVELS * parts[:, -1]).round().clamp(-127, 127).to(torch.int8)
    return maps.cpu().numpy(), texture.cpu().numpy()


def _parts(head: Head, lesion: Lesion | None, ageing: Tensor | None, points: Tensor) -> Tensor:
    """Shares of ``PARTS`` and texture at points: (9, ...)."""
    tissues, texture, _ = head.tissues(points)
    extra = torch.zeros(4, *points.shape[:-1], device=points.device)
    found = [(ageing, ("wmh",), 0, head.push)]
    if lesion is not None:
        found.append((lesion.levels, COMPARTMENTS[lesion.kind], 1, None))
    for levels, names, first, push in found:
        if levels is None:
            continue
        # the caps of age belong to the healthy head and move with its mass effect
        there = points if push is None else points + warp.sample(push, points).movedim(0, -1)
        shares = lesions.memberships(warp.sample(levels, there, shapes.ORIGIN_MM, shapes.STEP_MM))
        extra[first : first + len(names)] = shares
        tissues, extra = _replace(tissues, extra, names, first)
    return torch.cat([tissues, extra, texture[None]])


def _replace(tissues: Tensor, extra: Tensor, names: tuple[str, ...], first: int) -> tuple[Tensor, Tensor]:
    """Tissues after compartments took their share, and what each compartment holds."""
    held, left, ageing = extra.clone(), tissues, extra[0] if first else 0.0
    for at, name in enumerate(names):
        share = torch.tensor(REPLACED[name], device=tissues.device).view(4, *[1] * (tissues.dim() - 1))
        taken = extra[first + at] * share * tissues
        held[first + at] = taken.sum(dim=0) + extra[first + at] * ageing
        left = left - taken
        if first:
            held[0] = held[0] - extra[first + at] * ageing
    return left, held


def _stripped(head: Head, grid: Grid) -> Tensor:
    """The brain mask that skull stripping would give: wrong by about 1 mm at its border."""
    points = grid.points(head.displacement.device)
    inside = head.tissues(points)[0].sum(dim=0)
    wave = warp.sample(head.border[None], points)[0]
    sigma = max(1.6 / grid.pixel_mm, 0.6)
    reach = math.ceil(3 * sigma)
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=points.device) / sigma) ** 2)
    line = line / line.sum()
    blurred = torch.nn.functional.conv2d(inside[:, None], line.view(1, 1, -1, 1), padding=(reach, 0))
    blurred = torch.nn.functional.conv2d(blurred, line.view(1, 1, 1, -1), padding=(0, reach))[:, 0]
    return blurred > 0.5 + 0.16 * wave
