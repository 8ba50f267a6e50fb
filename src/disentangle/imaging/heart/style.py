"""How a scan looks, whatever the heart is: a scanner's settings, coils, field and contrast, drawn from a key.

A style is two whole numbers, the kind of scanner and a scan's key; all else follows from them by hashing
(see ``texture``), so any anatomy can be shown in the style of any scan, on any device, in any batch. Ranges
follow the SDNet digest, sections 11.3 and 11.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from disentangle.imaging.heart import tissues
from disentangle.imaging.heart.signal import FAT_SHIFT_HZ, SteadyState, magnitude, steady_state
from disentangle.imaging.heart.tissues import BLOODS, FAT, LEFT_BLOOD, MARROW, RIGHT_BLOOD, TISSUES
from disentangle.imaging.lidc.texture import join, normal, uniform

MR_1_5T, MR_3T, CT = 0, 1, 2
KINDS = {"mr1.5": MR_1_5T, "mr3": MR_3T, "ct": CT}
FIELD_T = {MR_1_5T: 1.5, MR_3T: 3.0}
COILS, WAVES = 6, 8


@dataclass(frozen=True, eq=False)
class MRStyle:
    """Settings of MR scans, a row each. Tensors (scan,), those by tissue (scan, tissue), lists (scan, n).

    ``snr`` is that of blood on resonance amid the heart; ``shift_hz`` the chemical shift of a tissue.
    """

    tr_ms: Tensor
    flip_rad: Tensor
    profile: SteadyState
    shift_hz: Tensor
    grain: Tensor
    snr: Tensor
    readout_mm: Tensor
    phase_mm: Tensor
    phase_is_row: Tensor
    motion_mm: Tensor
    ghost: Tensor
    coil_x: Tensor
    coil_y: Tensor
    coil_width: Tensor
    coil_gain: Tensor
    evened: Tensor
    field_hz: Tensor
    field_waves: Tensor
    dipole_hz: Tensor
    dipole_x: Tensor
    dipole_y: Tensor


@dataclass(frozen=True, eq=False)
class CTStyle:
    """Settings of CT scans, a row each: ``hu`` (scan, tissue), noise in HU, and blurs in mm."""

    hu: Tensor
    noise_hu: Tensor
    noise_mm: Tensor
    psf_mm: Tensor
    mixing_hu: Tensor


def scan_key(seed: int, kind: Tensor, scan: Tensor) -> Tensor:
    """The key that a scan's style is drawn from (int64)."""
    return join(seed, kind, scan)


def mr_style(key: Tensor, kind: Tensor) -> MRStyle:
    """Styles of MR scans of the kinds ``MR_1_5T`` and ``MR_3T``."""
    strong = kind == MR_3T
    tr = uniform(key, "tr", 2.6, 3.6)
    low, high = torch.where(strong, 35.0, 50.0), torch.where(strong, 50.0, 70.0)
    flip = torch.deg2rad(low + (high - low) * uniform(key, "flip"))
    times = 1 + strong.float()
    shift = torch.zeros(len(key), len(TISSUES), device=key.device)
    shift[:, FAT] = torch.where(strong, FAT_SHIFT_HZ[3.0], FAT_SHIFT_HZ[1.5])
    shift[:, MARROW] = shift[:, FAT]
    coil_x, coil_y, coil_gain = _coils(key)
    return MRStyle(
        tr_ms=tr,
        flip_rad=flip,
        profile=_profiles(key, strong, tr, flip),
        shift_hz=shift,
        grain=_column("grain", key.device).expand(len(key), -1),
        snr=uniform(key, "snr", 15.0, 40.0),
        readout_mm=uniform(key, "readout", 1.2, 1.8),
        phase_mm=uniform(key, "phase", 1.6, 2.4),
        phase_is_row=uniform(key, "phase axis") < 0.5,
        motion_mm=uniform(key, "motion", 0.4, 0.9),
        ghost=uniform(key, "ghost", 0.0, 0.04),
        coil_x=coil_x,
        coil_y=coil_y,
        coil_width=uniform(key, "coil width", 75.0, 120.0, COILS),
        coil_gain=coil_gain,
        evened=uniform(key, "evened", 0.0, 1.0),
        field_hz=25 * times,
        field_waves=_field_waves(key),
        dipole_hz=times * uniform(key, "dipole", 15.0, 90.0),
        dipole_x=normal(key, "dipole x", 40.0, 8.0),
        dipole_y=normal(key, "dipole y", 22.0, 8.0),
    )


