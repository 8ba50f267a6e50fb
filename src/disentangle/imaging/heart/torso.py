"""What lies around the heart in a short-axis plane: chest wall, lungs, liver, stomach, spleen, aorta, spine.

Laid out in millimetres around the axis of the LV, x to the patient's left (lateral wall), y downwards, z along
the long axis; neighbouring slices show one anatomy. Follows the SDNet digest, section 11.1, with the places of
the organs as real short-axis images show them: lung above and beside the heart, abdomen below it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disentangle.imaging.heart import tissues

VESSELS = 90


@dataclass(frozen=True, eq=False)
class Mixture:
    """Two tissues in each pixel: ``share`` of it is ``first`` (at least half), the rest ``second``."""

    first: np.ndarray
    second: np.ndarray
    share: np.ndarray


@dataclass(frozen=True, eq=False)
class Torso:
    """One person's chest: sizes in mm, and the waves that bend its borders."""

    body: tuple[float, float, float, float]  # centre x, y, half axes
    fat_mm: float
    muscle_mm: float
    diaphragm: tuple[float, float, float, float]  # height under the axis, place of the dome, curvature, rise to apex
    liver_end: float
    stomach: tuple[float, float, float, float]
    stomach_filling: int
    spleen: tuple[float, float, float]
    aorta: tuple[float, float, float]
    ribs: np.ndarray  # (rib, 2): angle, phase along z
    vessels: np.ndarray  # (vessel, 5): x, y, z, radius, slope
    pads: np.ndarray  # (pad, 4): fat beside the heart: x, y, half axes
    waves: np.ndarray  # (border, wave, 4): frequencies and phase


