"""Pictures of cached anatomies in any style: bSSFP magnitude or Hounsfield units, batched, on any device.

``render`` is a pure function of its slices and a seed. MR: signal of both tissues of a pixel off resonance,
weighted by their shares; coils; k-space cut to the acquired resolution; complex noise; magnitude. CT: mean HU,
point spread, correlated noise. Follows the SDNet digest, sections 11.3 and 11.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from disentangle.imaging.heart import signal
from disentangle.imaging.heart.style import CT, CTStyle, MRStyle, ct_style, mr_style, scan_key
from disentangle.imaging.heart.tissues import LEFT_BLOOD, RIGHT_BLOOD, TISSUES
from disentangle.imaging.lidc import texture
from disentangle.imaging.lidc.texture import join

GRAIN_MM = 1.8
MIXING_MM = 7.0
HU_WINDOW = (-200.0, 500.0)
PERCENTILES = (0.05, 0.95)


@dataclass(frozen=True, eq=False)
class Slices:
    """What the renderer must know of each slice. Rows are independent of each other.

    Attributes
    ----------
    first, second, share : uint8 (slice, size, size)
        The tissues of a pixel (codes of ``tissues``), and the share of the first in 1/255.
    anatomy, picture : int64 (slice,)
        Who this is, and which picture of that person: seeds of fine structure and noise.
    kind, scan : int64 (slice,)
        The style: kind of scanner, and whose scan.
    x_mm, y_mm, z_mm, turn_rad, pixel_mm : float (slice,)
        Where in the body the middle of the picture lies, how it is turned, and its pixels.
    """

    first: Tensor
    second: Tensor
    share: Tensor
    anatomy: Tensor
    picture: Tensor
    kind: Tensor
    scan: Tensor
    x_mm: Tensor
    y_mm: Tensor
    z_mm: Tensor
    turn_rad: Tensor
    pixel_mm: Tensor

    def __post_init__(self) -> None:
        n, *size = self.first.shape
        if len(size) != 2 or size[0] != size[1] or size[0] % 2:
            raise ValueError(f"first must be (slice, size, size) with an even size, found {tuple(self.first.shape)}")
        for part in fields(self):
            found = len(getattr(self, part.name))
            if found != n:
                raise ValueError(f"{found} rows in {part.name} but {n} slices in first")

    def __len__(self) -> int:
        return len(self.first)

    @property
    def size(self) -> int:
        return self.first.shape[-1]

    def take(self, rows: slice | Tensor, device: torch.device | str | None = None) -> Slices:
        """Some of the slices, on another device where one is named."""
        return Slices(**{part.name: getattr(self, part.name)[rows].to(device) for part in fields(self)})

    def in_style(self, kind: Tensor | int, scan: Tensor | int) -> Slices:
        """The same anatomies in other styles, one for all or one per slice."""
        like = self.anatomy
        return replace(
            self,
            kind=torch.as_tensor(kind, dtype=torch.int64, device=like.device).expand_as(like),
            scan=torch.as_tensor(scan, dtype=torch.int64, device=like.device).expand_as(like),
        )


def render(slices: Slices, seed: int, device: str | torch.device = "cpu", chunk: int | None = None) -> Tensor:
    """Raw pictures (slice, 1, size, size), float32, on the CPU: MR magnitude in units of M0, CT in HU.

    ``chunk`` slices are computed together (by default what suits the device); the pictures do not depend on it.
    """
    device = torch.device(device)
    chunk = chunk or (16 if device.type == "cpu" else 1024)
    pictures = torch.empty(slices.first.shape, dtype=torch.float32)
    for is_ct in (False, True):
        rows = torch.nonzero((slices.kind == CT) == is_ct).flatten()
        for part in rows.split(chunk):
            some = slices.take(part, device)
            pictures[part] = (_render_ct(some, seed) if is_ct else _render_mr(some, seed)).cpu()
    return pictures[:, None]


def to_unit(raw: Tensor, kind: Tensor, volume: Tensor) -> Tensor:
    """Raw pictures scaled to 0..1: CT by its window, MR by the 5th and 95th percentile of its volume.

    ``volume`` (slice,) numbers the stacks that share a scale: one person at one moment. Values are rounded to
    1/4095, far below the noise, so that machines agree on them.
    """
    scaled = torch.empty_like(raw)
    low, high = HU_WINDOW
    is_ct = kind == CT
    scaled[is_ct] = (raw[is_ct] - low) / (high - low)
    order = torch.argsort(volume, stable=True)
    for rows in order.split(torch.unique(volume, return_counts=True)[1].tolist()):
        if not is_ct[rows[0]]:
            low, high = _percentiles(raw[rows])
            scaled[rows] = (raw[rows] - low) / max(high - low, 1e-6)
    return scaled.clamp_(0, 1).mul_(4095).round_().div_(4095)


def _percentiles(values: Tensor) -> tuple[float, float]:
    flat = values.flatten()
    low, high = (int(round(share * (len(flat) - 1))) + 1 for share in PERCENTILES)
    return float(flat.kthvalue(low).values), float(flat.kthvalue(high).values)


def off_resonance(slices: Slices, style: MRStyle) -> Tensor:
    """Field error in Hz (slice, size, size): smooth waves, and a dipole at the border of heart and lung."""
    kx, ky, kz, start = style.field_waves
    cosine, sine = slices.turn_rad.cos()[:, None], slices.turn_rad.sin()[:, None]
    start = start + kx * slices.x_mm[:, None] + ky * slices.y_mm[:, None] + kz * slices.z_mm[:, None]
    line = _line(slices)
    across = line[:, :, None] * (cosine * kx - sine * ky)[:, None, :] + start[:, None, :]
    down = line[:, :, None] * (sine * kx + cosine * ky)[:, None, :]
    # cos(a + b) as a product, so that a picture of waves is one matrix product
    left = torch.cat([down.cos(), -down.sin()], dim=2)
    waves = left @ torch.cat([across.cos(), across.sin()], dim=2).mT
    smooth = style.field_hz[:, None, None] * math.sqrt(2 / kx.shape[1]) * waves
    x = style.dipole_x[:, None] + torch.tensor([-11.0, 11.0], device=line.device)
    y = style.dipole_y[:, None] + torch.tensor([-5.0, 5.0], device=line.device)
    weight = 1.65 * style.dipole_hz[:, None] * torch.tensor([-1.0, 1.0], device=line.device)
    return smooth + _gaussians(slices, x, y, torch.full_like(x, 11.0), weight)


def coil_sensitivity(slices: Slices, style: MRStyle) -> Tensor:
    """Sum of squares of the coils (slice, size, size), 1 on the axis of the LV."""
    weight, width = style.coil_gain**2, style.coil_width / math.sqrt(2)
    squares = _gaussians(slices, style.coil_x, style.coil_y, width, weight)
    away = style.coil_x**2 + style.coil_y**2
    amid = (weight * torch.exp(-0.5 * away / width**2)).sum(dim=1)
    return (squares / amid[:, None, None]).clamp(min=1e-3).sqrt()


def bssfp_signal(slices: Slices, style: MRStyle, field_hz: Tensor) -> Tensor:
    """Noiseless signal in units of M0 (slice, size, size): both tissues by share, with their signs.

    A band of the bSSFP profile has the opposite sign of its neighbours, so fat beyond the null cancels water
    in the pixels that they share: the dark line around organs.
    """
    tr = style.tr_ms[:, None, None]
    half = 0.5 * signal.phase(field_hz, tr)
    cosine, sine = half.cos(), half.sin()
    shift = 0.5 * signal.phase(style.shift_hz, style.tr_ms[:, None])
    profile = style.profile
    table = torch.stack(
        [profile.scale, profile.e2, profile.swing, profile.flat, shift.cos(), shift.sin(), style.grain], dim=-1
    )
    start = torch.arange(len(slices), device=half.device)[:, None, None] * len(TISSUES)
    table = table.flatten(0, 1)
    own, other = (
        _of_tissue(table[start + tissue.long()].unbind(-1), cosine, sine) for tissue in (slices.first, slices.second)
    )
    share = slices.share.float() / 255
    mixed = other + share * (own - other)
    return mixed * (1 + _grain_strength(slices, style.grain) * _grain(slices))


def _of_tissue(looked_up: tuple[Tensor, ...], cosine: Tensor, sine: Tensor) -> Tensor:
    """Signed signal of one tissue, from its row of the table and half the phase off resonance."""
    scale, e2, swing, flat, shift_cosine, shift_sine, _ = looked_up
    half = cosine * shift_cosine - sine * shift_sine
    cos_psi = 2 * half * half - 1
    value = signal.magnitude(signal.SteadyState(scale, e2, swing, flat), cos_psi)
    return value * torch.where(half < 0, -1.0, 1.0)


def _grain_strength(slices: Slices, grain: Tensor) -> Tensor:
    return grain.gather(1, slices.first.flatten(1).long()).view(slices.first.shape)


def _structure(slices: Slices, length_mm: float) -> Tensor:
    """Structure of unit SD that belongs to the anatomy: the same in every style."""
    key = join(slices.anatomy, slices.picture)
    lines = _gaussian_line(length_mm / slices.pixel_mm, slices.size)
    return _shaped_noise(key, f"structure {length_mm}", lines, lines)


def _grain(slices: Slices) -> Tensor:
    """Fine and coarse structure in one, of unit SD."""
    return 0.6 * _structure(slices, GRAIN_MM) + 0.8 * _structure(slices, MIXING_MM)


def _render_mr(slices: Slices, seed: int) -> Tensor:
    key = scan_key(seed, slices.kind, slices.scan)
    style = mr_style(key, slices.kind)
    coil = coil_sensitivity(slices, style)
    scene = bssfp_signal(slices, style, off_resonance(slices, style)) * coil
    scene = _ghosted(scene, style)
    blood = signal.magnitude(style.profile, 1.0)[:, LEFT_BLOOD]
    noise_key = join(key, slices.anatomy, slices.picture)
    measured = acquire(scene, style, slices.pixel_mm, blood / style.snr, noise_key)
    return measured / coil ** style.evened[:, None, None]


def _ghosted(scene: Tensor, style: MRStyle) -> Tensor:
    """The scene with a faint copy of itself half a field of view along the phase axis."""
    half = scene.shape[-1] // 2
    copy = torch.where(style.phase_is_row[:, None, None], scene.roll(half, 1), scene.roll(half, 2))
    return scene + style.ghost[:, None, None] * copy


def acquire(scene: Tensor, style: MRStyle, pixel_mm: Tensor, noise_sd: Tensor, key: Tensor) -> Tensor:
    """Magnitude of a scene (slice, size, size) after cutting k-space, with complex noise: Rician.

    Frequencies beyond the acquired resolution are absent from signal and noise alike (zero filling); the noise
    of each channel has ``noise_sd`` (slice,) in every pixel.
    """
    size = scene.shape[-1]
    row_mm = torch.where(style.phase_is_row, style.phase_mm, style.readout_mm)
    column_mm = torch.where(style.phase_is_row, style.readout_mm, style.phase_mm)
    rows, columns = _passed(pixel_mm / row_mm, size), _passed(pixel_mm / column_mm, size)
    motion = _gaussian_line(style.motion_mm / pixel_mm, size)
    spectrum = texture.to_spectrum(scene) * (rows * motion)[:, :, None] * (columns * motion)[:, None, :]
    real = texture.to_image(spectrum)
    sd = noise_sd[:, None, None]
    real = real + sd * _shaped_noise(key, "real", rows, columns)
    return torch.hypot(real, sd * _shaped_noise(key, "imaginary", rows, columns))


def _passed(share: Tensor, size: int) -> Tensor:
    """Which cosines along an axis are acquired: (slice, size), with a short slope."""
    place = (torch.arange(size, device=share.device) + 0.5) / size
    return torch.sigmoid((share[:, None] - place) / 0.02)


def _gaussian_line(sigma_px: Tensor, size: int) -> Tensor:
    """What a Gaussian leaves of each cosine along one axis: (slice, size); see ``texture``."""
    frequency = math.pi * torch.arange(size, device=sigma_px.device) / size
    return torch.exp(-(sigma_px[:, None] ** 2) * (1 - frequency.cos()))


def _shaped_noise(key: Tensor, name: str, rows: Tensor, columns: Tensor) -> Tensor:
    """Noise whose cosines are weighted along both axes, with an SD of 1 in every pixel."""
    size = rows.shape[-1]
    spectrum = texture.white_spectrum(key, name, size)
    image = texture.to_image(spectrum * rows[:, :, None] * columns[:, None, :])
    power = texture.cosine_basis(size, rows.device) ** 2
    return image * (rows**2 @ power).rsqrt()[:, :, None] * (columns**2 @ power).rsqrt()[:, None, :]


def _render_ct(slices: Slices, seed: int) -> Tensor:
    key = scan_key(seed, slices.kind, slices.scan)
    style = ct_style(key)
    scene = _ct_scene(slices, style)
    size, pixel = slices.size, slices.pixel_mm
    psf = _gaussian_line(style.psf_mm / pixel, size)
    lines = _gaussian_line(style.noise_mm / pixel, size)
    noise = _shaped_noise(join(key, slices.anatomy, slices.picture), "noise", lines, lines)
    sharp = texture.to_spectrum(scene) * psf[:, :, None] * psf[:, None, :]
    return texture.to_image(sharp) + style.noise_hu[:, None, None] * noise


def _ct_scene(slices: Slices, style: CTStyle) -> Tensor:
    """Mean HU of each pixel; contrast is unevenly mixed on the right side."""
    own, other = (style.hu.gather(1, part.flatten(1).long()).view(part.shape) for part in (slices.first, slices.second))
    scene = other + slices.share.float() / 255 * (own - other)
    grain = torch.tensor([tissue.grain for tissue in TISSUES], device=scene.device).expand(len(slices), -1)
    scene = scene + 100 * _grain_strength(slices, grain) * _structure(slices, GRAIN_MM)
    mixing = style.mixing_hu[:, None, None] * _structure(slices, MIXING_MM)
    return scene + (slices.first == RIGHT_BLOOD) * slices.share.float() / 255 * mixing


def _line(slices: Slices) -> Tensor:
    """Distance of rows or columns from the middle, mm: (slice, size)."""
    steps = torch.arange(slices.size, device=slices.pixel_mm.device) - (slices.size - 1) / 2
    return steps * slices.pixel_mm[:, None]


def _gaussians(slices: Slices, x: Tensor, y: Tensor, sigma: Tensor, weight: Tensor) -> Tensor:
    """Sum of round Gaussians at places in the body (slice, point), mm: (slice, size, size)."""
    cosine, sine = slices.turn_rad.cos()[:, None], slices.turn_rad.sin()[:, None]
    dx, dy = x - slices.x_mm[:, None], y - slices.y_mm[:, None]
    column, row = cosine * dx - sine * dy, sine * dx + cosine * dy
    line = _line(slices)[:, :, None]
    across = torch.exp(-0.5 * ((line - column[:, None, :]) / sigma[:, None, :]) ** 2)
    down = torch.exp(-0.5 * ((line - row[:, None, :]) / sigma[:, None, :]) ** 2)
    return (down * weight[:, None, :]) @ across.mT
