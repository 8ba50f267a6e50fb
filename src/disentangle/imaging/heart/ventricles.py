"""Both ventricles as surfaces in space that contract: radii by level and angle, solved to exact volumes.

The long axis z runs from the base plane at end-diastole (0 mm) to the apex (``length_mm``), which stays where
it is; the base comes down in systole. In a plane, a surface is its distance from the axis of the LV by angle,
counted from the middle of the septum. Follows the SDNet digest, section 11.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from disentangle.imaging.heart.groups import RIGHT, Person

ANGLES = 72
EXPONENT = 2.5
RV_END = 0.85
THINNEST_MM = 2.5
ATRIUM_WALL_MM = 2.0
ATRIUM_DEPTH_MM = 55.0
MYOCARDIUM_G_PER_ML = 1.05
_LEVELS = 80
THETA = np.arange(ANGLES) * (2 * np.pi / ANGLES)


@dataclass(frozen=True, eq=False)
class Shape:
    """What does not change over the cycle, per person: amplitudes of the shape's modes, and sizes at rest."""

    person: Person
    radius_mm: float
    ripple: np.ndarray  # (2, 3): modes 2..4 at base and apex
    ripple_phase: np.ndarray  # (3,)
    wall_ripple: np.ndarray  # (4,)
    wall_ripple_phase: np.ndarray  # (4,)
    rv_span: float
    rv_turn: float
    rv_power: float
    rv_ripple: np.ndarray  # (2, 3): skew, bulge and asymmetric bulge of the crescent at base and apex
    rv_taper: float
    rv_wall_mm: float
    septal_flattening: float


@dataclass(frozen=True)
class State:
    """One moment: length of the LV, how far walls moved in and thickened, and how deep the RV is (mm)."""

    length_mm: float
    inward: float
    thickening: float
    rv_depth_mm: float


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Distances from the axis, mm, each (level, ANGLES); ``ventricular`` bool (level,) is below the base.

    Inside ``endocardium`` is the LV cavity (or left atrium), from there to ``epicardium`` the wall; from the
    epicardium to ``right`` the RV cavity (or right atrium), to ``outer`` its free wall.
    """

    endocardium: np.ndarray
    epicardium: np.ndarray
    right: np.ndarray
    outer: np.ndarray
    level: np.ndarray
    ventricular: np.ndarray


def draw_shape(person: Person, rng: np.random.Generator) -> Shape:
    """Modes drawn at random, then the LV's radius solved for the person's end-diastolic volume."""
    right = person.group == RIGHT
    shape = Shape(
        person=person,
        radius_mm=1.0,
        ripple=rng.normal(0, 1, (2, 3)) * np.array([0.05, 0.03, 0.018]),
        ripple_phase=rng.uniform(0, 2 * np.pi, 3),
        wall_ripple=rng.normal(0, 1, 4) * 0.06 / np.arange(1, 5),
        wall_ripple_phase=rng.uniform(0, 2 * np.pi, 4),
        rv_span=np.deg2rad(rng.normal(74, 5) + 0.04 * (person.rv_edv_ml - 160)),
        rv_turn=np.deg2rad(rng.normal(0, 6)),
        rv_power=rng.uniform(0.5, 0.85),
        rv_ripple=rng.normal(0, 1, (2, 3)) * np.array([0.16, 0.10, 0.10]) + np.array([[-0.12, 0, 0], [0.12, 0, 0]]),
        rv_taper=rng.uniform(1.3, 2.3),
        rv_wall_mm=rng.uniform(4.0, 6.5) if right else rng.uniform(2.5, 3.5),
        septal_flattening=rng.uniform(0.06, 0.16) if right else rng.uniform(0.0, 0.04),
    )
    unit = _cavity_ml(shape, State(person.length_mm, 0.0, 0.0, 0.0))
    return _with_radius(shape, float(np.sqrt(person.edv_ml / unit)))


def _with_radius(shape: Shape, radius_mm: float) -> Shape:
    return Shape(**{**vars(shape), "radius_mm": radius_mm})


def state_at(shape: Shape, contraction: float) -> State:
    """The moment at which a share ``contraction`` (0 end-diastole .. 1 end-systole) of the strokes is done.

    Both cavities have exactly the volumes that this asks for; the myocardium keeps its volume.
    """
    person = shape.person
    rest = State(person.length_mm, 0.0, 0.0, 0.0)
    length = person.length_mm * (1 - person.shortening * contraction)
    volume = person.edv_ml - (person.edv_ml - person.esv_ml) * contraction
    right = person.rv_edv_ml - (person.rv_edv_ml - person.rv_esv_ml) * contraction
    inward = brentq(lambda q: _cavity_ml(shape, State(length, q, 0, 0)) - volume, -0.5, 0.98, xtol=1e-6)
    muscle = myocardium_ml(shape, rest)
    thicker = brentq(lambda k: myocardium_ml(shape, State(length, inward, k, 0)) - muscle, -0.8, 6.0, xtol=1e-6)
    return State(length, inward, thicker, _rv_depth(shape, State(length, inward, thicker, 0), right))


def surfaces(shape: Shape, state: State, z_mm: np.ndarray) -> Surfaces:
    """All surfaces at levels ``z_mm`` (level,); above the base they are those of the atria."""
    z_mm = np.asarray(z_mm, float)
    level, endo, epi = _left(shape, state, z_mm)
    depth = state.rv_depth_mm * _rv_profile(shape, level)
    above = np.maximum(-level * state.length_mm, 0.0)[:, None]
    fade = np.sqrt(np.maximum(1 - (above / ATRIUM_DEPTH_MM) ** 2, 0.0))
    atrium = level < 0
    if atrium.any():
        # The mitral ring is narrower than the LV's base, and the left atrium lies behind it.
        ring = 0.82 + 0.40 * np.minimum(above / 10, 1) * np.cos(THETA - np.deg2rad(150))
        endo = np.where(atrium[:, None], endo * fade * ring, endo)
        epi = np.where(atrium[:, None], endo + ATRIUM_WALL_MM, epi)
        depth = np.where(atrium[:, None], depth * (1 - 0.3 * np.minimum(above / 25, 1)) * fade, depth)
    right = epi + depth
    wall = shape.rv_wall_mm * np.clip(depth / 3.0, 0, 1)
    return Surfaces(endo, epi, right, right + wall, level, ~atrium)


def volumes_ml(shape: Shape, state: State) -> dict[str, float]:
    """Volumes of the three labelled structures: {"RV", "MYO", "LV"}."""
    return {
        "RV": _right_ml(shape, state),
        "MYO": myocardium_ml(shape, state),
        "LV": _cavity_ml(shape, state),
    }


def mass_g(shape: Shape) -> float:
    """Mass of the LV's myocardium."""
    return MYOCARDIUM_G_PER_ML * myocardium_ml(shape, State(shape.person.length_mm, 0.0, 0.0, 0.0))


