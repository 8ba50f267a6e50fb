"""Hounsfield units for outlined lesions: outlines and ratings are real, every grey value here is simulated.

``render`` is a pure function of its slices and a seed. Per lesion it lays out the surroundings, fills the
mask by what readers said about texture, calcification and inner structure, blends by margin, adds spicules,
and passes all through the scanner of the scan. Values follow the digest of the lesion paper, section "How to
simulate credible HU texture".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from disentangle.imaging.lidc import surroundings, texture
from disentangle.imaging.lidc.scanner import choose_scanner, expose
from disentangle.imaging.lidc.surroundings import edge, mix
from disentangle.imaging.lidc.texture import join, normal, uniform

POPCORN, LAMINATED, DIFFUSE, NON_CENTRAL, CENTRAL, NOT_CALCIFIED = 1, 2, 3, 4, 5, 6
SOFT_TISSUE, FLUID, FAT, AIR = 1, 2, 3, 4
HIGHEST_NOT_CALCIFIED = 145.0
MOST_SPICULES = 10


@dataclass(frozen=True, eq=False)
class Slices:
    """What the renderer must know of each slice. Rows are independent of each other.

    Attributes
    ----------
    coverage : float (slice, size, size)
        Share of each pixel, through the thickness of the slice, that the lesion fills.
    footprint : bool (slice, size, size)
        Where any slice of the lesion has it: keeps walls and airways off.
    scan, lesion, position : int64 (slice,)
        Who this is: seeds of scanner, anatomy, and of the noise of this slice.
    z_mm, height_mm : float (slice,)
        Position from the lesion's middle, and the lesion's whole extent along z.
    relative_size : float (slice,)
        Diameter of this slice over the lesion's largest one.
    pixel_mm, thickness_mm : float (slice,)
    contrast : bool (slice,)
        Contrast agent was given.
    texture, margin, spiculation : float (slice,)
        The lesion's ratings, 1..5, mean over readers.
    calcification, structure : int64 (slice,)
        The lesion's categories of LIDC (6: not calcified; 1: soft tissue).
    """

    coverage: Tensor
    footprint: Tensor
    scan: Tensor
    lesion: Tensor
    position: Tensor
    z_mm: Tensor
    height_mm: Tensor
    relative_size: Tensor
    pixel_mm: Tensor
    thickness_mm: Tensor
    contrast: Tensor
    texture: Tensor
    margin: Tensor
    spiculation: Tensor
    calcification: Tensor
    structure: Tensor

    def __post_init__(self) -> None:
        n, *size = self.coverage.shape
        if len(size) != 2 or size[0] != size[1] or size[0] % 2:
            found = tuple(self.coverage.shape)
            raise ValueError(f"coverage must be (slice, size, size) with an even size, found {found}")
        for part in fields(self):
            found = len(getattr(self, part.name))
            if found != n:
                raise ValueError(f"{found} rows in {part.name} but {n} slices in coverage")

    def __len__(self) -> int:
        return len(self.coverage)

    def take(self, rows: slice | Tensor, device: torch.device | str | None = None) -> Slices:
        """Some of the slices, on another device where one is named."""
        return Slices(**{part.name: getattr(self, part.name)[rows].to(device) for part in fields(self)})


def render(slices: Slices, seed: int, device: str | torch.device = "cpu", chunk: int | None = None) -> Tensor:
    """Whole Hounsfield units (slice, 1, size, size), float32, on the CPU.

    ``chunk`` slices are computed together (by default what suits the device); it does not change the picture
    beyond the rounding of a unit.
    """
    device = torch.device(device)
    chunk = chunk or (32 if device.type == "cpu" else 1024)
    pictures = torch.empty_like(slices.coverage, device="cpu")
    for start in range(0, len(slices), chunk):
        rows = slice(start, start + chunk)
        pictures[rows] = _render(slices.take(rows, device), seed)
    return pictures[:, None]


def _render(slices: Slices, seed: int) -> Tensor:
    scan = join(seed, slices.scan)
    lesion = join(scan, slices.lesion)
    scene = background(slices, scan, lesion)
    scene = draw_lesion(scene, slices, lesion)
    scanner = choose_scanner(scan, slices.thickness_mm)
    return expose(scene, scanner, slices.pixel_mm, join(lesion, slices.position)).round()


def background(slices: Slices, scan: Tensor, lesion: Tensor) -> Tensor:
    """Lung, airway, vessels and chest wall in HU (slice, size, size). Knows no rating."""
    size = slices.coverage.shape[-1]
    scene = surroundings.parenchyma(scan, lesion, slices.z_mm, size)
    scene = surroundings.bronchus(scene, lesion, slices.footprint, slices.z_mm, slices.pixel_mm)
    mask = slices.coverage >= 0.5
    share = surroundings.vessels(lesion, mask, slices.z_mm, slices.pixel_mm, slices.thickness_mm)
    enhanced = slices.contrast * uniform(scan, "enhanced blood", 60.0, 140.0)
    blood = uniform(scan, "blood", 20.0, 60.0) + enhanced
    scene = mix(scene, share, blood[:, None, None])
    return surroundings.wall(scene, scan, lesion, slices.footprint, slices.z_mm, slices.pixel_mm)


def draw_lesion(scene: Tensor, slices: Slices, lesion: Tensor) -> Tensor:
    """The scene with the lesion blended in, its border as wide as the margin rating says."""
    solid = uniform(lesion, "solid", 20.0, 60.0) + slices.contrast * uniform(lesion, "enhanced", 20.0, 40.0)
    scene = mix(scene, spicules(slices, lesion), solid[:, None, None])
    margin_mm = 0.3 + (5 - slices.margin.clamp(1, 5)) * (1.2 / 4)
    share = texture.gaussian_filter(slices.coverage, margin_mm / slices.pixel_mm).clamp(0, 1)
    return mix(scene, share, interior(slices, lesion, solid))


def interior(slices: Slices, lesion: Tensor, solid: Tensor) -> Tensor:
    """HU of the lesion's material (slice, size, size), by texture, calcification and inner structure."""
    soft = torch.where(slices.structure == FLUID, uniform(lesion, "fluid", 0.0, 18.0), solid)
    soft = torch.where(slices.structure == FAT, -80.0, soft)[:, None, None]
    ground_glass = uniform(lesion, "ground glass", -700.0, -500.0)[:, None, None]
    grain = _grain(slices, lesion)
    level = relative_depth(slices)
    filled = _solid_share(slices, lesion, level)
    hu = mix(ground_glass + 60 * grain, filled, (soft + 15 * grain).clamp(max=HIGHEST_NOT_CALCIFIED))
    cavity = edge(level - uniform(lesion, "cavity", 0.35, 0.6)[:, None, None], 0.05)
    hu = mix(hu, cavity * (slices.structure == AIR)[:, None, None], -950.0)
    stone = uniform(lesion, "calcium", 250.0, 850.0)[:, None, None] + 25 * grain
    return mix(hu, calcium(slices, lesion, level, grain), stone)


