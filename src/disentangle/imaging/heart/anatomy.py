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
from disentangle.imaging.heart.groups import GROUPS, HYPERTROPHIC, Person, draw_person
from disentangle.imaging.heart.torso import Mixture, Torso, draw_torso, lay_out
from disentangle.imaging.heart.ventricles import ANGLES, Shape, State, Surfaces

LABELS = {"RV": 1, "MYO": 2, "LV": 3}
FIELD_OF_VIEW_MM = 128 * 1.37
SUB_SLICES = 4
HCM_MASS_G_PER_M2 = 110.0


@dataclass(frozen=True)
class Grid:
    """Pixels of a picture; the field of view is what of the body is in it."""

    size: int
    pixel_mm: float


@dataclass(frozen=True, eq=False)
class Heart:
    """All that was drawn for one person, before any picture.

    ``papillary``: (head, 4) angle, distance from the wall in radii, radius in mm, level; ``bands``: the same of
    the RV, with the place between septum (0) and free wall (1). ``bumps``
    (2, 2, ANGLES): trabeculae in mm, of LV and RV, at base and apex. ``centres_mm`` (slice, 2): where
    breath-holds left the axis in each slice.
    """

    person: Person
    shape: Shape
    torso: Torso
    papillary: np.ndarray
    bands: np.ndarray
    bumps: np.ndarray
    fat_mm: np.ndarray
    z_mm: np.ndarray
    thickness_mm: float
    spacing_mm: float
    centres_mm: np.ndarray
    turn_rad: float
    beat_frames: int
    systolic_frame: int


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


def draw_heart(number: int, seed: int) -> Heart:
    """Person ``number`` of the pool of a seed; groups take turns, so any first few people are mixed."""
    rng = np.random.default_rng([seed, number, 11])
    group = tuple(GROUPS)[number % len(GROUPS)]
    person, shape = _draw_shaped(group, rng)
    length = person.length_mm
    thickness, gap = rng.choice([5.0, 6.0, 8.0, 8.0, 10.0]), rng.choice([0.0, 0.0, 2.0])
    spacing = float(max(thickness + gap, 6.5))
    z = np.arange(-rng.uniform(0.6, 1.9) * spacing, length + 0.6 * person.wall_mm + 0.8 * spacing, spacing)
    tilt, way = np.tan(np.deg2rad(rng.uniform(0, 8))), rng.uniform(0, 2 * np.pi)
    centres = tilt * (z - length / 2)[:, None] * np.array([np.cos(way), np.sin(way)])
    centres = centres + rng.normal(0, 1.0, (len(z), 2)).clip(-3, 3)
    reach = ventricles.surfaces(shape, ventricles.state_at(shape, 0.0), np.array([0.3 * length]))
    frames = int(rng.integers(20, 36))
    return Heart(
        person=person,
        shape=shape,
        torso=draw_torso(rng, float(reach.outer.max()), float(reach.epicardium.mean())),
        papillary=_draw_papillary(rng),
        bands=_draw_bands(rng),
        bumps=np.stack([[_bumps(rng, size) for _ in range(2)] for size in (1.0, 2.4)]),
        fat_mm=_draw_fat(rng),
        z_mm=z,
        thickness_mm=float(thickness),
        spacing_mm=spacing,
        centres_mm=centres + rng.normal(0, 5, 2).clip(-12, 12),
        turn_rad=np.deg2rad(rng.normal(0, 30)),
        beat_frames=frames,
        systolic_frame=int(np.clip(round(frames * rng.uniform(0.35, 0.40)), 8, 14)),
    )


def _draw_shaped(group: str, rng: np.random.Generator) -> tuple[Person, Shape]:
    """A person and a shape; hypertrophic hearts must be heavy for the body too."""
    while True:
        person = draw_person(group, rng)
        shape = ventricles.draw_shape(person, rng)
        if group != HYPERTROPHIC or ventricles.mass_g(shape) > HCM_MASS_G_PER_M2 * person.bsa_m2:
            return person, shape


