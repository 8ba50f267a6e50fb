"""Six scanner sites and their protocols (anatomy digest, section 12.3), and which of them are held out.

Sites C and E are never seen in training or tuning, nor is the lesion generator ``chronic_stroke``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd
import torch
from torch import Tensor

from disentangle.imaging.brain import signal
from disentangle.imaging.brain.tissues import TISSUES

TRAINING_SITES = ("A", "B", "D")
"""Where methods may be trained and tuned."""
HELD_OUT_SITES = ("C", "E")
"""Never in training or tuning: for the last test alone."""
HELD_OUT_LESION = "chronic_stroke"
"""The lesion generator that never occurs in training or tuning."""
SEQUENCES = ("T1", "T1ce", "T2", "FLAIR")
PULSES = ("se", "spgr", "mprage", "flair")


@dataclass(frozen=True)
class Protocol:
    """How one sequence is run at one site.

    Attributes
    ----------
    sequence : "T1", "T1ce", "T2" or "FLAIR"
        ``T1ce`` is T1 after contrast agent.
    pulse : "se" (also fast), "spgr", "mprage" or "flair"
    field_t, tr_ms, te_ms, ti_ms, flip_deg : the physics
    thickness_mm, in_plane_mm : the voxel as acquired
    noise_percent : SD of each channel of the noise, of the reference tissue's signal (WM in T1, CSF in T2, GM in FLAIR)
    bias : largest relative deviation of the bias field
    gamma : exponent of the tissue signals. Contrast gammas are 0.8..1.25; the 8-degree SPGR of A and B have more, in
        place of the inversion that their real counterparts prepare with and the equation lacks (digest 12.3).
    """

    sequence: str
    pulse: str
    field_t: float
    tr_ms: float
    te_ms: float
    ti_ms: float = 0.0
    flip_deg: float = 90.0
    thickness_mm: float = 1.0
    in_plane_mm: float = 1.0
    noise_percent: float = 2.0
    bias: float = 0.1
    gamma: float = 1.0

    def __post_init__(self) -> None:
        for part, known in (("sequence", SEQUENCES), ("pulse", PULSES)):
            if getattr(self, part) not in known:
                raise ValueError(f"protocol: {part} is {getattr(self, part)!r}, expected one of {', '.join(known)}")
        for part in ("tr_ms", "te_ms", "thickness_mm", "in_plane_mm", "gamma"):
            if not getattr(self, part) > 0:
                raise ValueError(f"protocol: {part} is {getattr(self, part)}, expected a positive number")


@dataclass(frozen=True)
class Site:
    """One place with its scanner: its protocols by sequence."""

    name: str
    title: str
    protocols: dict[str, Protocol]

    def protocol(self, sequence: str) -> Protocol:
        """The protocol of a sequence. Raises ValueError with the sequences that there are."""
        if sequence not in self.protocols:
            raise ValueError(f"site {self.name}: no sequence {sequence!r}; it has {', '.join(self.protocols)}")
        return self.protocols[sequence]


def _site(name: str, title: str, t1: Protocol, t2: Protocol, flair: Protocol) -> Site:
    return Site(name, title, {"T1": t1, "T1ce": replace(t1, sequence="T1ce"), "T2": t2, "FLAIR": flair})


_2D = {"thickness_mm": 3.0}
_LOW, _HIGH = {"bias": 0.10}, {"bias": 0.20}
SITES = {
    site.name: site
    for site in (
        _site(
            "A",
            "1.5 T, like Guy's hospital in IXI",
            Protocol("T1", "spgr", 1.5, 9.8, 4.6, flip_deg=8, noise_percent=2.5, gamma=3.2, in_plane_mm=0.95, **_LOW),
            Protocol("T2", "se", 1.5, 8178, 100, noise_percent=2.0, in_plane_mm=0.95, **_LOW),
            Protocol("FLAIR", "flair", 1.5, 9000, 110, ti_ms=1800, noise_percent=3.0, in_plane_mm=1.0, **_LOW, **_2D),
        ),
        _site(
            "B",
            "3 T, like Hammersmith hospital in IXI",
            Protocol("T1", "spgr", 3.0, 9.6, 4.6, flip_deg=8, noise_percent=1.5, gamma=1.9, in_plane_mm=0.95, **_HIGH),
            Protocol("T2", "se", 3.0, 5725, 100, noise_percent=1.2, in_plane_mm=0.95, gamma=0.95, **_HIGH),
            Protocol("FLAIR", "flair", 3.0, 9000, 120, ti_ms=2500, noise_percent=2.0, in_plane_mm=1.0, **_HIGH),
        ),
        _site(
            "C",
            "3 T, MPRAGE: held out",
            Protocol("T1", "mprage", 3.0, 2300, 3, ti_ms=900, noise_percent=1.5, gamma=0.8, in_plane_mm=1.0, **_HIGH),
            Protocol("T2", "se", 3.0, 3200, 85, noise_percent=1.5, in_plane_mm=0.9, **_HIGH, **_2D),
            Protocol("FLAIR", "flair", 3.0, 9000, 120, ti_ms=2500, noise_percent=1.5, gamma=1.1, **_HIGH),
        ),
        _site(
            "D",
            "1.5 T, spin echo in thick slices",
            Protocol("T1", "se", 1.5, 550, 12, noise_percent=2.5, in_plane_mm=1.1, **_LOW, **_2D),
            Protocol("T2", "se", 1.5, 4500, 110, noise_percent=3.0, in_plane_mm=1.1, gamma=1.05, **_LOW, **_2D),
            Protocol("FLAIR", "flair", 1.5, 9000, 110, ti_ms=1800, noise_percent=4.0, in_plane_mm=1.2, **_LOW, **_2D),
        ),
        _site(
            "E",
            "3 T for T1, 1.5 T for T2 and a FLAIR that does not null CSF: held out",
            Protocol("T1", "spgr", 3.0, 20, 3, flip_deg=20, noise_percent=3.0, gamma=1.1, in_plane_mm=1.0, **_HIGH),
            Protocol("T2", "se", 1.5, 2800, 80, noise_percent=3.0, in_plane_mm=1.2, thickness_mm=5.0, **_LOW),
            Protocol("FLAIR", "flair", 1.5, 9000, 110, ti_ms=2300, noise_percent=3.5, thickness_mm=5.0, **_LOW),
        ),
        _site(
            "F",
            "3 T, planned for FLAIR; T1 and T2 as in the PUIR digest",
            Protocol("T1", "se", 3.0, 600, 10, noise_percent=2.0, gamma=1.1, in_plane_mm=1.0, **_HIGH),
            Protocol("T2", "se", 3.0, 4500, 100, noise_percent=2.0, in_plane_mm=1.0, **_HIGH),
            Protocol("FLAIR", "flair", 3.0, 9000, 120, ti_ms=2500, noise_percent=2.5, in_plane_mm=1.0, **_HIGH, **_2D),
        ),
    )
}


def relaxation(names: tuple[str, ...], field_t: float) -> Tensor:
    """T1, T2, T2* in ms, density and uptake in mmol/L of tissues at a field: (5, tissue)."""
    rows = [(*TISSUES[name].at(field_t), TISSUES[name].density, TISSUES[name].uptake) for name in names]
    return torch.tensor(rows).T.contiguous()


def measured(protocol: Protocol, parameters: Tensor) -> Tensor:
    """Signal of tissues with given relaxation under a protocol, before its gamma.

    ``parameters`` (5, ...) as from ``relaxation``; the result has the shape of one of them.
    """
    t1, t2, star, density, uptake = parameters
    if protocol.sequence == "T1ce":
        before = t2
        t1, t2 = signal.with_gadolinium(t1, t2, uptake, protocol.field_t)
        star = 1 / (1 / star + 1 / t2 - 1 / before)
    p = protocol
    if p.pulse == "se":
        return signal.spin_echo(density, t1, t2, p.tr_ms, p.te_ms)
    if p.pulse == "spgr":
        return signal.spoiled_gradient_echo(density, t1, star, p.tr_ms, p.te_ms, p.flip_deg)
    if p.pulse == "mprage":
        return signal.mprage(density, t1, star, p.tr_ms, p.te_ms, p.ti_ms)
    return signal.inversion_recovery(density, t1, t2, p.tr_ms, p.te_ms, p.ti_ms)


def with_signal(protocol: Protocol, **changes: float) -> Protocol:
    """The protocol with other physics (``tr_ms``, ``te_ms``, ``ti_ms``, ``flip_deg``, ``field_t``, ``gamma``, ...)."""
    return replace(protocol, **changes)


def contrast_table(protocols: dict[str, Protocol], gamma: bool = False) -> pd.DataFrame:
    """Signals of all tissues (columns) under named protocols (rows), relative to the brightest of CSF, GM and WM."""
    rows = {}
    for name, protocol in protocols.items():
        values = measured(protocol, relaxation(tuple(TISSUES), protocol.field_t))
        table = dict(zip(TISSUES, values.tolist(), strict=True))
        top = max(table[tissue] for tissue in ("csf", "gm", "wm"))
        rows[name] = {tissue: (value / top) ** (protocol.gamma if gamma else 1) for tissue, value in table.items()}
    return pd.DataFrame(rows).T


def check_sites(names: tuple[str, ...], held_out: bool) -> tuple[str, ...]:
    """The sites, if they exist and may be used. Held-out sites are refused unless ``held_out`` is true."""
    for name in names:
        if name not in SITES:
            raise ValueError(f"brain_sites: no site {name!r}; there are {', '.join(SITES)}")
        if name in HELD_OUT_SITES and not held_out:
            raise ValueError(
                f"brain_sites: site {name!r} is held out from training and tuning; test with held_out=True"
            )
    if not names:
        raise ValueError("brain_sites: sites is empty, expected at least one of " + ", ".join(SITES))
    return tuple(names)