def _grain(slices: Slices, lesion: Tensor) -> Tensor:
    """Structure inside lesions with unit variance: patchy where ground glass, finer where solid."""
    size = slices.coverage.shape[-1]
    kinds = texture.gaussian_transfer(torch.tensor([1.4, 2.2], device=lesion.device), size)
    patchy = (slices.texture < 3).long()
    spectrum = texture.drifting_spectrum(lesion, "grain", slices.z_mm, 4.0, size)
    return texture.to_image(spectrum * kinds[patchy]) / texture.spread(kinds)[patchy]


def relative_depth(slices: Slices) -> Tensor:
    """Distance from the outline over the lesion's largest: 0 at the border, 1 amid the largest slice.

    Computed only where something depends on it (part-solid, calcified, hollow); 0 elsewhere.
    """
    layered = (slices.texture > 2) & (slices.texture < 4)
    needed = layered | (slices.calcification != NOT_CALCIFIED) | (slices.structure == AIR)
    level = torch.zeros_like(slices.coverage)
    if needed.any():
        depth = texture.depth(slices.coverage[needed] >= 0.5)
        deepest = depth.amax(dim=(1, 2), keepdim=True).clamp(min=1)
        level[needed] = depth / deepest * slices.relative_size[needed].clamp(max=1)[:, None, None]
    return level


def _solid_share(slices: Slices, lesion: Tensor, level: Tensor) -> Tensor:
    """1 in solid lesions, 0 in ground glass; in part-solid ones a core of the inner 30 to 60 %."""
    inner = 0.3 + 0.15 * (slices.texture - 2).clamp(0, 2)
    wobble = 0.08 * uniform(lesion, "core", -1.0, 1.0)
    core = edge(level - (1 - inner + wobble)[:, None, None], 0.06)
    rating = slices.texture[:, None, None]
    return torch.where(rating >= 4, 1.0, torch.where(rating <= 2, 0.0, core))


