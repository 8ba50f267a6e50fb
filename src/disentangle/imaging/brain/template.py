"""The ICBM152 template as tissue maps, texture and distances, prepared once from what nilearn ships (digest 12.1).

The template (2009a nonlinear symmetric, 1 mm) was made at the McConnell Brain Imaging Centre, McGill University
(Fonov et al. 2009, 2011; Collins et al. 1999). It is read from nilearn's wheel; no voxel of it is in this package.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from disentangle.imaging.brain import warp
from disentangle.imaging.brain.store import kept

CITATION = (
    "ICBM152 2009a nonlinear template as shipped by nilearn: Fonov V et al. NeuroImage 54:313-327, 2011; "
    "Fonov V et al. NeuroImage 47:S102, 2009; Collins DL et al. 1999. "
    "Copyright McConnell Brain Imaging Centre, McGill University"
)
MAPS = ("csf", "gm", "deep_gm", "wm", "texture")
GUIDES = ("ventricle_mm", "edge_mm")
MARGIN = 4
GUIDE_STEP = 2
WALL_SHIFTS_MM = tuple(np.linspace(-3, 6, 10))


@dataclass(frozen=True, eq=False)
class Template:
    """Maps at 1 mm (5, x, y, z) and distances at 2 mm (2, x, y, z), with the millimetres of their first nodes.

    ``maps``: shares of CSF, GM, deep GM and WM (their sum is 0 outside the head mask), and the relative texture of
    the T1 picture. ``guides``: signed distance to the lateral ventricles (negative inside) and depth below the edge of
    the brain, mm. ``ventricle_factors``: volume of the ventricles over the template's for ``WALL_SHIFTS_MM``.
    """

    maps: Tensor
    origin_mm: tuple[float, ...]
    guides: Tensor
    ventricle_factors: np.ndarray

    def to(self, device: torch.device | str) -> Template:
        """The template on a device."""
        return Template(self.maps.to(device), self.origin_mm, self.guides.to(device), self.ventricle_factors)

    def maps_at(self, points: Tensor) -> Tensor:
        """Maps at points (..., 3) in mm: (5, ...), zero outside the template."""
        return warp.sample(self.maps, points, self.origin_mm, 1.0, "zeros")

    def guides_at(self, points: Tensor) -> Tensor:
        """Distances at points (..., 3): (2, ...)."""
        return warp.sample(self.guides, points, self.origin_mm, float(GUIDE_STEP))


@lru_cache
def template(device: str = "cpu") -> Template:
    """The prepared template on a device, from the cache where it is there."""
    if device != "cpu":
        return template().to(device)
    arrays = kept("template", importlib.metadata.version("nilearn"), __name__, _prepare)
    maps = torch.from_numpy(arrays["maps"].astype(np.float32) / 255)
    maps[4] = torch.from_numpy(arrays["maps"][4].view(np.int8).astype(np.float32) / 400)
    origin = tuple(arrays["origin"].tolist())
    return Template(maps, origin, torch.from_numpy(arrays["guides"].astype(np.float32)), arrays["factors"])


def _prepare() -> dict[str, np.ndarray]:
    """Cut out, split, and measured template as compact arrays."""
    t1, gm, wm, mask, origin = _shipped()
    csf = np.clip(1 - gm - wm, 0, 1) * mask
    edge = ndimage.distance_transform_edt(mask[::GUIDE_STEP, ::GUIDE_STEP, ::GUIDE_STEP], GUIDE_STEP)
    ventricles = lateral_ventricles(csf, edge, origin)
    small = ventricles[::GUIDE_STEP, ::GUIDE_STEP, ::GUIDE_STEP]
    away = ndimage.distance_transform_edt(~small, GUIDE_STEP) - ndimage.distance_transform_edt(small, GUIDE_STEP)
    csf, gm, wm = _without_rim(csf, gm, wm, ndimage.binary_dilation(ventricles, iterations=4))
    texture = _texture(t1, csf, gm, wm, mask)
    deep = gm * _deep_region(gm.shape, origin)
    bytes_ = [np.round(255 * part).astype(np.uint8) for part in (csf, gm - deep, deep, wm)]
    bytes_.append(np.round(400 * texture).clip(-127, 127).astype(np.int8).view(np.uint8))
    guides = np.stack([away, edge]).astype(np.float32)
    factors = _ventricle_factors(ventricles, guides[0], origin)
    return {
        "maps": np.stack(bytes_),
        "origin": np.array(origin, float),
        "guides": guides.astype(np.float16),
        "factors": factors,
    }


def _shipped() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[float, ...]]:
    """T1, GM, WM (0..1) and mask, cut to the brain with a margin, and the millimetres of the first voxel."""
    from nilearn import datasets

    images = [
        load(resolution=1)
        for load in (
            datasets.load_mni152_template,
            datasets.load_mni152_gm_template,
            datasets.load_mni152_wm_template,
            datasets.load_mni152_brain_mask,
        )
    ]
    mask = images[3].get_fdata() > 0.5
    box = tuple(
        slice(max(found.start - MARGIN, 0), found.stop + MARGIN) for found in ndimage.find_objects(mask.astype(int))[0]
    )
    affine = images[0].affine
    if not np.allclose(affine[:3, :3], np.eye(3)):
        raise ValueError(f"template of nilearn: expected 1 mm voxels along x, y, z, found the affine {affine.tolist()}")
    origin = tuple(float(affine[axis, 3] + box[axis].start) for axis in range(3))
    t1, gm, wm = (np.clip(image.get_fdata(dtype=np.float32)[box], 0, 1) * mask[box] for image in images[:3])
    return t1, gm, wm, mask[box], origin


def lateral_ventricles(csf: np.ndarray, edge: np.ndarray, origin: tuple[float, ...]) -> np.ndarray:
    """Voxels of the two lateral ventricles: the deep, connected CSF beside the middle (1 mm csf, 2 mm edge)."""
    deep = np.repeat(np.repeat(np.repeat(edge > 22, 2, 0), 2, 1), 2, 2)[tuple(map(slice, csf.shape))]
    parts, _ = ndimage.label((csf > 0.6) & deep)
    sizes = np.bincount(parts.ravel())
    chosen = np.zeros(csf.shape, bool)
    for number in np.argsort(-sizes[1:])[:6] + 1:
        centre = np.array(ndimage.center_of_mass(parts == number)) + origin
        if sizes[number] > 3000 and 5 < abs(centre[0]) < 25 and centre[2] > 0:
            chosen |= parts == number
    return ndimage.binary_dilation(chosen) & (csf > 0.5)


def _without_rim(csf: np.ndarray, gm: np.ndarray, wm: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, ...]:
    """The maps without the thin sheet of "GM" around the ventricles, which is a mixture of CSF and WM."""
    core = ndimage.binary_opening(gm > 0.5, iterations=2)
    thick = ndimage.gaussian_filter(ndimage.binary_dilation(core).astype(np.float32), 0.7)
    rim = gm * ndimage.gaussian_filter(near.astype(np.float32), 1.0) * (1 - np.clip(thick, 0, 1))
    return csf + 0.5 * rim, gm - rim, wm + 0.5 * rim


def _texture(t1: np.ndarray, csf: np.ndarray, gm: np.ndarray, wm: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What the T1 template has beyond its three tissues, relative to the fit and without borders."""
    parts = np.stack([part[mask] for part in (csf, gm, wm)], axis=1)
    levels, *_ = np.linalg.lstsq(parts, t1[mask], rcond=None)
    fit = np.zeros_like(t1)
    fit[mask] = parts @ levels
    inner = mask & (csf < 0.15)
    share = np.where(inner, t1 / np.maximum(fit, 0.1) - 1, 0).astype(np.float32)
    weight = ndimage.gaussian_filter(inner.astype(np.float32), 1.5)
    return np.clip(ndimage.gaussian_filter(share, 1.5) / np.maximum(weight, 0.1), -0.25, 0.25) * mask


