"""Pictures of cached sections under any protocol: signals, bias field, resolution, noise; batched, on any device.

``render`` is a pure function of sections, a protocol and a seed. Every random number is a hash of whom and what it is
for, so a picture depends neither on its batch nor on the device, and a lesion's twin has the same bias and noise.
Follows the anatomy digest, section 12.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from disentangle.imaging.brain.lesions import COMPARTMENTS, KINDS
from disentangle.imaging.brain.sections import TEXTURE_LEVELS
from disentangle.imaging.brain.sites import SEQUENCES, Protocol, measured, relaxation
from disentangle.imaging.brain.tissues import AGEING, HEALTHY
from disentangle.imaging.lidc import texture as random
from disentangle.imaging.lidc.texture import join, normal, uniform

WAVES = 10
REFERENCE = {"T1": 3, "T1ce": 3, "T2": 0, "FLAIR": 1}  # the part whose signal noise is a percentage of
MISALIGNED_MM, MISALIGNED_DEG = 0.3, 0.3
GHOSTS = 0.05
LESION_GRAIN = 0.07


@dataclass(frozen=True, eq=False)
class Sections:
    """What the renderer must know of each section; rows are independent.

    Attributes
    ----------
    maps : uint8 (slice, 8, row, column)
        Shares of ``sections.PARTS`` in 1/255.
    texture : int8 (slice, row, column)
    person, picture : int64 (slice,)
        Who this is (a key), and which picture of that person.
    kind : int64 (slice,)
        Index in ``lesions.KINDS``.
    z_mm, pixel_mm, enhancing : float (slice,)
    """

    maps: Tensor
    texture: Tensor
    person: Tensor
    picture: Tensor
    kind: Tensor
    z_mm: Tensor
    pixel_mm: Tensor
    enhancing: Tensor

    def __post_init__(self) -> None:
        if self.maps.dim() != 4 or self.maps.shape[1] != 8:
            raise ValueError(f"maps must be (slice, 8, row, column), found {tuple(self.maps.shape)}")
        for part in fields(self):
            if len(getattr(self, part.name)) != len(self.maps):
                raise ValueError(f"{len(getattr(self, part.name))} rows in {part.name} but {len(self.maps)} in maps")

    def __len__(self) -> int:
        return len(self.maps)

    def take(self, rows: slice | Tensor, device: torch.device | str | None = None) -> Sections:
        """Some of the sections, on another device where one is named."""
        return Sections(**{part.name: getattr(self, part.name)[rows].to(device) for part in fields(self)})


@dataclass(frozen=True)
class Corruption:
    """Which imperfections are rendered; all by default. For a reader who wants to see one after the other."""

    bias: bool = True
    noise: bool = True
    misalignment: bool = True
    ghosts: bool = True
    texture: bool = True
    jitter: bool = True


def render(
    sections: Sections,
    protocol: Protocol,
    seed: int = 0,
    corruption: Corruption | None = None,
    device: str | torch.device = "cpu",
    chunk: int | None = None,
) -> Tensor:
    """Magnitude pictures (slice, row, column), float32, on the CPU; the brightest healthy tissue is about 1.

    ``chunk`` sections are computed together (by default what suits the device); the pictures do not depend on it.
    """
    device = torch.device(device)
    chunk = chunk or (16 if device.type == "cpu" else 1024)
    corruption = corruption or Corruption()
    pictures = torch.empty(len(sections), *sections.maps.shape[-2:])
    for rows in torch.arange(len(sections)).split(chunk):
        pictures[rows] = _render(sections.take(rows, device), protocol, seed, corruption).cpu()
    return pictures


def signals(sections: Sections, protocol: Protocol, seed: int = 0, jitter: bool = True) -> Tensor:
    """Signal of each part in each section, (slice, 8), relative to the brightest of CSF, GM and WM, after gamma.

    A person's relaxation times are the same in all sequences and at all sites: T1 and T2 vary by 5 %, density by 2 %.
    """
    table = torch.stack([_parts_table(kind, protocol.field_t) for kind in range(len(KINDS))], dim=1)
    parameters = table.to(sections.maps.device)[:, sections.kind]
    key = join(sections.person, seed)
    if jitter:
        spread = torch.tensor([0.05, 0.05, 0.05, 0.02, 0.15], device=parameters.device)
        factors = normal(key, "relaxation", 0.0, 1.0, 5 * 8).clamp(-2.5, 2.5).view(-1, 5, 8)
        factors[:, 2] = factors[:, 1]  # T2* follows T2
        parameters = parameters * (1 + spread[:, None, None] * factors.movedim(1, 0))
    parameters[4, :, 5:] = parameters[4, :, 5:] * sections.enhancing[:, None]
    raw = measured(protocol, parameters)
    gamma = protocol.gamma + (normal(key, f"gamma {protocol.sequence}", 0.0, 0.05)[:, None] if jitter else 0.0)
    return (raw / raw[:, [0, 1, 3]].amax(dim=1, keepdim=True)) ** gamma


def to_unit(pictures: Tensor, brain: Tensor, volume: Tensor, like: Tensor | None = None) -> Tensor:
    """Pictures over the 99th percentile of their volume inside the brain, at most 1, and 0 outside.

    Black stays black: the 1st percentile of the digest would be that of white matter in T2, for these heads lack the
    vessels and membranes that are the darkest percent of real ones.
    ``volume`` (slice,) numbers the stacks that share a scale; ``like``: pictures whose scale is used instead of the
    own (for a twin). Values are rounded to 1/4095 so that machines agree on them.
    """
    scaled = torch.zeros_like(pictures)
    source = pictures if like is None else like
    for number in torch.unique(volume):
        rows = volume == number
        values = source[rows][brain[rows]]
        if len(values) == 0:
            continue
        top = float(values.kthvalue(1 + round(0.99 * (len(values) - 1))).values)
        scaled[rows] = pictures[rows] / max(top, 1e-6)
    return scaled.clamp_(0, 1).mul_(4095).round_().div_(4095) * brain


def _parts_table(kind: int, field_t: float) -> Tensor:
    """Relaxation of the eight parts where a lesion is of a kind, (5, 8); absent compartments are white matter."""
    names = (*HEALTHY, AGEING, *COMPARTMENTS[KINDS[kind]])
    return relaxation((*names, *["wm"] * (8 - len(names))), field_t)


def _render(sections: Sections, protocol: Protocol, seed: int, corruption: Corruption) -> Tensor:
    scan = join(sections.person, seed, SEQUENCES.index(protocol.sequence))
    level = signals(sections, protocol, seed, corruption.jitter)
    scene = _scene(sections, level, protocol, corruption)
    if corruption.misalignment and protocol.sequence not in ("T1", "T1ce"):
        scene = _misaligned(scene, scan, sections.pixel_mm)
    if corruption.bias:
        scene = scene * bias_field(scan, sections, protocol)
    if corruption.ghosts:
        scene = _ghosted(scene, scan)
    rows, columns = (_passed(sections.pixel_mm / protocol.in_plane_mm, n) for n in scene.shape[-2:])
    scene = _filtered(scene, rows, columns)
    if not corruption.noise:
        return scene.abs()
    sd = protocol.noise_percent / 100 * level[:, REFERENCE[protocol.sequence]] * uniform(scan, "noise level", 0.8, 1.2)
    key = join(scan, sections.picture)
    real, imaginary = (sd[:, None, None] * _noise(key, name, rows, columns) for name in ("real", "imaginary"))
    return torch.hypot(scene + real, imaginary)


def _scene(sections: Sections, level: Tensor, protocol: Protocol, corruption: Corruption) -> Tensor:
    """Noiseless signal: shares times signals, with the texture of tissue and lesion."""
    n, _, height, width = sections.maps.shape
    shares = sections.maps.flatten(2).float() / 255
    healthy = torch.bmm(level[:, None, :5], shares[:, :5])[:, 0].view(n, height, width)
    if corruption.texture:
        sign = 1.0 if protocol.sequence in ("T1", "T1ce") else -0.5
        healthy = healthy * (1 + sign / TEXTURE_LEVELS * sections.texture.float())
    if not bool(sections.maps[:, 5:].any()):
        return healthy
    lesion = torch.bmm(level[:, None, 5:], shares[:, 5:])[:, 0].view(n, height, width)
    if corruption.texture:
        rows, columns = (_gaussian(2.0 / sections.pixel_mm, size) for size in (height, width))
        grain = _noise(join(sections.person, sections.picture), "lesion", rows, columns)
        lesion = lesion * (1 + LESION_GRAIN * grain)
    return healthy + lesion


def bias_field(scan: Tensor, sections: Sections, protocol: Protocol) -> Tensor:
    """Smooth factor (slice, row, column) within 1 -+ ``protocol.bias``: one field per scan, coherent along z."""
    height, width = sections.maps.shape[-2:]
    number = 2 * math.pi / uniform(scan, "bias length", 180.0, 420.0, WAVES)
    rise = uniform(scan, "bias rise", -1.0, 1.0, WAVES)
    turn = uniform(scan, "bias turn", 0.0, 2 * math.pi, WAVES)
    start = uniform(scan, "bias phase", 0.0, 2 * math.pi, WAVES) + number * rise * sections.z_mm[:, None]
    flat = number * (1 - rise**2).sqrt()
    down, across = (_line(sections.pixel_mm, n)[:, :, None] for n in (height, width))
    down = down * (flat * turn.cos())[:, None, :]
    across = across * (flat * turn.sin())[:, None, :] + start[:, None, :]
    # cos(a + b) as a product, so that a picture of waves is one matrix product
    waves = torch.cat([down.cos(), -down.sin()], 2) @ torch.cat([across.cos(), across.sin()], 2).mT
    return torch.exp(math.log1p(protocol.bias) * torch.tanh(waves * math.sqrt(2 / WAVES)))


def _misaligned(scene: Tensor, scan: Tensor, pixel_mm: Tensor) -> Tensor:
    """The scene moved in plane by what registration of the sequences leaves."""
    height, width = scene.shape[-2:]
    angle = torch.deg2rad(normal(scan, "misaligned turn", 0.0, MISALIGNED_DEG))
    shift = normal(scan, "misaligned", 0.0, MISALIGNED_MM, 2) / pixel_mm[:, None]
    cosine, sine = angle.cos(), angle.sin()
    top = torch.stack([cosine, -sine * height / width, 2 * shift[:, 0] / width], dim=1)
    low = torch.stack([sine * width / height, cosine, 2 * shift[:, 1] / height], dim=1)
    grid = F.affine_grid(torch.stack([top, low], dim=1), [len(scene), 1, height, width], align_corners=False)
    return F.grid_sample(scene[:, None], grid, align_corners=False)[:, 0]


def _ghosted(scene: Tensor, scan: Tensor) -> Tensor:
    """In a few scans a faint copy half a field of view away, as motion leaves."""
    strength = torch.where(uniform(scan, "ghost") < GHOSTS, uniform(scan, "ghost strength", 0.02, 0.06), 0.0)
    if not bool(strength.any()):
        return scene
    return scene + strength[:, None, None] * scene.roll(scene.shape[-2] // 2, 1)


def _passed(share: Tensor, size: int) -> Tensor:
    """Which cosines along an axis are acquired, (slice, size): a short slope where k-space ends, and a mild blur."""
    place = (torch.arange(size, device=share.device) + 0.5) / size
    cut = torch.sigmoid((share.clamp(max=1.05)[:, None] - place) / 0.03)
    return cut * torch.exp(-0.5 * (0.4 * math.pi * place / share[:, None].clamp(min=0.8)) ** 2)


def _filtered(scene: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Scene with its cosine spectrum weighted along both axes."""
    down, across = (random.cosine_basis(n, scene.device) for n in scene.shape[-2:])
    spectrum = (down @ scene @ across.T) * rows[:, :, None] * columns[:, None, :]
    return down.T @ spectrum @ across


