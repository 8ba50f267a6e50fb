"""What balanced steady-state free precession (bSSFP) measures of a tissue: closed forms (SDNet digest 11.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

FAT_SHIFT_HZ = {1.5: -217.0, 3.0: -434.0}


@dataclass(frozen=True)
class SteadyState:
    """A bSSFP profile |S|(psi) = scale sqrt(1 + e2^2 + 2 e2 cos psi) / (flat - swing cos psi).

    ``psi`` is the phase gathered off resonance in one repetition, 0 on resonance. Tensors of equal shape.
    """

    scale: Tensor
    e2: Tensor
    swing: Tensor
    flat: Tensor


def steady_state(
    density: Tensor, t1_ms: Tensor, t2_ms: Tensor, tr_ms: Tensor, flip_rad: Tensor, t2_star_ms: Tensor | None = None
) -> SteadyState:
    """Profile of a tissue with alternating pulses; the echo stands in the middle, TE = TR / 2.

    The echo decays with T2; where ``t2_star_ms`` is above 0, with that.
    """
    e1, e2 = torch.exp(-tr_ms / t1_ms), torch.exp(-tr_ms / t2_ms)
    cosine = torch.cos(flip_rad)
    decay = t2_ms if t2_star_ms is None else torch.where(t2_star_ms > 0, t2_star_ms, t2_ms)
    scale = density * (1 - e1) * torch.sin(flip_rad) * torch.exp(-0.5 * tr_ms / decay)
    return SteadyState(
        scale=scale,
        e2=e2,
        swing=e2 * (e1 - 1) * (1 + cosine),
        flat=1 - e1 * cosine - (e1 - cosine) * e2**2,
    )


def magnitude(state: SteadyState, cos_psi: Tensor | float) -> Tensor:
    """|S| where a repetition gathers the phase psi: 1 + e2 times the scale over flat - swing on resonance."""
    top = (1 + state.e2**2 + 2 * state.e2 * cos_psi).clamp(min=0).sqrt()
    return state.scale * top / (state.flat - state.swing * cos_psi)


def phase(off_resonance_hz: Tensor | float, tr_ms: Tensor) -> Tensor:
    """Phase gathered off resonance in one repetition, radians."""
    return 2 * math.pi * torch.as_tensor(off_resonance_hz) * tr_ms / 1000