def _deep_region(shape: tuple[int, ...], origin: tuple[float, ...]) -> np.ndarray:
    """1 amid the basal ganglia and thalami, falling to 0 over 3 mm: two ellipsoids."""
    x, y, z = np.meshgrid(*(o + np.arange(n) for o, n in zip(origin, shape, strict=True)), indexing="ij", sparse=True)
    reach = np.sqrt(((np.abs(x) - 16) / 17) ** 2 + ((y + 5) / 30) ** 2 + ((z - 5) / 17) ** 2)
    return (1 / (1 + np.exp((reach - 1) * 12))).astype(np.float32)


def outward(ventricle_mm: Tensor) -> Tensor:
    """Velocity (3, x, y, z) on the grid of ``warp`` that carries the walls of the ventricles inward by 1 mm.

    As a map from picture to template this widens the ventricles; it falls off over 14 mm. ``ventricle_mm`` is the
    signed distance on the same grid.
    """
    distance = warp.smooth(ventricle_mm[None], 0.8)[0]
    slope = torch.stack(torch.gradient(distance, spacing=warp.STEP_MM))
    return -slope * torch.exp(-((distance / 14) ** 2))


def _ventricle_factors(ventricles: np.ndarray, away: np.ndarray, origin: tuple[float, ...]) -> np.ndarray:
    """Volume of the warped ventricles over the template's, for each shift of the wall."""
    distance = warp.sample(torch.from_numpy(away)[None], warp.grid_points(), origin, float(GUIDE_STEP))[0]
    inside = torch.from_numpy(ventricles[None].astype(np.float32))
    box = warp.grid_points((-48, -75, -25), 1.5, (65, 86, 51))
    volumes = []
    for shift in (0.0, *WALL_SHIFTS_MM):
        moved = warp.integrate(shift * outward(distance))
        there = box + warp.sample(moved, box).permute(1, 2, 3, 0)
        volumes.append(float(warp.sample(inside, there, origin, 1.0, "zeros").sum()))
    return np.array(volumes[1:]) / volumes[0]