def _left(shape: Shape, state: State, z_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level 0..1 and radii of endo- and epicardium; above the base those of the base."""
    base = shape.person.length_mm - state.length_mm
    level = (z_mm - base) / state.length_mm
    inside = np.clip(level, 0, 1)
    wall = _thickness(shape, inside) * (1 + state.thickening * _activity(shape, inside))
    cap = 0.6 * wall.mean(axis=1)
    outside = np.clip((z_mm - base) / (state.length_mm + cap), 0, 1)
    radius = shape.radius_mm * _ripple(shape, inside) * (1 - state.inward * _activity(shape, inside))
    endo = radius * _profile(inside)[:, None]
    epi = (radius + wall) * _profile(outside)[:, None]
    return level, endo, np.where(outside[:, None] < 1, np.maximum(epi, endo + THINNEST_MM), 0.0)


def _profile(level: np.ndarray) -> np.ndarray:
    return np.maximum(1 - level**EXPONENT, 0.0) ** (1 / EXPONENT)


def _ripple(shape: Shape, level: np.ndarray) -> np.ndarray:
    """How far a short-axis contour is from a circle: smooth modes, and a septum that is less curved."""
    share = level[:, None]
    waves = np.stack([np.cos(k * THETA + p) for k, p in zip((2, 3, 4), shape.ripple_phase, strict=True)])
    modes = (1 - share) * (shape.ripple[0] @ waves) + share * (shape.ripple[1] @ waves)
    septum = shape.septal_flattening * np.exp(-0.5 * (_from(0.0) / 0.6) ** 2)
    return 1 + modes - septum


def _thickness(shape: Shape, level: np.ndarray) -> np.ndarray:
    """Wall at rest in mm, (level, ANGLES): thick septum of HCM, thin scar of MINF, ripples."""
    person = shape.person
    orders = np.arange(1, 5)[:, None]
    waves = shape.wall_ripple @ np.cos(orders * THETA + shape.wall_ripple_phase[:, None])
    septum = (person.septum_mm - person.wall_mm) * np.exp(-0.5 * (_from(-0.25) / 0.75) ** 2)
    thick = np.exp(-0.5 * ((level - 0.35) / 0.45) ** 2)[:, None]
    wall = person.wall_mm * (1 + waves) + septum * thick
    scar = _scar(shape, level)
    return wall + scar * (np.minimum(person.scar_mm, wall) - wall)


def _activity(shape: Shape, level: np.ndarray) -> np.ndarray:
    """Share of the normal motion that a piece of wall makes: 0 in a scar."""
    return 1 - _scar(shape, level)


def _scar(shape: Shape, level: np.ndarray) -> np.ndarray:
    person = shape.person
    if not person.scar_width:
        return np.zeros((len(level), ANGLES))
    around = _edge((person.scar_width - np.abs(_from(person.scar_angle))) / 0.12)
    along = _edge((person.scar_height - np.abs(level - person.scar_level)) / 0.06)
    return along[:, None] * around


def _edge(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


def _from(angle: float) -> np.ndarray:
    """Angles measured from another one, in -pi..pi."""
    return (THETA - angle + np.pi) % (2 * np.pi) - np.pi


def _rv_profile(shape: Shape, level: np.ndarray) -> np.ndarray:
    """Depth of the RV's crescent, 1 in its middle at the base; it ends at ``RV_END``."""
    inside = np.clip(level, 0, RV_END)[:, None]
    along = np.maximum(1 - (inside / RV_END) ** shape.rv_taper, 0.0) ** 0.8
    span = shape.rv_span * (1 - 0.3 * inside)
    # The outflow tract lies in front: the crescent turns forwards towards the base.
    middle = shape.rv_turn - 0.16 * (1 - inside)
    u = np.clip(((THETA - middle + np.pi) % (2 * np.pi) - np.pi) / span, -1, 1)
    modes = np.stack([u, np.cos(2 * np.pi * u), np.sin(2 * np.pi * u)], axis=-1)
    ripple = (1 - inside) * (modes @ shape.rv_ripple[0]) + inside * (modes @ shape.rv_ripple[1])
    return along * np.maximum(1 - np.abs(u) ** 2.6, 0.0) ** shape.rv_power * np.maximum(1 + ripple, 0.3)


def _rv_depth(shape: Shape, state: State, volume_ml: float) -> float:
    """Depth that gives the volume: the crescent's area is quadratic in it."""
    z, step = _grid(shape, state)
    level, _, epi = _left(shape, state, z)
    profile = _rv_profile(shape, level)
    scale = step * (2 * np.pi / ANGLES) / 1000
    square, linear = 0.5 * (profile**2).sum() * scale, (epi * profile).sum() * scale
    return float((-linear + np.sqrt(linear**2 + 4 * square * volume_ml)) / (2 * square))


def _right_ml(shape: Shape, state: State) -> float:
    z, step = _grid(shape, state)
    level, _, epi = _left(shape, state, z)
    outer = epi + state.rv_depth_mm * _rv_profile(shape, level)
    return _integral_ml(outer, step) - _integral_ml(epi, step)


def _cavity_ml(shape: Shape, state: State) -> float:
    z, step = _grid(shape, state)
    return _integral_ml(_left(shape, state, z)[1], step)


def myocardium_ml(shape: Shape, state: State) -> float:
    """Volume between endo- and epicardium below the base plane."""
    z, step = _grid(shape, state)
    _, endo, epi = _left(shape, state, z)
    return _integral_ml(epi, step) - _integral_ml(endo, step)


def _grid(shape: Shape, state: State) -> tuple[np.ndarray, float]:
    """Middles of thin layers from the base plane to beyond the apex, and their height."""
    step = (state.length_mm + 25.0) / _LEVELS
    base = shape.person.length_mm - state.length_mm
    return base + (np.arange(_LEVELS) + 0.5) * step, step


def _integral_ml(radius: np.ndarray, step_mm: float) -> float:
    return float((0.5 * radius**2).sum() * (2 * np.pi / ANGLES) * step_mm / 1000)