def _draw_papillary(rng: np.random.Generator) -> np.ndarray:
    """Two muscles: the posteromedial at 7 and the anterolateral at 3 to 4 o'clock, the septum being at 9."""
    angles = np.repeat(np.deg2rad([62.0, 195.0]) + rng.normal(0, 0.15, 2), 2) + rng.normal(0, 0.14, 4)
    return np.column_stack([angles, rng.uniform(0.7, 1.5, 4), rng.uniform(2.5, 4.5, 4), rng.uniform(0.42, 0.62, 4)])


def _draw_bands(rng: np.random.Generator) -> np.ndarray:
    """Muscles in the RV's cavity, moderator band included."""
    count = rng.integers(2, 6)
    return rng.uniform([-0.8, 0.45, 1.2, 0.2], [0.8, 1.0, 3.0, 0.75], (count, 4))


def _bumps(rng: np.random.Generator, size_mm: float) -> np.ndarray:
    """Trabeculae: how far muscle reaches into the cavity at each angle, never negative."""
    fine, coarse = (_waves(rng, orders) for orders in (np.arange(4, 16), np.arange(1, 4)))
    return size_mm * np.maximum(fine + 0.5 * coarse, 0) * np.clip(0.7 + 0.7 * coarse, 0, 1.5)


def _waves(rng: np.random.Generator, orders: np.ndarray) -> np.ndarray:
    """A random periodic function of the angle with unit SD."""
    phases = orders[:, None] * ventricles.THETA + rng.uniform(0, 2 * np.pi, (len(orders), 1))
    return rng.normal(0, 1, len(orders)) @ np.cos(phases) / np.sqrt(len(orders) / 2)


def _draw_fat(rng: np.random.Generator) -> np.ndarray:
    """Thickness of fat under the pericardium by angle: most over the RV and in its grooves."""
    theta = ventricles.THETA
    over_right = np.exp(-0.5 * (((theta + np.pi) % (2 * np.pi) - np.pi) / 0.9) ** 2)
    grooves = sum(np.exp(-0.5 * (((theta - a + np.pi) % (2 * np.pi) - np.pi) / 0.25) ** 2) for a in (-1.15, 1.15))
    rough = np.maximum(1 + 0.5 * _waves(rng, np.arange(1, 8)), 0)
    return rough * (rng.uniform(0.8, 2.5) + rng.uniform(1, 5) * over_right + rng.uniform(2, 7) * grooves)


def contraction_at(heart: Heart, frame: int) -> float:
    """Share of the stroke that is done at a frame of the beat: rises as (1 - cos) / 2, falls in two waves.

    0 at frame 0 (ED), 1 at the systolic frame (ES); the early wave carries 70 % of the filling.
    """
    systole, beat = heart.systolic_frame, heart.beat_frames
    if frame <= systole:
        return 0.5 - 0.5 * float(np.cos(np.pi * frame / systole))
    t = (frame - systole) / (beat - systole)
    ease = [0.5 - 0.5 * np.cos(np.pi * np.clip(part, 0, 1)) for part in (t / 0.45, (t - 0.7) / 0.3)]
    return float(1 - 0.7 * ease[0] - 0.3 * ease[1])


def chosen_frames(heart: Heart, frames: int) -> dict[int, str]:
    """Frame number -> "ED", "ES" or "between": both ends, and the others evenly over the rest of the beat."""
    rest = [f for f in range(heart.beat_frames) if f not in (0, heart.systolic_frame)]
    among = np.linspace(0, len(rest), frames - 1)[1:] - len(rest) / (2 * max(frames - 2, 1))
    between = {rest[int(at)]: "between" for at in among[: frames - 2]}
    return {0: "ED", heart.systolic_frame: "ES"} | between


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
    return np.array([-14.0, 0.0]) - heart.centres_mm.mean(axis=0)


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
        radius = 13.0
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
