"""One person's short-axis stack over the heart beat: tissues and labels of every pixel, before any scanner.

Each pixel holds two tissues and the share of the first, averaged over the thickness of the slice; a label is
what fills the larger part of it. Labels are ACDC's: RV 1, MYO 2, LV 3, papillary muscles inside the LV.
Follows the SDNet digest, section 11.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import binary_dilation

from disentangle.imaging.heart import tissues, ventricles
from disentangle.imaging.heart.subject import Heart, chosen_frames, contraction_at
from disentangle.imaging.heart.torso import Mixture, lay_out
from disentangle.imaging.heart.ventricles import ANGLES, State, Surfaces

LABELS = {"RV": 1, "MYO": 2, "LV": 3}
FIELD_OF_VIEW_MM = 128 * 1.37
SUB_SLICES = 4


@dataclass(frozen=True)
class Grid:
    """Pixels of a picture; the field of view is what of the body is in it."""

    size: int
    pixel_mm: float


@dataclass(frozen=True, eq=False)
class Stacks:
    """Slices of one or many people: ``first``, ``second`` tissue (uint8), ``share`` (uint8, 255 is all),
    ``labels`` (uint8), each (slice, row, column), and a table with a row per slice."""

    first: np.ndarray
    second: np.ndarray
    share: np.ndarray
    labels: np.ndarray
    samples: pd.DataFrame

    def __len__(self) -> int:
        return len(self.first)


def joined(parts: Sequence[Stacks]) -> Stacks:
    """Several people's slices in one."""
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
    return Stacks(**arrays, samples=pd.concat([part.samples for part in parts], ignore_index=True))


_ARRAYS = ("first", "second", "share", "labels")


def draw_stacks(heart: Heart, grid: Grid, frames: int) -> Stacks:
    """Tissues and labels of all slices of one person in ``frames`` frames of the beat."""
    chosen = chosen_frames(heart, frames)
    states = {frame: ventricles.state_at(heart.shape, contraction_at(heart, frame)) for frame in chosen}
    planes = [_Plane(heart, at, grid) for at in range(len(heart.z_mm))]
    drawn = {name: [] for name in _ARRAYS}
    rows = []
    for frame, phase in chosen.items():
        for at, plane in enumerate(planes):
            picture = plane.draw(states[frame], contraction_at(heart, frame))
            for name, array in zip(_ARRAYS, picture, strict=True):
                drawn[name].append(array)
            rows.append({"frame": frame, "phase": phase, "slice": at, **_where(heart, at, states[frame])})
    table = pd.DataFrame(rows)
    table["contraction"] = [contraction_at(heart, frame) for frame in table["frame"]]
    return Stacks(**{name: np.stack(arrays) for name, arrays in drawn.items()}, samples=table)


def _where(heart: Heart, at: int, state: State) -> dict[str, float]:
    """Level from 0 (base) to 1 (apex), and where the picture lies in the person."""
    base = heart.person.length_mm - state.length_mm
    origin = _origin(heart)
    return {
        "z_mm": float(heart.z_mm[at]),
        "level": float((heart.z_mm[at] - base) / state.length_mm),
        "thickness_mm": heart.thickness_mm,
        "slice_mm": heart.spacing_mm,
        "x_mm": float(origin[0]),
        "y_mm": float(origin[1]),
        "turn_rad": heart.turn_rad,
    }


def _origin(heart: Heart) -> np.ndarray:
    """What of the body lies in the middle of the picture: between the ventricles, off by breath and planning."""
    return np.array([-heart.middle_mm, 0.0]) - heart.centres_mm.mean(axis=0)


