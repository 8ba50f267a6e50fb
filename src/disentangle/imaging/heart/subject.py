"""One simulated person: size, shape of the heart, chest, planned slices and heart beat, all from a number.

Follows the SDNet digest, section 11.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disentangle.imaging.heart import ventricles
from disentangle.imaging.heart.groups import GROUPS, HYPERTROPHIC, Person, draw_person
from disentangle.imaging.heart.torso import Torso, draw_torso
from disentangle.imaging.heart.ventricles import Shape

HCM_MASS_G_PER_M2 = 110.0


@dataclass(frozen=True, eq=False)
class Heart:
    """All that was drawn for one person, before any picture.

    ``papillary``: (head, 4) angle, distance from the wall in radii, radius in mm, level; ``bands``: the same of
    the RV, with the place between septum (0) and free wall (1). ``bumps``
    (2, 2, ANGLES): trabeculae in mm, of LV and RV, at base and apex. ``centres_mm`` (slice, 2): where
    breath-holds left the axis in each slice; ``middle_mm``: the heart's middle, from the axis to the left.
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
    middle_mm: float
    turn_rad: float
    beat_frames: int
    systolic_frame: int


def draw_heart(number: int, seed: int) -> Heart:
    """Person ``number`` of the pool of a seed; groups take turns, so any first few people are mixed."""
    rng = np.random.default_rng([seed, number, 11])
    group = tuple(GROUPS)[number % len(GROUPS)]
    person, shape = _draw_shaped(group, rng)
    length = person.length_mm
    thickness, gap = rng.choice([5.0, 6.0, 8.0, 8.0, 10.0]), rng.choice([0.0, 0.0, 2.0])
    spacing = float(max(thickness + gap, 6.5))
    # The first plane lies just above the base at rest; in systole the base leaves one or two more.
    z = np.arange(-rng.uniform(0.1, 0.9) * spacing, length + 0.6 * person.wall_mm + 0.8 * spacing, spacing)
    tilt, way = np.tan(np.deg2rad(rng.uniform(0, 8))), rng.uniform(0, 2 * np.pi)
    centres = tilt * (z - length / 2)[:, None] * np.array([np.cos(way), np.sin(way)])
    centres = centres + rng.normal(0, 1.0, (len(z), 2)).clip(-3, 3)
    reach = ventricles.surfaces(shape, ventricles.state_at(shape, 0.0), np.array([0.3 * length]))
    left, below = float(reach.outer.max()), float(reach.epicardium.mean())
    frames = int(rng.integers(20, 36))
    return Heart(
        person=person,
        shape=shape,
        torso=draw_torso(rng, left, below),
        papillary=_draw_papillary(rng),
        bands=_draw_bands(rng),
        bumps=np.stack([[_bumps(rng, size) for _ in range(2)] for size in (1.0, 2.4)]),
        fat_mm=_draw_fat(rng),
        z_mm=z,
        thickness_mm=float(thickness),
        spacing_mm=spacing,
        centres_mm=centres + rng.normal(0, 5, 2).clip(-8, 8),
        middle_mm=0.45 * (left - below),
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
