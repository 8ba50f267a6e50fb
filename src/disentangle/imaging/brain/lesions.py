"""Five lesion generators (anatomy digest, section 12.4): glioma, MS, white-matter hyperintensities, two strokes.

Each draws up to three compartments as level sets, and a mass effect where it has one. A compartment replaces a share
of each tissue (``spares``), so oedema spares the cortex and a hyperintensity does not enter a ventricle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from disentangle.imaging.brain import shapes
from disentangle.imaging.brain.shapes import FAR, Scene
from disentangle.imaging.brain.sites import HELD_OUT_LESION
from disentangle.imaging.brain.subject import Head

KINDS = ("healthy", "glioma", "ms", "wmh", "chronic_stroke", "acute_stroke")
TRAINING_KINDS = tuple(kind for kind in KINDS if kind != HELD_OUT_LESION)
COMPARTMENTS = {
    "healthy": (),
    "glioma": ("necrosis", "tumour", "oedema"),
    "ms": ("ms_plaque", "ms_plaque_iso"),
    "wmh": ("wmh",),
    "chronic_stroke": ("chronic_infarct", "gliosis"),
    "acute_stroke": ("acute_infarct",),
}
"""Tissues of each kind, in the order in which one covers the next."""

_ALL = (1.0, 1.0, 1.0, 1.0)
REPLACED = {
    "necrosis": _ALL,
    "tumour": _ALL,
    "oedema": (0.0, 0.15, 0.4, 1.0),
    "ms_plaque": (0.0, 0.6, 0.9, 1.0),
    "ms_plaque_iso": (0.0, 0.6, 0.9, 1.0),
    "wmh": (0.0, 0.1, 0.3, 1.0),
    "chronic_infarct": _ALL,
    "gliosis": (0.0, 0.9, 1.0, 1.0),
    "acute_infarct": (0.0, 1.0, 1.0, 1.0),
}
"""Share of CSF, GM, deep GM and WM that a compartment replaces where it is."""


@dataclass(frozen=True, eq=False)
class Lesion:
    """A lesion in one head.

    Attributes
    ----------
    kind : one of ``KINDS``
    levels : (compartment, x, y, z) on the grid of ``shapes``, positive inside
    push : displacement that takes the mass effect back, or None
    volume_ml, count : true volume of the mask, and number of foci drawn
    enhancing : share of a tumour's usual uptake of contrast agent
    """

    kind: str
    levels: Tensor
    push: Tensor | None
    volume_ml: float
    count: int
    enhancing: float = 1.0


def check_kinds(kinds: tuple[str, ...], held_out: bool) -> tuple[str, ...]:
    """The lesion kinds, if they exist and may be used; the held-out generator only where ``held_out`` is true."""
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"brain_sites: no lesion kind {kind!r}; there are {', '.join(KINDS)}")
        if kind == HELD_OUT_LESION and not held_out:
            raise ValueError(
                f"brain_sites: lesion {kind!r} is held out from training and tuning; test with held_out=True"
            )
    if not kinds:
        raise ValueError("brain_sites: lesions is empty, expected at least one of " + ", ".join(KINDS))
    return tuple(kinds)


@lru_cache(maxsize=4)
def draw_lesion(head: Head, kind: str) -> Lesion | None:
    """The lesion of a kind in a head; None for healthy people. The same head always has the same lesion.

    The last four are remembered.
    """
    if kind == "healthy":
        return None
    rng = np.random.default_rng([head.seed, head.number, 43, KINDS.index(kind)])
    return {
        "glioma": _glioma,
        "ms": _ms,
        "wmh": _wmh,
        "chronic_stroke": _chronic_stroke,
        "acute_stroke": _acute_stroke,
    }[kind](head, rng)


@lru_cache(maxsize=4)
def ageing(head: Head) -> Tensor | None:
    """Level (1, x, y, z) of the small periventricular caps that a fifth of healthy people above 60 have, else None."""
    rng = np.random.default_rng([head.seed, head.number, 47])
    if not head.old or rng.uniform() > 0.2:
        return None
    here = shapes.scene(head)
    volume = rng.uniform(0.1, 0.5)
    return shapes.of_volume(_caps(rng, here), volume, replaced("wmh", here))[None]


def replaced(compartment: str, here: Scene) -> Tensor:
    """Share of each voxel that a full compartment would replace."""
    parts = zip(REPLACED[compartment], (here.csf, here.gm, here.deep, here.wm), strict=True)
    return sum(share * part for share, part in parts)


def memberships(levels: Tensor) -> Tensor:
    """Shares (compartment, ...) from levels: earlier compartments cover later ones, the sum is at most 1."""
    left, shares = torch.ones_like(levels[0]), []
    for level in levels:
        shares.append(left * torch.sigmoid(level / shapes.EDGE_MM))
        left = left - shares[-1]
    return torch.stack(shares)


def _finish(head: Head, kind: str, levels: list[Tensor], here: Scene, push: Tensor | None, **facts) -> Lesion:
    """The lesion with the volume of its mask in the final anatomy ``here``."""
    stacked = torch.stack(levels)
    shares = memberships(stacked)
    held = sum(m * replaced(name, here) for m, name in zip(shares, COMPARTMENTS[kind], strict=True))
    return Lesion(kind, stacked, push, float((held > 0.5).sum()) * shapes.VOXEL_ML, **facts)


def _log_normal(rng: np.random.Generator, median: float, sigma: float, low: float, high: float) -> float:
    return float(np.clip(median * np.exp(rng.normal(0, sigma)), low, high))


def _glioma(head: Head, rng: np.random.Generator) -> Lesion:
    """Necrosis in solid tumour in finger-like oedema; pushes the brain aside."""
    volume = _log_normal(rng, 70, 0.7, 5, 250)
    necrosis, solid = rng.uniform(0.10, 0.25), rng.uniform(0.20, 0.30)
    before = shapes.scene(head)
    below = before.infratentorial
    side = below if rng.uniform() < 0.1 else ~below
    centre = shapes.pick(rng, before, (before.wm > 0.7) & (before.edge_mm > 14) & side & _seen(before))
    core_mm = (3 * 1000 * volume * (necrosis + solid) / (4 * math.pi)) ** (1 / 3)
    amount = float(np.clip(3 + 5 * (volume / 70) ** 0.5 * rng.uniform(0.5, 1.3), 3, 12))
    push = shapes.push(head, centre, amount, rng.uniform(25, 40), 0.7 * core_mm)
    here = shapes.scene(head.pushed(push))
    away, count = shapes.distance(here.points, centre), 1
    if rng.uniform() < 0.15:
        other = shapes.pick(rng, here, (here.wm > 0.7) & (here.edge_mm > 10) & ((away - 1.8 * core_mm - 10).abs() < 8))
        away, count = torch.minimum(away, shapes.distance(here.points, other) + 0.3 * core_mm), 2
    core_noise, brain = shapes.rough(rng, here, 6), here.brain
    core_score = -(away + 0.16 * core_mm * core_noise)
    core = shapes.of_volume(core_score, volume * (necrosis + solid), brain)
    inner = shapes.of_volume(core_score + 1.5 * shapes.rough(rng, here, 4), volume * necrosis, brain)
    spread = 5.0 * shapes.rough(rng, here, 6) + 2.5 * shapes.rough(rng, here, 3.5)
    fingers = -(away + spread) + 9 * here.wm - 5 * here.gm - 6 * here.csf
    free = replaced("oedema", here) * torch.sigmoid(-core)
    oedema = shapes.of_volume(fingers, volume * (1 - necrosis - solid), free)
    levels = [torch.minimum(inner, core - 1.5), core, oedema.clamp(FAR, -FAR)]
    return _finish(head, "glioma", levels, here, push, count=count, enhancing=float(rng.uniform() > 0.15))


def _seen(here: Scene) -> Tensor:
    """Heights (mm, template) between which axial slices usually lie."""
    z = here.template_mm[..., 2]
    return (z > -30) & (z < 58)


def _ms(head: Head, rng: np.random.Generator) -> Lesion:
    """Many ellipsoids, most of them beside the ventricles and pointing away from them."""
    here = shapes.scene(head)
    volumes = _plaque_volumes(rng)
    places = rng.choice(4, len(volumes), p=[0.55, 0.25, 0.12, 0.08])
    where = _plaque_places(here)
    slope = torch.stack(torch.gradient(here.ventricle_mm, spacing=shapes.STEP_MM), dim=-1)
    levels = [torch.full_like(here.csf, FAR) for _ in range(2)]
    for volume, place in zip(volumes, places, strict=True):
        centre = shapes.pick(rng, here, where[place])
        ratio = rng.uniform(1.5, 2.5)
        radius = (3 * volume / (4 * math.pi * ratio)) ** (1 / 3)
        radii = torch.tensor([ratio * radius, radius, radius], dtype=torch.float32, device=centre.device)
        way = shapes.direction(slope, centre) if place == 0 else torch.from_numpy(rng.normal(size=3)).to(slope)
        shapes.ellipsoid(levels[int(rng.uniform() < 0.3)], here, centre, radii, shapes.frame(way))
    rough = shapes.rough(rng, here, 3.5)
    levels = [level + 0.4 * rough for level in levels]
    return _finish(head, "ms", levels, here, None, count=len(volumes))


def _plaque_volumes(rng: np.random.Generator) -> np.ndarray:
    """mm3 of each plaque: log-normal around 50, their sum between 1 and 30 mL."""
    count = int(np.clip(rng.poisson(np.exp(rng.uniform(np.log(10), np.log(60)))), 10, 60))
    volumes = np.clip(50 * np.exp(rng.normal(0, 1.2, count)), 5, 5000)
    return volumes * np.clip(volumes.sum(), 1000, 30000) / volumes.sum()


def _plaque_places(here: Scene) -> tuple[Tensor, ...]:
    """Voxels for periventricular, subcortical, juxtacortical and infratentorial plaques."""
    wm, away, below = here.wm > 0.6, here.ventricle_mm, here.infratentorial
    cortical = (here.wm > 0.35) & (here.wm < 0.65) & (here.gm > 0.25)
    return (
        wm & (away > 1) & (away < 10) & ~below,
        wm & (away > 10) & (here.edge_mm < 22) & ~below,
        cortical & (away > 12) & (here.edge_mm < 18) & ~below,
        (here.wm > 0.4) & below,
    )


def _caps(rng: np.random.Generator, here: Scene) -> Tensor:
    """Score that is highest along the ventricles, most at the tips of their horns, on both sides alike."""
    x, y, z = here.template_mm.unbind(-1)
    side = x.abs()
    front = torch.exp(-(((side - 18) / 9) ** 2 + ((y - 30) / 10) ** 2 + ((z - 8) / 12) ** 2))
    back = torch.exp(-(((side - 26) / 9) ** 2 + ((y + 52) / 14) ** 2 + ((z - 18) / 14) ** 2))
    rough = shapes.rough(rng, here, 5)
    score = -here.ventricle_mm.clamp(min=-1) + 4 * front + 4 * back + 1.8 * rough
    return torch.where((here.ventricle_mm < 13) & (z > -5), score, score.clamp(max=FAR)) + 3 * (here.wm - 1)


def _wmh(head: Head, rng: np.random.Generator) -> Lesion:
    """Caps and bands along the ventricles, and round foci deep in the white matter."""
    here = shapes.scene(head)
    volume, foci = _log_normal(rng, 8, 1.0, 0.3, 80), int(rng.integers(0, 41))
    level = torch.full_like(here.csf, FAR)
    deep = (here.wm > 0.8) & (here.ventricle_mm > 8) & (here.edge_mm > 9) & ~here.infratentorial
    total = 0.0
    for diameter in rng.uniform(2, 8, foci):
        size = math.pi / 6 * diameter**3 / 1000
        if total + size < 0.4 * volume:
            centre = shapes.pick(rng, here, deep)
            radii = torch.full((3,), float(diameter) / 2, device=centre.device)
            shapes.ellipsoid(level, here, centre, radii, torch.eye(3, device=centre.device))
            total += size
    caps = shapes.of_volume(_caps(rng, here), volume - total, replaced("wmh", here))
    return _finish(head, "wmh", [torch.maximum(level, caps)], here, None, count=1 + foci)


def _wedge(rng: np.random.Generator, here: Scene) -> tuple[Tensor, Tensor]:
    """Score of a wedge from the depth to the cortex of the middle cerebral artery, and its middle."""
    x, y, z = here.template_mm.unbind(-1)
    side = float(rng.choice([-1, 1]))
    cortex = (here.gm > 0.6) & (x * side > 32) & (y > -60) & (y < 35) & (z > -5) & (z < 45)
    top = shapes.pick(rng, here, cortex)
    apex = torch.tensor([24.0 * side, 0.6 * float(top[1]) - 5, 0.6 * float(top[2]) + 6], device=top.device)
    axis = top - apex
    along = ((here.points - apex) @ axis / axis.dot(axis)).clamp(0, 1.1)
    beside = (here.points - apex - along[..., None] * axis).norm(dim=-1)
    score = -(beside - 20 * along) - 3.5 * shapes.rough(rng, here, 7) - 1.5 * shapes.rough(rng, here, 3.5)
    return torch.where(x * side > 3, score, score - 30), 0.5 * (top + apex)


def _lacune(rng: np.random.Generator, here: Scene) -> tuple[Tensor, Tensor]:
    """Score of a small hole in the deep nuclei or the white matter, and its middle."""
    place = (here.deep > 0.6) | ((here.wm > 0.8) & (here.ventricle_mm < 20) & (here.ventricle_mm > 3))
    centre = shapes.pick(rng, here, place & ~here.infratentorial & (here.edge_mm > 15))
    return -shapes.distance(here.points, centre) - 0.8 * shapes.rough(rng, here, 4), centre


def _chronic_stroke(head: Head, rng: np.random.Generator) -> Lesion:
    """Cavity in a gliotic rim; the surroundings are drawn towards it, the ventricle of that side with them."""
    lacunar = rng.uniform() < 0.3
    volume = _log_normal(rng, 0.3, 0.8, 0.05, 1.0) if lacunar else _log_normal(rng, 12, 1.3, 1.0, 300)
    before = shapes.scene(head)
    score, centre = (_lacune if lacunar else _wedge)(rng, before)
    push = None
    if not lacunar:
        radius = (3 * 1000 * volume / (4 * math.pi)) ** (1 / 3)
        push = shapes.push(head, centre, -float(rng.uniform(1, 4)), rng.uniform(25, 40), radius)
    here = shapes.scene(head.pushed(push))
    whole = shapes.of_volume(score, volume, replaced("gliosis", here))
    rim = rng.uniform(0.8, 1.5) if lacunar else rng.uniform(2, 4)
    cavity = whole - rim - (0.3 if lacunar else 1.2) * shapes.rough(rng, here, 4)
    return _finish(head, "chronic_stroke", [cavity, whole], here, push, count=1)


def _acute_stroke(head: Head, rng: np.random.Generator) -> Lesion:
    """A swollen territory of grey and white matter."""
    volume = _log_normal(rng, 15, 1.2, 0.5, 250)
    before = shapes.scene(head)
    score, centre = _wedge(rng, before)
    radius = (3 * 1000 * volume / (4 * math.pi)) ** (1 / 3)
    push = shapes.push(head, centre, float(rng.uniform(1, 3)), rng.uniform(25, 40), radius)
    here = shapes.scene(head.pushed(push))
    level = shapes.of_volume(score, volume, replaced("acute_infarct", here))
    return _finish(head, "acute_stroke", [level], here, push, count=1)
