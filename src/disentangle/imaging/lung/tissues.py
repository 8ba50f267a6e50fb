"""Objects before the scanner: Hounsfield units of seven tissues on a fine grid, a function of the location's key.

HU and sizes follow the table of the rotation digest, section 10.1; within its ranges each location draws its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from disentangle.imaging.lidc.texture import uniform
from disentangle.imaging.lung.fields import PLANES, grf, ramp, tubes, walls, wide

AIR_HU, VESSEL_HU = -1000.0, 40.0


@dataclass(frozen=True, eq=False)
class Places:
    """Where in whom the patches lie; tensors (place,), rows are independent.

    ``key`` (int64) decides all that is random; ``shift_hu`` is the person's level of inspiration and the place's
    height in the chest; ``calibre`` scales the person's vessels.
    """

    key: Tensor
    shift_hu: Tensor
    calibre: Tensor

    def take(self, rows: Tensor) -> Places:
        """Some of the places."""
        return Places(self.key[rows], self.shift_hu[rows], self.calibre[rows])

    def to(self, device: torch.device) -> Places:
        """The same places on another device."""
        return Places(self.key.to(device), self.shift_hu.to(device), self.calibre.to(device))


def draw_objects(tissue: str, places: Places, planes: int = PLANES) -> Tensor:
    """HU of one tissue at each place: (place, planes, FINE_PIXELS, FINE_PIXELS), planes lying along the body.

    Raises ValueError for an unknown tissue.
    """
    if tissue not in _DRAW:
        raise ValueError(f"no tissue {tissue!r}; there are {', '.join(TISSUES)}")
    return _DRAW[tissue](places, planes).clamp_(min=AIR_HU)


def _drawn(places: Places, name: str, low: float, high: float) -> Tensor:
    return uniform(places.key, name, low, high)


def _wide_drawn(places: Places, name: str, low: float, high: float) -> Tensor:
    return wide(_drawn(places, name, low, high))


def _parenchyma(places: Places, planes: int, base: tuple[float, float], sd: tuple[float, float]) -> Tensor:
    """A level with a smooth field on it, both drawn from these ranges, without vessels."""
    level = _drawn(places, "base", *base) + places.shift_hu
    return grf(places.key, "parenchyma", 2.2, planes).mul_(_wide_drawn(places, "sd", *sd)).add_(wide(level))


def _towards(hu: Tensor, end: Tensor | float, share: Tensor) -> Tensor:
    """``hu`` moved by a share (0..1) of the way to ``end``, in place."""
    return hu.lerp_(torch.as_tensor(end, dtype=hu.dtype, device=hu.device), share)


def _with_vessels(hu: Tensor, places: Places, sizes: tuple[str, ...] = ("large", "small")) -> Tensor:
    """Vessels in it: some large ones, more small ones."""
    for name in sizes:
        length, narrow, broad = _VESSELS[name]
        radius = places.calibre * _drawn(places, f"{name} vessels", narrow, broad)
        hu = _towards(hu, VESSEL_HU, tubes(places.key, name, length, radius, hu.shape[1]))
    return hu


def _normal(places: Places, planes: int) -> Tensor:
    return _with_vessels(_parenchyma(places, planes, (-903, -858), (14, 22)), places)


def _emphysema(places: Places, planes: int) -> Tensor:
    """Holes that merge where the disease is severe, remains of thin walls, few vessels."""
    around = _with_vessels(_parenchyma(places, planes, (-925, -890), (10, 16)), places, ("small",))
    hole = ramp(grf(places.key, "hole", 3.4, planes), _wide_drawn(places, "extent", -1.1, 0.3), 0.6)
    septum = walls(places.key, "septum", 4.0, _drawn(places, "septum", 0.4, 0.8), 3, planes)
    inside = septum.mul_(70).add_(_wide_drawn(places, "inside", -985, -965))
    return _towards(around, inside, hole)


def _ground_glass(places: Places, planes: int) -> Tensor:
    haze = _parenchyma(places, planes, (-710, -530), (26, 36))
    return _with_vessels(
        haze.addcmul_(_wide_drawn(places, "fine", 8, 22), grf(places.key, "fine", 1.1, planes)), places
    )


def _reticulation(places: Places, planes: int) -> Tensor:
    """A broken network of thickened septa on slightly dense lung."""
    lung = _with_vessels(_parenchyma(places, planes, (-815, -750), (18, 30)), places, ("large",))
    mesh = walls(places.key, "mesh", 2.6, _drawn(places, "line width", 0.9, 1.6), 4, planes)
    unbroken = ramp(grf(places.key, "broken", 3.5, planes), -0.9, 1.6)
    line = torch.maximum(lung, _wide_drawn(places, "line", -470, -270))
    return _towards(lung, line, mesh.mul_(unbroken))


def _honeycombing(places: Places, planes: int) -> Tensor:
    """Stacked air cysts that share walls, scarred lung between some of them."""
    level = _drawn(places, "cyst", -955, -905) + 0.5 * places.shift_hu
    air = grf(places.key, "air", 2.5, planes).mul_(12).add_(wide(level))
    wall_hu = grf(places.key, "wall", 2.2, planes).mul_(50).add_(_wide_drawn(places, "wall", -400, -220))
    foam = walls(places.key, "foam", 3.9, _drawn(places, "wall width", 0.8, 1.7), 6, planes)
    scar = ramp(grf(places.key, "scar", 3.4, planes), _wide_drawn(places, "scar", 1.3, 2.4), 0.5)
    return _towards(air, wall_hu, torch.maximum(foam, scar, out=foam))


def _consolidation(places: Places, planes: int) -> Tensor:
    """Airless lung; in some places air-filled bronchi run through it."""
    dense = grf(places.key, "parenchyma", 2.5, planes).mul_(_wide_drawn(places, "sd", 14, 26))
    dense.add_(_wide_drawn(places, "base", -90, 45))
    radius = _drawn(places, "bronchus", 0.5, 1.2) * (_drawn(places, "any bronchus", 0, 1) < 0.4) + 1e-3
    return _towards(dense, -850.0, tubes(places.key, "bronchus", 6.0, radius, planes))


def _nodular(places: Places, planes: int) -> Tensor:
    """Small nodules of soft tissue in otherwise normal lung."""
    lung = _normal(places, planes)
    nodule = ramp(grf(places.key, "nodule", 1.6, planes), _wide_drawn(places, "height", 1.4, 1.85), 0.35)
    return lung.addcmul_(nodule, _wide_drawn(places, "rise", 420, 620)).clamp_(max=VESSEL_HU)


# length of the fields in mm, narrowest and broadest typical radius in mm
_VESSELS = {"large": (6.0, 0.5, 1.0), "small": (3.4, 0.32, 0.55)}
_DRAW: dict[str, Callable[[Places, int], Tensor]] = {
    "normal": _normal,
    "emphysema": _emphysema,
    "ground_glass": _ground_glass,
    "reticulation": _reticulation,
    "honeycombing": _honeycombing,
    "consolidation": _consolidation,
    "nodular": _nodular,
}
TISSUES = tuple(_DRAW)