def body_grid(grid: Grid, x_mm: float, y_mm: float, turn_rad: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates x, y (row, column) in the body of the pixels of a turned picture."""
    line = (np.arange(grid.size) - (grid.size - 1) / 2) * grid.pixel_mm
    column, row = np.meshgrid(line, line)
    cosine, sine = np.cos(turn_rad), np.sin(turn_rad)
    return x_mm + cosine * column + sine * row, y_mm - sine * column + cosine * row


class _Plane:
    """One slice of one person: what is the same in all frames is computed once."""

    def __init__(self, heart: Heart, at: int, grid: Grid):
        self.heart, self.grid = heart, grid
        steps = (np.arange(SUB_SLICES) + 0.5) / SUB_SLICES - 0.5
        self.z_mm = heart.z_mm[at] + heart.thickness_mm * steps
        x, y = body_grid(grid, *_origin(heart), heart.turn_rad)
        self.around = lay_out(heart.torso, x, y, heart.z_mm[at], grid.pixel_mm, heart.person.length_mm)
        cx, cy = heart.centres_mm[at] - heart.centres_mm.mean(axis=0)
        self.x, self.y = x - cx, y - cy

    def draw(self, state: State, contraction: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """First and second tissue, share of the first, label: each (row, column)."""
        walls = ventricles.surfaces(self.heart.shape, state, self.z_mm)
        reach = walls.outer.max() + self.heart.fat_mm.max() + 2 * self.grid.pixel_mm
        near = self.x**2 + self.y**2 < max(reach, 1.0) ** 2
        rays = _Rays(self.x[near], self.y[near], self.grid.pixel_mm)
        shares, regions = _fill(self.heart, walls, rays, contraction)
        labels = np.zeros(near.shape, np.uint8)
        labels[near] = np.argmax(np.stack([0.5 * np.ones_like(regions[0]), *regions]), axis=0)
        return *_blend(self.around, near, shares), _closed(labels)


@dataclass(frozen=True, eq=False)
class _Rays:
    """Some pixels in polar coordinates around the LV's axis, ready to look up contours."""

    x: np.ndarray
    y: np.ndarray
    pixel_mm: float

    def __post_init__(self) -> None:
        # The septum is at 9 o'clock; with y downwards the angle runs from there over the inferior wall.
        angle = np.arctan2(self.y, -self.x) % (2 * np.pi) * (ANGLES / (2 * np.pi))
        lower = angle.astype(int) % ANGLES
        object.__setattr__(self, "radius", np.hypot(self.x, self.y).astype(np.float32))
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", (lower + 1) % ANGLES)
        object.__setattr__(self, "part", (angle - np.floor(angle)).astype(np.float32))

    def cover(self, contours: np.ndarray) -> np.ndarray:
        """Share of each pixel inside contours (..., ANGLES): (..., pixel)."""
        contours = contours.astype(np.float32)
        low = np.take(contours, self.lower, axis=-1)
        reach = low + self.part * (np.take(contours, self.upper, axis=-1) - low)
        return np.clip((reach - self.radius) / self.pixel_mm + 0.5, 0, 1) * (reach > 0)

    def disc(self, x: float, y: float, radius_mm: float) -> np.ndarray:
        """Share of each pixel inside a disc."""
        return np.clip(0.5 + (radius_mm - np.hypot(self.x - x, self.y - y)) / self.pixel_mm, 0, 1)


def _fill(
    heart: Heart, walls: Surfaces, rays: _Rays, contraction: float
) -> tuple[dict[int, np.ndarray], list[np.ndarray]]:
    """Shares of the heart's tissues in each pixel, and of the regions RV, MYO, LV; means over the sub-slices."""
    share = walls.level.clip(0, 1)[:, None]
    bumps = (1 - share) * heart.bumps[:, :1] + share * heart.bumps[:, 1:]
    left_bumps = np.minimum(bumps[0] * (0.8 + share), 0.3 * walls.endocardium)
    right_bumps = np.minimum(bumps[1] * (0.6 + 1.2 * share), 0.45 * (walls.right - walls.epicardium))
    below = walls.ventricular[:, None]
    contours = np.stack(
        [
            walls.endocardium,
            walls.endocardium - left_bumps * below,
            walls.epicardium,
            walls.right,
            walls.right - right_bumps * below,
            walls.outer,
            walls.outer + heart.fat_mm * (walls.outer > 0),
        ]
    )
    cavity, left, epi, right, right_blood, outer, sac = rays.cover(contours)
    left = left * (1 - _papillary(heart, walls, rays, contraction))
    right_blood = np.maximum(right_blood - epi, 0) * (1 - _bands(heart, walls, rays))
    left, right_blood, outer = _great_vessels(walls, rays, left, right_blood, outer)
    shares = {
        tissues.LEFT_BLOOD: left.mean(axis=0),
        tissues.RIGHT_BLOOD: right_blood.mean(axis=0),
        tissues.MYOCARDIUM: np.maximum(outer - left - right_blood, 0).mean(axis=0),
        tissues.FAT: np.maximum(sac - outer, 0).mean(axis=0),
    }
    regions = [np.maximum(right - epi, 0), np.maximum(epi - cavity, 0), cavity]
    return shares, [(region * below).mean(axis=0) for region in regions]


def _papillary(heart: Heart, walls: Surfaces, rays: _Rays, contraction: float) -> np.ndarray:
    """Share of each pixel that papillary muscle fills, (level, pixel): discs off the wall, thicker in systole."""
    share = np.zeros((len(walls.level), len(rays.x)), np.float32)
    for angle, offset, radius, middle in heart.papillary:
        at = int(round(angle * ANGLES / (2 * np.pi))) % ANGLES
        for row, level in enumerate(walls.level):
            size = radius * (1 + 0.3 * contraction) * np.sqrt(max(1 - ((level - middle) / 0.28) ** 2, 0))
            wall = walls.endocardium[row, at]
            size = min(size, 0.32 * wall)
            if size > 0.3:
                away = wall - offset * size
                share[row] += rays.disc(-away * np.cos(angle), away * np.sin(angle), size)
    return np.minimum(share, 1)


def _bands(heart: Heart, walls: Surfaces, rays: _Rays) -> np.ndarray:
    """Share of each pixel that muscles in the RV's cavity fill, (level, pixel)."""
    share = np.zeros((len(walls.level), len(rays.x)), np.float32)
    for angle, place, radius, middle in heart.bands:
        at = int(round(angle * ANGLES / (2 * np.pi))) % ANGLES
        for row, level in enumerate(walls.level):
            depth = walls.right[row, at] - walls.epicardium[row, at]
            size = min(radius * np.sqrt(max(1 - ((level - middle) / 0.25) ** 2, 0)), 0.2 * depth)
            if size > 0.3:
                away = walls.epicardium[row, at] + place * depth
                share[row] += rays.disc(-away * np.cos(angle), away * np.sin(angle), size)
    return np.minimum(share, 1)


def _great_vessels(
    walls: Surfaces, rays: _Rays, left: np.ndarray, right: np.ndarray, outer: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Above the base the aortic root stands between the atria, in front of the LV's axis."""
    for row in np.flatnonzero(~walls.ventricular):
        radius = 15.0
        x, y = -0.75 * walls.endocardium[row, 0] - 2.0, -0.45 * walls.endocardium[row, 0] - 3.0
        wall, lumen = rays.disc(x, y, radius + 1.5), rays.disc(x, y, radius)
        left[row] = left[row] * (1 - wall) + lumen
        right[row] = right[row] * (1 - wall)
        outer[row] = np.maximum(outer[row], wall)
    return left, right, outer


def _blend(
    around: Mixture, near: np.ndarray, shares: dict[int, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The heart laid over its surroundings; of all tissues in a pixel the two largest stay."""
    outside = np.maximum(1 - sum(shares.values()), 0)
    part = around.share[near]
    amounts = np.stack([*shares.values(), part * outside, (1 - part) * outside])
    fixed = np.broadcast_to(np.array(list(shares), np.uint8)[:, None], (len(shares), near.sum()))
    kinds = np.concatenate([fixed, around.first[near][None], around.second[near][None]])
    order = np.argsort(amounts, axis=0)[-2:]
    most, next_most = np.take_along_axis(amounts, order, axis=0)[::-1]
    top, runner_up = np.take_along_axis(kinds, order, axis=0)[::-1]
    first, second, share = around.first.copy(), around.second.copy(), around.share.copy()
    first[near], second[near] = top, runner_up
    share[near] = most / np.maximum(most + next_most, 1e-6)
    return first, second, np.round(share * 255).astype(np.uint8)


def _closed(labels: np.ndarray) -> np.ndarray:
    """Labels in which the myocardium surrounds the cavity even where the wall is thinner than a pixel."""
    beside = binary_dilation(labels == LABELS["LV"]) & (labels != LABELS["LV"])
    labels[beside] = LABELS["MYO"]
    return labels
