"""The scanner: slice profile, in-plane MTF, correlated noise, HU offset, rounding, clipping, in this order.

Objects lie on a grid finer than the picture's; both filters act on its spectrum and every second pixel is kept,
as a reconstruction samples what its kernel passes. Follows the rotation digest, section 10.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from disentangle.imaging.lidc.texture import join, white_spectrum
from disentangle.imaging.lung.fields import FINE_MM, FINE_PIXELS, PLANE_MM, PLANES
from disentangle.imaging.lung.settings import REFERENCE, Kernel, Setting, mtf, nps

PIXEL_MM, PIXELS = 2 * FINE_MM, 32
WINDOW_HU = (-1000.0, 200.0)
LOWEST_HU = -1024.0
# Acquisitions are numbered by their first use here; a number is part of the noise's key.
ACQUISITIONS = ("A routine", "B routine", "B low", "C routine", "C low")


def render(objects: Tensor, setting: Setting, keys: Tensor, gain: Tensor | None = None) -> Tensor:
    """Objects (place, planes, fine, fine) in HU as one setting shows them: (place, PIXELS, PIXELS), whole HU.

    ``keys`` (place,) decide the raw noise, ``gain`` (place,) multiplies it where the body is thick (1 if None).
    """
    return render_all(objects, (setting,), keys, gain)[:, 0]


def render_all(objects: Tensor, settings: Sequence[Setting], keys: Tensor, gain: Tensor | None = None) -> Tensor:
    """Like ``render`` under several settings, which costs less than one by one: (place, setting, PIXELS, PIXELS).

    Settings of one acquisition see the same raw noise through their own kernel and thickness.
    """
    planes = objects.shape[1]
    if objects.shape[2:] != (FINE_PIXELS, FINE_PIXELS) or planes % 2 == 0:
        raise ValueError(
            f"objects must be (place, odd planes, {FINE_PIXELS}, {FINE_PIXELS}), found {tuple(objects.shape)}"
        )
    needed = planes_for(settings)
    if planes < needed:
        raise ValueError(f"{planes} planes of objects, but the thickest setting needs {needed}")
    gain = torch.ones(len(keys), device=objects.device) if gain is None else gain
    slices = _Slices(objects)
    noise = _RawNoise(keys, gain)
    return torch.stack([_picture(slices, noise, setting) for setting in settings], 1)


def planes_for(settings: Sequence[Setting]) -> int:
    """How many planes of objects the thickest setting sees. Raises ValueError beyond what objects have."""
    thickest = max(settings, key=lambda setting: setting.thickness_mm)
    half = math.ceil(thickest.thickness_mm / 2 / PLANE_MM - 0.5 - 1e-9)
    if 2 * half + 1 > PLANES:
        raise ValueError(
            f"setting {thickest.name}: {thickest.thickness_mm} mm thick, but objects are {PLANES * PLANE_MM} mm deep"
        )
    return 2 * half + 1


def to_unit(hu: Tensor) -> Tensor:
    """HU scaled from the lung window to 0..1, clipped."""
    low, high = WINDOW_HU
    return ((hu - low) / (high - low)).clamp(0, 1)


def slice_profile(thickness_mm: float, planes: int) -> Tensor:
    """Weight of each plane in a box of this thickness around the middle; they sum to 1."""
    at = (torch.arange(planes, dtype=torch.float64) - (planes - 1) / 2) * PLANE_MM
    half, cell = thickness_mm / 2, PLANE_MM / 2
    covered = torch.minimum(at + cell, torch.tensor(half)) - torch.maximum(at - cell, torch.tensor(-half))
    covered = covered.clamp(min=0)
    return (covered / covered.sum()).float()


def radial_frequency(device: torch.device | str = "cpu") -> Tensor:
    """Radius in cycles/mm of each coefficient of ``rfft2`` on the fine grid."""
    rows = torch.fft.fftfreq(FINE_PIXELS, FINE_MM, device=device)
    columns = torch.fft.rfftfreq(FINE_PIXELS, FINE_MM, device=device)
    return torch.hypot(rows[:, None], columns[None])


@cache
def _transfer(kernel: Kernel, device: torch.device) -> tuple[Tensor, Tensor]:
    """Filters of object and of white noise (unit variance a fine pixel) for a kernel."""
    f = radial_frequency(device)
    return mtf(kernel, f), nps(kernel, f).sqrt() / FINE_MM


class _Slices:
    """Spectra of the objects, one for each thickness that was asked for."""

    def __init__(self, objects: Tensor) -> None:
        self.objects, self.known = objects, {}

    def spectrum(self, thickness_mm: float) -> Tensor:
        if thickness_mm not in self.known:
            planes = self.objects.shape[1]
            weights = slice_profile(thickness_mm, planes).to(self.objects.device)
            flat = (weights @ self.objects.flatten(2)).view(-1, FINE_PIXELS, FINE_PIXELS)
            self.known[thickness_mm] = torch.fft.rfft2(flat)
        return self.known[thickness_mm]


class _RawNoise:
    """Spectra of the white noise in the raw data: a slice of T mm averages what its thin parts see.

    The sum over T mm is a random walk in T, so that slices of one acquisition correlate as sqrt(thin / thick)
    and the variance falls as 1 / T.
    """

    def __init__(self, keys: Tensor, gain: Tensor) -> None:
        self.keys, self.gain, self.known = keys, gain[:, None, None], {}

    def spectrum(self, setting: Setting) -> Tensor:
        share = 1.0 if setting.acquisition == REFERENCE.acquisition else setting.independence
        own = self._averaged(setting.acquisition, setting.thickness_mm) if share else 0.0
        if share == 1:
            return own
        reference = self._averaged(REFERENCE.acquisition, setting.thickness_mm)
        return math.sqrt(1 - share**2) * reference + share * own

    def _averaged(self, acquisition: str, thickness_mm: float) -> Tensor:
        total, below = 0.0, 0
        while below < thickness_mm:
            step = min(1.0, thickness_mm - below)
            total = total + math.sqrt(step) * self._white(acquisition, below)
            below += 1
        return total / thickness_mm

    def _white(self, acquisition: str, part: int) -> Tensor:
        at = (acquisition, part)
        if at not in self.known:
            keys = join(self.keys, ACQUISITIONS.index(acquisition), part)
            self.known[at] = torch.fft.rfft2(white_spectrum(keys, "raw noise", FINE_PIXELS) * self.gain)
        return self.known[at]


def _picture(slices: _Slices, noise: _RawNoise, setting: Setting) -> Tensor:
    """One setting's picture of all places."""
    modulation, grain = _transfer(setting.kernel, slices.objects.device)
    spectrum = slices.spectrum(setting.thickness_mm) * modulation
    spectrum += noise.spectrum(setting) * (grain / math.sqrt(setting.dose))
    return (_sampled(spectrum) + setting.offset_hu).round_().clamp_(min=LOWEST_HU)


def _sampled(spectrum: Tensor) -> Tensor:
    """The middle of the picture with this spectrum, every second pixel: (place, PIXELS, PIXELS)."""
    margin = (FINE_PIXELS - 2 * PIXELS) // 2
    inside = slice(margin, margin + 2 * PIXELS, 2)
    rows = torch.fft.ifft(spectrum, dim=1)[:, inside]
    return torch.fft.irfft(rows, n=FINE_PIXELS, dim=2)[:, :, inside]