def _profiles(key: Tensor, strong: Tensor, tr: Tensor, flip: Tensor) -> SteadyState:
    """bSSFP profile of every tissue in every scan, (scan, tissue)."""
    count, device = len(key), key.device
    at = strong.long()
    t1, t2 = _by_field("t1", device)[at].clone(), _by_field("t2", device)[at].clone()
    t1 *= 1 + uniform(key, "t1", -0.08, 0.08, len(TISSUES))
    t2 *= 1 + uniform(key, "t2", -0.08, 0.08, len(TISSUES))
    t2[:, LEFT_BLOOD] = uniform(key, "blood t2", 150.0, 290.0)
    t2[:, RIGHT_BLOOD] = t2[:, LEFT_BLOOD] * uniform(key, "venous", 0.75, 0.90)
    density = _column("density", device) * (1 + uniform(key, "density", -0.05, 0.05, len(TISSUES)))
    inflow = uniform(key, "inflow", 1.0, 1.3)
    for blood in BLOODS:
        density[:, blood] = density[:, blood] * inflow
    density[:, RIGHT_BLOOD] = density[:, RIGHT_BLOOD] * uniform(key, "venous inflow", 0.5, 1.0)
    star = _by_field("t2_star", device)[at]
    wide = (count, len(TISSUES))
    return steady_state(density, t1, t2, tr[:, None].expand(wide), flip[:, None].expand(wide), star)


def _by_field(name: str, device: torch.device) -> Tensor:
    """(field, tissue) of a table's column."""
    return torch.tensor([getattr(tissue, name) for tissue in TISSUES], dtype=torch.float32, device=device).T


def _column(name: str, device: torch.device) -> Tensor:
    return torch.tensor([getattr(tissue, name) for tissue in TISSUES], dtype=torch.float32, device=device)


def _coils(key: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Places in the body (mm from the axis of the LV) and gains: half of them in front (upper left), stronger."""
    front = torch.arange(COILS, device=key.device) < COILS // 2
    middle = torch.where(front, math.radians(-135.0), math.radians(45.0))
    angle = middle + uniform(key, "coil angle", -0.9, 0.9, COILS)
    away = torch.where(front, 115.0, 170.0) + uniform(key, "coil distance", -15.0, 25.0, COILS)
    gain = torch.where(front, 1.0, 0.8) * uniform(key, "coil gain", 0.7, 1.3, COILS)
    return away * angle.cos(), away * angle.sin(), gain


def _field_waves(key: Tensor) -> Tensor:
    """Frequencies along x, y, z (radians per mm) and phase of the off-resonance's waves: (4, scan, wave)."""
    azimuth = uniform(key, "wave azimuth", 0.0, 2 * math.pi, WAVES)
    rise = torch.asin(uniform(key, "wave rise", -1.0, 1.0, WAVES))
    number = 2 * math.pi / uniform(key, "wave length", 90.0, 280.0, WAVES)
    start = uniform(key, "wave phase", 0.0, 2 * math.pi, WAVES)
    flat = number * rise.cos()
    return torch.stack([flat * azimuth.cos(), flat * azimuth.sin(), number * rise.sin(), start])


def ct_style(key: Tensor) -> CTStyle:
    """Styles of arterial-phase cardiac CT."""
    low, high = _by_field("hu", key.device)
    hu = low + (high - low) * uniform(key, "hu", 0.0, 1.0, len(TISSUES))
    return CTStyle(
        hu=hu,
        noise_hu=uniform(key, "noise", 15.0, 35.0),
        noise_mm=uniform(key, "noise grain", 0.8, 1.5),
        psf_mm=uniform(key, "psf", 0.5, 0.9),
        mixing_hu=0.12 * (hu[:, RIGHT_BLOOD] - 60.0),
    )


def style_table(key: Tensor, kind: Tensor) -> pd.DataFrame:
    """The main settings of scans as columns, what a style code should hold; what a kind has not is NaN."""
    mr, ct = mr_style(key, kind), ct_style(key)
    muscle = magnitude(mr.profile, 1.0)
    columns = {
        "tr_ms": mr.tr_ms,
        "flip_deg": torch.rad2deg(mr.flip_rad),
        "snr": mr.snr,
        "blood_to_myocardium": muscle[:, LEFT_BLOOD] / muscle[:, tissues.MYOCARDIUM],
        "bias_left": 1 - mr.evened,
        "left_blood_hu": ct.hu[:, LEFT_BLOOD],
        "right_blood_hu": ct.hu[:, RIGHT_BLOOD],
        "myocardium_hu": ct.hu[:, tissues.MYOCARDIUM],
        "noise_hu": ct.noise_hu,
    }
    is_ct = (kind == CT).cpu().numpy()
    table = pd.DataFrame({name: column.double().cpu().numpy() for name, column in columns.items()})
    for name in table:
        table.loc[is_ct != name.endswith("_hu"), name] = float("nan")
    table["field_t"] = [FIELD_T.get(int(k), float("nan")) for k in kind]
    return table
