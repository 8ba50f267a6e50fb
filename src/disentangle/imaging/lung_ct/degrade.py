"""Real slices as other acquisition settings would show them: thicker, noisier, smoother, shifted; never sharper.

In this order (rotation digest, section 10.2): mean of neighbouring slices, noise, ratio of the modulation transfers of
target and source, offset, rounding. Noise stands before the kernel, as in a scanner; its spectrum is that of
`lung.settings.nps`. Everything is the digest's choice or ours, not the paper's.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
import torch

from disentangle.imaging.lung.settings import LUNG, Kernel, mtf, nps
from disentangle.imaging.lung_ct.scans import LungError, TooSoft

LOWEST_HU = -1024.0
SHARPER = 1.02  # f50 of a target above that of the source by more than this is refused


@dataclass(frozen=True)
class Degradation:
    """One setting of the cohort ``lung_ct``.

    Attributes
    ----------
    f50 : MTF of one half in cycles/mm that the picture shall have (Gaussian); None leaves the scan's own
    noise_hu : sd of the noise that is added, before the kernel
    grain : kernel whose NPS the added noise has; None: that of the scan
    acquisition : settings of one acquisition share the added noise
    offset_hu : added to all values
    thickness_mm : neighbouring slices are averaged to this thickness; needs a series without gaps
    """

    name: str
    f50: float | None = None
    noise_hu: float = 0.0
    grain: Kernel | None = None
    acquisition: str = "as scanned"
    offset_hu: float = 0.0
    thickness_mm: float | None = None


SOURCE = Degradation("source")
TRAINING: dict[str, Degradation] = {
    setting.name: setting
    for setting in (
        SOURCE,
        Degradation("soft", f50=0.22),
        Degradation("low_dose", noise_hu=35.0, acquisition="low dose"),
        Degradation("grainy", noise_hu=45.0, grain=LUNG, acquisition="grainy"),
        Degradation("vendor", f50=0.27, noise_hu=20.0, acquisition="vendor", offset_hu=8.0),
    )
}
UNSEEN: dict[str, Degradation] = {
    setting.name: setting
    for setting in (
        Degradation("softer", f50=0.17),
        Degradation("soft_low_dose", f50=0.22, noise_hu=35.0, acquisition="low dose"),
        Degradation("other_vendor", f50=0.29, noise_hu=25.0, acquisition="other vendor", offset_hu=-8.0),
    )
}
# Only where no slice lacks, so never part of "all".
THICK: dict[str, Degradation] = {"thick": Degradation("thick", thickness_mm=9.0)}
SETTINGS = TRAINING | UNSEEN | THICK


def choose(settings: str | Sequence[str]) -> list[Degradation]:
    """Settings by name: "all" (those for training), "own" (as scanned), "unseen", or names."""
    groups = {"all": TRAINING, "own": {SOURCE.name: SOURCE}, "unseen": UNSEEN}
    if isinstance(settings, str) and settings in groups:
        return list(groups[settings].values())
    names = [settings] if isinstance(settings, str) else list(settings)
    unknown = [name for name in names if name not in SETTINGS]
    if unknown or not names or len(set(names)) < len(names):
        raise LungError(
            f"settings is {settings!r}, expected 'all', 'own', 'unseen', or different names of {', '.join(SETTINGS)}"
        )
    return [SETTINGS[name] for name in names]


def described(setting: Degradation) -> dict:
    """The setting as plain numbers and words."""
    return {name: value for name, value in asdict(setting).items() if name != "name"}


def check_possible(setting: Degradation, source_f50: float, subject: str) -> None:
    """Refuse to sharpen."""
    if setting.f50 is not None and setting.f50 > SHARPER * source_f50:
        raise TooSoft(
            f"{subject}: setting {setting.name} has an MTF of one half at {setting.f50} /mm, but the scan has only "
            f"{source_f50:.2f} /mm; sharpness cannot be added: load with settings='own' or softer ones"
        )


def degrade(
    picture: np.ndarray, setting: Degradation, source_f50: float, pixel_mm: float, key: Sequence[int]
) -> np.ndarray:
    """One slice (row, column) in HU under a setting: whole HU, at least -1024.

    ``source_f50`` is the scan's MTF of one half (taken as Gaussian), ``key`` decides the noise together with the
    setting's acquisition. The picture is taken as periodic: leave a margin of some 10 mm. Averaging of slices comes
    before, see `averaged`.
    """
    source = Kernel(source_f50)
    f = _radial_frequency(picture.shape, pixel_mm)
    spectrum = np.fft.rfft2(picture)
    if setting.noise_hu:
        draw = np.random.default_rng([*key, zlib.crc32(setting.acquisition.encode())])
        white = np.fft.rfft2(draw.standard_normal(picture.shape))
        spectrum = spectrum + white * setting.noise_hu * _unit_filter(setting.grain or source, picture.shape, pixel_mm)
    if setting.f50 is not None:
        target = mtf(Kernel(setting.f50), f) / mtf(source, f).clamp(min=1e-30)
        spectrum = spectrum * target.clamp(max=1).numpy()
    shown = np.fft.irfft2(spectrum, s=picture.shape) + setting.offset_hu
    return np.maximum(np.round(shown), LOWEST_HU).astype(np.float32)


def averaged(hu: np.ndarray, step_mm: float, thickness_mm: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Slices as thick ones would show them, (slice, row, column), and which of them have all neighbours.

    A box of ``thickness_mm`` around each position; every slice stands for the ``step_mm`` around it. None leaves all.
    """
    if thickness_mm is None or thickness_mm <= step_mm:
        return hu, np.ones(len(hu), bool)
    reach = int(np.ceil((thickness_mm / step_mm - 1) / 2 - 1e-6))
    at = np.abs(np.arange(-reach, reach + 1)) * step_mm
    weights = np.clip(thickness_mm / 2 - (at - step_mm / 2), 0, step_mm)
    weights /= weights.sum()
    complete = np.zeros(len(hu), bool)
    complete[reach : len(hu) - reach] = True
    thick = hu.copy()
    for place in np.flatnonzero(complete):
        thick[place] = np.tensordot(weights, hu[place - reach : place + reach + 1], axes=1)
    return thick, complete


@lru_cache(maxsize=8)
def _radial_frequency(shape: tuple[int, ...], pixel_mm: float) -> torch.Tensor:
    rows, columns = np.fft.fftfreq(shape[0], pixel_mm), np.fft.rfftfreq(shape[1], pixel_mm)
    return torch.from_numpy(np.hypot(rows[:, None], columns[None]))


@lru_cache(maxsize=8)
def _unit_filter(kernel: Kernel, shape: tuple[int, ...], pixel_mm: float) -> np.ndarray:
    """Amplitude that turns white noise of unit variance into noise with the kernel's NPS and unit variance."""
    power = nps(kernel, _radial_frequency(shape, pixel_mm)).numpy()
    both_sides = np.full(power.shape[1], 2.0)  # rfft2 keeps one of two conjugate columns, but the first and last
    both_sides[0] = 1
    if shape[1] % 2 == 0:
        both_sides[-1] = 1
    return np.sqrt(power / ((power * both_sides).sum() / (shape[0] * shape[1])))