def draw_torso(rng: np.random.Generator, left_mm: float, below_mm: float) -> Torso:
    """A chest that holds a heart reaching ``left_mm`` (to the RV's side) and ``below_mm`` from the LV's axis."""
    fat, muscle = rng.uniform(8, 25), rng.uniform(8, 16)
    half = rng.normal(112, 9)
    wall = left_mm + rng.uniform(2, 14) + fat + muscle
    directions = rng.normal(0, 1, (6, 5, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    wavelength = rng.uniform(35, 110, (6, 5, 1))
    waves = np.concatenate([directions * 2 * np.pi / wavelength, rng.uniform(0, 2 * np.pi, (6, 5, 1))], axis=-1)
    return Torso(
        body=(half - wall, rng.normal(15, 10), half, rng.normal(160, 12)),
        fat_mm=fat,
        muscle_mm=muscle,
        diaphragm=(below_mm + rng.uniform(1, 6), rng.normal(5, 10), rng.uniform(0.0015, 0.0045), rng.uniform(4, 14)),
        liver_end=rng.normal(25, 18),
        stomach=(rng.normal(52, 10), below_mm + rng.uniform(30, 45), rng.uniform(22, 36), rng.uniform(18, 28)),
        stomach_filling=int(rng.choice([tissues.GUT, tissues.GUT, tissues.AIR, tissues.LIVER])),
        spleen=(rng.normal(98, 8), below_mm + rng.uniform(20, 45), rng.uniform(18, 28)),
        aorta=(rng.normal(62, 6), rng.normal(52, 6), rng.uniform(10, 13)),
        ribs=np.column_stack([np.arange(14) * 2 * np.pi / 14 + rng.normal(0, 0.06, 14), rng.uniform(0, 1, 14)]),
        vessels=_draw_vessels(rng),
        pads=_draw_pads(rng, left_mm, below_mm),
        waves=waves,
    )


def _draw_vessels(rng: np.random.Generator) -> np.ndarray:
    place = rng.uniform([-75, -130, -30], [130, 60, 120], (VESSELS, 3))
    return np.column_stack([place, rng.gamma(2.0, 0.45, VESSELS) + 0.4, rng.normal(0, 0.5, VESSELS)])


def _draw_pads(rng: np.random.Generator, left_mm: float, below_mm: float) -> np.ndarray:
    """Fat in the corners that the round heart leaves: above the diaphragm, behind the sternum, at the side.

    They lie on the diaphragm and on the chest wall, which hide half of them, and so hang in no lung.
    """
    x = np.array([-0.9 * left_mm, -left_mm - 4, 0.7 * below_mm]) + rng.normal(0, 4, 3)
    y = np.array([below_mm + 4, -0.4 * below_mm, below_mm + 4]) + rng.normal(0, 3, 3)
    wide = np.maximum(rng.normal([28, 20, 20], [8, 8, 8]), 1)
    return np.column_stack([x, y, wide, np.maximum(rng.normal([20, 34, 12], [7, 10, 5]), 1)])


def lay_out(torso: Torso, x: np.ndarray, y: np.ndarray, z: float, pixel_mm: float, apex_mm: float) -> Mixture:
    """Tissues of one plane at level ``z`` from the base; ``x``, ``y`` (row, column) in mm."""
    bend = [_wave(torso, border, x, y, z) for border in range(len(torso.waves))]
    centre_x, centre_y, half_x, half_y = torso.body
    across, down = np.abs(x - centre_x) / half_x, np.abs(y - centre_y) / half_y
    radius = (across**2.6 + down**2.6) ** (1 / 2.6)
    inward = (1 - radius) * half_x + 3 * bend[0]
    picture = _Picture(x.shape, pixel_mm)
    picture.paint(tissues.FAT, inward)
    picture.paint(tissues.MUSCLE, inward - torso.fat_mm - 2 * bend[1])
    picture.paint(tissues.FAT, 1.2 - np.abs(inward - torso.fat_mm - 0.45 * torso.muscle_mm - 2.5 * bend[2]))
    cavity = inward - torso.fat_mm - torso.muscle_mm - bend[2]
    _ribs(picture, torso, np.arctan2(y - centre_y, x - centre_x), inward, z)
    picture.paint(tissues.LUNG, cavity)
    _vessels(picture, torso, x, y, z, cavity)
    for px, py, wide, high in torso.pads:
        pad = (1 - np.hypot((x - px) / wide, (y - py) / high)) * min(wide, high) + 4 * bend[4]
        picture.paint(tissues.FAT, np.minimum(pad, cavity + 1.0))
    _abdomen(picture, torso, x, y, z / apex_mm, cavity, bend)
    _spine(picture, torso, x, y, z / apex_mm)
    return picture.mixture()


class _Picture:
    """Paints tissue over tissue with soft edges, keeping the two that matter in each pixel."""

    def __init__(self, shape: tuple[int, ...], pixel_mm: float):
        self.first = np.full(shape, tissues.AIR, np.uint8)
        self.second = self.first.copy()
        self.share = np.ones(shape, np.float32)
        self.pixel_mm = pixel_mm

    def paint(self, tissue: int | np.ndarray, distance_mm: np.ndarray) -> None:
        """Cover with ``tissue`` where the distance to its border is positive."""
        cover = np.clip(0.5 + distance_mm / self.pixel_mm, 0, 1)
        more, some = cover > 0.5, (cover > 0) & (cover <= 0.5)
        self.second = np.where(more, self.first, np.where(some, tissue, self.second)).astype(np.uint8)
        self.first = np.where(more, tissue, self.first).astype(np.uint8)
        self.share = np.where(more, cover, np.where(some, 1 - cover, self.share)).astype(np.float32)

    def mixture(self) -> Mixture:
        return Mixture(self.first, self.second, self.share)


def _wave(torso: Torso, border: int, x: np.ndarray, y: np.ndarray, z: float) -> np.ndarray:
    """A smooth random function of space with a standard deviation of about 1."""
    waves = torso.waves[border]
    sums = sum(np.sin(kx * x + ky * y + kz * z + phase) for kx, ky, kz, phase in waves)
    return sums * np.sqrt(2 / len(waves))


def _ribs(picture: _Picture, torso: Torso, angle: np.ndarray, inward: np.ndarray, z: float) -> None:
    """Ovals of marrow in a cortex, inside the muscle; they run obliquely and so move with z."""
    depth = inward - torso.fat_mm - 0.72 * torso.muscle_mm
    for place, shift in torso.ribs:
        middle = place + 0.12 * np.sin(2 * np.pi * (z / 70 + shift))
        along = ((angle - middle + np.pi) % (2 * np.pi) - np.pi) * 105
        distance = (1 - np.hypot(along / 8, depth / 4)) * 4
        picture.paint(tissues.CORTEX, distance)
        picture.paint(tissues.MARROW, distance - 1.3)


def _vessels(picture: _Picture, torso: Torso, x: np.ndarray, y: np.ndarray, z: float, cavity: np.ndarray) -> None:
    """Round and oval cuts of the lung's vessels, wider towards the hilum (upper right of the base)."""
    for vx, vy, vz, radius, slope in torso.vessels:
        if abs(z - vz) > 22:
            continue
        px, py = vx + slope * (z - vz), vy - slope * (z - vz)
        wide = radius * (1.8 - 0.6 * min(abs(py + 30) / 60, 1.2))
        # Cut obliquely, a tube is an oval along the way that it runs.
        along, aside = (x - px - y + py) / np.sqrt(2), (x - px + y - py) / np.sqrt(2)
        distance = wide - np.hypot(along / (1 + min(abs(slope), 1.5)), aside)
        if distance.max() > -picture.pixel_mm:
            picture.paint(tissues.VESSEL, np.minimum(distance, cavity))


def _abdomen(
    picture: _Picture, torso: Torso, x: np.ndarray, y: np.ndarray, level: float, cavity: np.ndarray, bend: list
) -> None:
    """All below the dome of the diaphragm; near the apex it stands higher."""
    height, dome, curvature, rise = torso.diaphragm
    surface = height - rise * np.clip(level, 0, 1.1) + curvature * (x - dome) ** 2 + 2 * bend[3]
    below = np.minimum(y - surface, cavity + 1.0)
    picture.paint(tissues.MUSCLE, below)
    below = below - 2.5
    picture.paint(tissues.FAT, below)
    bowel = np.minimum(5 * (bend[4] - 0.2), below - 12)
    picture.paint(tissues.GUT, bowel)
    liver_end = torso.liver_end - 25 * (level - 0.5) - 0.35 * (y - height) + 13 * bend[5]
    liver = np.minimum(below - 0.5, liver_end - x)
    picture.paint(tissues.LIVER, liver)
    _liver_vessels(picture, bend, liver)
    sx, sy, sa, sb = torso.stomach
    stomach = (1 - np.hypot((x - sx) / sa, (y - sy + 6 * level) / sb)) * sb + 2.5 * bend[0]
    stomach = np.minimum(stomach, below - 1)
    picture.paint(tissues.MUSCLE, stomach)
    picture.paint(torso.stomach_filling, stomach - 3.5)
    px, py, size = torso.spleen
    spleen = size - np.hypot((x - px), 0.75 * (y - py)) + 2 * bend[1]
    picture.paint(tissues.SPLEEN, np.minimum(spleen, below - 1))


def _liver_vessels(picture: _Picture, bend: list, liver: np.ndarray) -> None:
    """Hepatic veins: thin lines where a smooth function changes sign."""
    line = 1.3 + 1.2 * bend[0] - 16 * np.abs(bend[2] - 0.6 * bend[4])
    picture.paint(tissues.VESSEL, np.minimum(line, liver - 6))


def _spine(picture: _Picture, torso: Torso, x: np.ndarray, y: np.ndarray, level: float) -> None:
    """Descending aorta and a vertebra behind it, where the plane still cuts them: near the base."""
    ax, ay, radius = torso.aorta
    ax, ay = ax + 16 * level, ay + 14 * level
    seen = 40 * (0.55 - level)
    vertebra = np.minimum(19 - np.hypot(x - ax - 8, y - ay - 36), seen)
    picture.paint(tissues.MUSCLE, np.minimum(31 - np.hypot(x - ax - 12, y - ay - 42), seen))
    picture.paint(tissues.CORTEX, vertebra)
    picture.paint(tissues.MARROW, vertebra - 1.2)
    disc = np.minimum(radius - np.hypot(x - ax, y - ay), seen)
    picture.paint(tissues.FAT, disc + 2.5)
    picture.paint(tissues.MUSCLE, disc + 1.2)
    picture.paint(tissues.LEFT_BLOOD, disc)