def _noise(key: Tensor, name: str, rows: Tensor, columns: Tensor) -> Tensor:
    """Normal noise (slice, row, column) whose cosines are weighted along both axes, SD 1 in every pixel."""
    height, width = rows.shape[-1], columns.shape[-1]
    size = 2 * math.ceil(max(height, width) / 2)
    spectrum = random.white_spectrum(key, name, size)[:, :height, :width]
    down, across = (random.cosine_basis(n, rows.device) for n in (height, width))
    image = down.T @ (spectrum * rows[:, :, None] * columns[:, None, :]) @ across
    return image * (rows**2 @ down**2).rsqrt()[:, :, None] * (columns**2 @ across**2).rsqrt()[:, None, :]


def _gaussian(sigma_px: Tensor, size: int) -> Tensor:
    """What a Gaussian leaves of each cosine along one axis, (slice, size)."""
    frequency = math.pi * torch.arange(size, device=sigma_px.device) / size
    return torch.exp(-(sigma_px[:, None] ** 2) * (1 - frequency.cos()))


def _line(pixel_mm: Tensor, size: int) -> Tensor:
    """Distance of rows or columns from the middle, mm: (slice, size)."""
    return (torch.arange(size, device=pixel_mm.device) - (size - 1) / 2) * pixel_mm[:, None]
