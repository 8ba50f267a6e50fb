"""Acquisition settings as physical numbers: kernel, thickness, dose, vendor offset, and what follows from them.

Presets follow the rotation digest, section 10.2, which names its sources: NPS of filtered back projection after
Kijewski and Judy (Phys Med Biol 32:565, 1987), vendors after Solomon et al. (Med Phys 2012).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from functools import cache

import torch
from torch import Tensor

REFERENCE_SD_HU = 18.0


@dataclass(frozen=True)
class Kernel:
    """A reconstruction kernel. ``f50``: where the MTF without its edge term is one half, in cycles/mm.

    ``edge`` is the height of the edge enhancement around ``edge_at``, ``edge_width`` wide (cycles/mm).
    Iterative reconstruction multiplies the NPS by ``denoise``^2 exp(-``curb_mm``^2 f^2); 1 and 0 do nothing.
    """

    f50: float
    power: float = 2.0
    edge: float = 0.0
    edge_at: float = 0.45
    edge_width: float = 0.15
    denoise: float = 1.0
    curb_mm: float = 0.0


@dataclass(frozen=True)
class Setting:
    """How one series is made. ``dose`` is relative to routine, ``independence`` see ``blended``.

    Series of one ``acquisition`` come from the same raw data and share its noise.
    """

    name: str
    kernel: Kernel
    vendor: str = "A"
    acquisition: str = "A routine"
    thickness_mm: float = 1.0
    dose: float = 1.0
    offset_hu: float = 0.0
    independence: float = 1.0


SOFT = Kernel(0.32)
STANDARD = Kernel(0.42)
LUNG = Kernel(0.62, 2.5, edge=0.25)
VERY_SHARP = Kernel(0.75, 3.0, edge=0.6)
LUNG_B = Kernel(0.58, 2.5, edge=0.40, edge_at=0.38)
MEDIUM_C = Kernel(0.50, 2.2, edge=0.10)
ITERATIVE_C = Kernel(0.52, 2.0, denoise=0.7, curb_mm=1.6)

TRAINING: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("a_soft_1mm", SOFT),
        Setting("a_standard_1mm", STANDARD),
        Setting("a_standard_3mm", STANDARD, thickness_mm=3.0),
        Setting("a_lung_1mm", LUNG),
        Setting("b_sharp_1mm", VERY_SHARP, "B", "B routine", offset_hu=6.0),
        Setting("b_lung_low_1mm", LUNG_B, "B", "B low", dose=0.3, offset_hu=6.0),
    )
}
UNSEEN: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("a_soft_5mm", SOFT, thickness_mm=5.0),
        Setting("c_medium_2mm", MEDIUM_C, "C", "C routine", thickness_mm=2.0, offset_hu=-7.0),
        Setting("c_iterative_low_1mm", ITERATIVE_C, "C", "C low", dose=0.3, offset_hu=-7.0),
    )
}
SETTINGS = TRAINING | UNSEEN
REFERENCE = TRAINING["a_standard_1mm"]
SHARP = ("a_lung_1mm", "b_sharp_1mm", "b_lung_low_1mm")
SMOOTH = tuple(name for name in TRAINING if name not in SHARP)


def mtf(kernel: Kernel, frequency: Tensor) -> Tensor:
    """In-plane modulation transfer at radial frequencies in cycles/mm (digest 10.2); 1 at 0 but for the edge's tail."""
    falling = torch.exp(-math.log(2) * (frequency / kernel.f50) ** kernel.power)
    if kernel.edge == 0:
        return falling
    edge = kernel.edge * torch.exp(-(((frequency - kernel.edge_at) / kernel.edge_width) ** 2))
    return falling * (1 + edge)


def nps(kernel: Kernel, frequency: Tensor) -> Tensor:
    """Noise power spectrum in HU^2 mm^2 at routine dose and 1 mm, before the pixels sample it: C f MTF(f)^2.

    The constant C is the same for all kernels, so that sharper ones are noisier by themselves; it gives the
    standard kernel a standard deviation of ``REFERENCE_SD_HU``.
    """
    curb = kernel.denoise**2 * torch.exp(-((kernel.curb_mm * frequency) ** 2))
    return _constant() * frequency * mtf(kernel, frequency) ** 2 * curb


def noise_sd(setting: Setting) -> float:
    """Standard deviation of the noise in HU: the NPS integrated over the plane, by dose and thickness."""
    f = torch.linspace(0, 4, 4001, dtype=torch.float64)
    variance = torch.trapezoid(2 * math.pi * f * nps(setting.kernel, f), f)
    return math.sqrt(float(variance) / (setting.dose * setting.thickness_mm))


@cache
def _constant() -> float:
    f = torch.linspace(0, 4, 4001, dtype=torch.float64)
    integral = torch.trapezoid(2 * math.pi * f * f * mtf(STANDARD, f) ** 2, f)
    return REFERENCE_SD_HU**2 / float(integral)


def blended(setting: Setting, effect: float) -> Setting:
    """Between the reference (effect 0) and the setting itself (1): every physical number moves in proportion.

    At 0 the noise is that of the reference too; its correlation with it falls as ``sqrt(1 - effect^2)``.
    """
    if effect == 1:
        return setting
    numbers = {part.name: getattr(setting.kernel, part.name) for part in fields(Kernel)}
    base = asdict(REFERENCE.kernel)
    kernel = Kernel(**{name: base[name] + effect * (value - base[name]) for name, value in numbers.items()})
    return replace(
        setting,
        kernel=kernel,
        thickness_mm=REFERENCE.thickness_mm + effect * (setting.thickness_mm - REFERENCE.thickness_mm),
        dose=REFERENCE.dose * (setting.dose / REFERENCE.dose) ** effect,
        offset_hu=effect * setting.offset_hu,
        independence=effect,
    )


def described(setting: Setting) -> dict[str, float | str]:
    """The setting as plain numbers and words, with the noise that follows from them."""
    flat = {name: value for name, value in asdict(setting).items() if name not in ("kernel", "independence", "name")}
    return flat | asdict(setting.kernel) | {"noise_sd_hu": round(noise_sd(setting), 2)}
