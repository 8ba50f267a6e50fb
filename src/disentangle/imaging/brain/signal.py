"""What a pulse sequence measures of a tissue: closed forms of the anatomy digest (section 12.3) and of PUIR (12.3).

All times in ms, the flip angle in degrees, signals in units of the equilibrium magnetisation of water. Numbers and
tensors broadcast against each other.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

Number = Tensor | float

# Relaxivities of gadobutrol in plasma, L / (mmol s) (Szomolanyi 2019, PUIR digest); r2 is our choice.
R1_GADOBUTROL, R2_GADOBUTROL = {1.5: 4.78, 3.0: 4.97}, 6.0


def spin_echo(density: Number, t1_ms: Number, t2_ms: Number, tr_ms: Number, te_ms: Number) -> Tensor:
    """Spin echo, and fast spin echo with the effective echo time: PD (1 - e^(-TR/T1)) e^(-TE/T2)."""
    return _t(density) * (1 - _decay(tr_ms, t1_ms)) * _decay(te_ms, t2_ms)


def spoiled_gradient_echo(
    density: Number, t1_ms: Number, t2_star_ms: Number, tr_ms: Number, te_ms: Number, flip_deg: Number
) -> Tensor:
    """Spoiled gradient echo (SPGR, FLASH): PD sin(a) (1 - E1) / (1 - cos(a) E1) e^(-TE/T2*), E1 = e^(-TR/T1)."""
    e1, flip = _decay(tr_ms, t1_ms), torch.deg2rad(_t(flip_deg))
    return _t(density) * flip.sin() * (1 - e1) / (1 - flip.cos() * e1) * _decay(te_ms, t2_star_ms)


def mprage(density: Number, t1_ms: Number, t2_star_ms: Number, tr_ms: Number, te_ms: Number, ti_ms: Number) -> Tensor:
    """MPRAGE, approximated: PD |1 - 2 e^(-TI/T1) / (1 + e^(-TR/T1))| e^(-TE/T2*)."""
    inverted = 1 - 2 * _decay(ti_ms, t1_ms) / (1 + _decay(tr_ms, t1_ms))
    return _t(density) * inverted.abs() * _decay(te_ms, t2_star_ms)


def inversion_recovery(
    density: Number, t1_ms: Number, t2_ms: Number, tr_ms: Number, te_ms: Number, ti_ms: Number
) -> Tensor:
    """Inversion-recovery spin echo, FLAIR at long TI: PD |1 - 2 e^(-TI/T1) + e^(-TR/T1)| e^(-TE/T2)."""
    inverted = 1 - 2 * _decay(ti_ms, t1_ms) + _decay(tr_ms, t1_ms)
    return _t(density) * inverted.abs() * _decay(te_ms, t2_ms)


def nulling_ti(t1_ms: float, tr_ms: float) -> float:
    """Inversion time at which ``inversion_recovery`` gives no signal: T1 (ln 2 - ln(1 + e^(-TR/T1)))."""
    return t1_ms * (math.log(2) - math.log1p(math.exp(-tr_ms / t1_ms)))


def with_gadolinium(t1_ms: Tensor, t2_ms: Tensor, mmol_per_l: Tensor, field_t: float) -> tuple[Tensor, Tensor]:
    """T1 and T2 after uptake of a contrast agent: 1/T = 1/T0 + r c; gadobutrol at the nearer of 1.5 and 3 T."""
    r1 = R1_GADOBUTROL[min(R1_GADOBUTROL, key=lambda known: abs(known - field_t))]
    return 1 / (1 / t1_ms + r1 * mmol_per_l / 1000), 1 / (1 / t2_ms + R2_GADOBUTROL * mmol_per_l / 1000)


def _t(value: Number) -> Tensor:
    return torch.as_tensor(value, dtype=None if isinstance(value, Tensor) else torch.float32)


def _decay(time: Number, constant: Number) -> Tensor:
    return torch.exp(-_t(time) / _t(constant))