def calcium(slices: Slices, lesion: Tensor, level: Tensor, grain: Tensor) -> Tensor:
    """Share of calcium in each pixel (slice, size, size), by the LIDC category."""
    x, y = surroundings.grid_mm(slices.pixel_mm, slices.coverage.shape[-1])
    angle = uniform(lesion, "calcium angle", 0.0, 2 * math.pi)[:, None, None]
    inside = edge(level - 0.05, 0.03)
    extent = slices.pixel_mm * slices.coverage.sum(dim=(1, 2)).div(math.pi).sqrt()
    away = 0.5 * extent[:, None, None]
    spot = torch.hypot(x - away * angle.cos(), y - away * angle.sin()) / extent[:, None, None].clamp(min=1)
    patterns = {
        DIFFUSE: inside,
        CENTRAL: edge(level - 0.5, 0.05),
        LAMINATED: inside * edge(torch.cos(2 * math.pi * (2 * level - 0.6)), 0.2),
        POPCORN: inside * edge(grain - 0.3, 0.15),
        NON_CENTRAL: inside * edge(0.42 - spot, 0.06),
    }
    share = torch.zeros_like(level)
    for category, pattern in patterns.items():
        share = torch.where((slices.calcification == category)[:, None, None], pattern, share)
    return share


def spicules(slices: Slices, lesion: Tensor) -> Tensor:
    """Share of radial strands in each pixel (slice, size, size): 3-10 of 2-8 mm, from a rating of 3 on."""
    share = torch.zeros_like(slices.coverage)
    spiked = slices.spiculation >= 3
    if spiked.any():
        share[spiked] = _strands(slices.take(spiked), lesion[spiked])
    return share


def _strands(slices: Slices, lesion: Tensor, points: int = 14) -> Tensor:
    """Thin strands as sums of Gaussians from the outermost outline point in a direction."""
    angle = uniform(lesion, "spicule angle", 0.0, 2 * math.pi, MOST_SPICULES)
    longest = (2 + 0.5 * slices.height_mm).clamp(3, 8)[:, None]
    length = 2 + (longest - 2) * uniform(lesion, "spicule length", count=MOST_SPICULES)
    level = uniform(lesion, "spicule level", -0.4, 0.4, MOST_SPICULES) * slices.height_mm[:, None]
    count = (3 + 7 * (slices.spiculation - 3) / 2).round()[:, None]
    through = (1 + slices.height_mm / 12)[:, None] ** 2 + slices.thickness_mm[:, None] ** 2 / 12
    strength = torch.exp(-0.5 * (level - slices.z_mm[:, None]) ** 2 / through)
    strength = strength * (torch.arange(MOST_SPICULES, device=angle.device) < count)
    start = outline_radius(slices.coverage >= 0.5, angle) * slices.pixel_mm[:, None]
    strength = strength * (start > 0)
    along = torch.linspace(0, 1, points, device=angle.device)
    bend = angle[..., None] + 0.25 * along * normal(lesion, "spicule bend", count=MOST_SPICULES)[..., None]
    radius = start[..., None] - 0.7 + along * (length[..., None] + 0.7)
    sigma = 0.36 * (1 - 0.5 * along) + 0.15 * slices.pixel_mm[:, None, None]
    weight = strength[..., None] * (length[..., None] + 0.7) / (points * math.sqrt(2 * math.pi) * sigma)
    weight = weight * (1 - 0.6 * along)
    x, y = (radius * bend.cos()).flatten(1), (radius * bend.sin()).flatten(1)
    variance = (sigma**2).expand_as(weight).flatten(1)
    return surroundings.splat(x, y, variance, weight.flatten(1), slices.pixel_mm, slices.coverage.shape[-1])


def outline_radius(mask: Tensor, angle: Tensor) -> Tensor:
    """Pixels from the centre to the mask's outermost one in each direction: (slice, direction); 0 if none."""
    size = mask.shape[-1]
    radius = torch.arange(0.5, size / 2 - 1, 0.5, device=mask.device)
    column = (angle.cos()[..., None] * radius + size / 2).long()
    row = (angle.sin()[..., None] * radius + size / 2).long()
    hit = mask.flatten(1).gather(1, (row * size + column).flatten(1)).view(row.shape)
    return (hit * radius).amax(dim=-1)
