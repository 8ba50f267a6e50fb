"""Tissues of heads with gliomas in MR: relaxation times of the PUIR digest (section 12.3) and its four protocols."""

from __future__ import annotations

import torch
from torch import Tensor

from disentangle.imaging.brain import signal
from disentangle.imaging.brain.sites import Protocol, measured
from disentangle.imaging.glioma.heads import PARTS
from disentangle.imaging.lidc.texture import join, normal

MODALITIES = ("T1", "T1ce", "T2", "FLAIR")
FIELDS_T = (1.5, 3.0)
REFERENCE = {"T1": "wm", "T1ce": "wm", "T2": "csf", "FLAIR": "gm"}
"""Noise is a percentage of the signal of this tissue."""

RELAXATION = {
    "csf": ((2569, 4000), (329, 1000), (1.00, 1.00), 0.0),
    "gm": ((833, 1331), (83, 100), (0.86, 0.82), 0.015),
    # iron shortens T2 of the deep nuclei by 15 %; their T1 lies between cortex and white matter
    "deep_gm": ((750, 1200), (70.6, 85), (0.84, 0.80), 0.015),
    "wm": ((500, 832), (70, 75), (0.77, 0.70), 0.006),
    "necrosis": ((1700, 2400), (250, 250), (0.95, 0.93), 0.03),
    "net": ((1150, 1600), (140, 140), (0.90, 0.87), 0.03),
    "enhancing": ((1050, 1500), (115, 115), (0.88, 0.85), 0.20),
    "oedema": ((1000, 1400), (130, 130), (0.88, 0.84), 0.02),
}
"""T1 and T2 in ms and density, each at 1.5 and 3 T, and uptake of contrast agent in mmol/L; deep GM is our choice."""

T2_TR_TE, FLAIR_TR_TE = (4500.0, 100.0), (9000.0, 110.0)
T1_TR_TE = {1.5: (500.0, 10.0), 3.0: (600.0, 10.0)}
PERCENT_SHARES = (1.0, 1.0, 0.4, 3.0)
"""How far T1, T2, density and uptake of a person vary, per percent of ``jitter``."""


def check_field(field_t: float) -> float:
    """The field, if there is a table for it."""
    if field_t not in FIELDS_T:
        raise ValueError(f"brain: field_t is {field_t}, expected one of {FIELDS_T} T")
    return float(field_t)


def protocol(modality: str, field_t: float) -> Protocol:
    """How a modality is run at a field: spin echoes; FLAIR nulls the CSF of the table."""
    if modality == "T2":
        return Protocol("T2", "se", field_t, *T2_TR_TE)
    if modality == "FLAIR":
        csf_t1 = float(RELAXATION["csf"][0][FIELDS_T.index(field_t)])
        ti = signal.nulling_ti(csf_t1, FLAIR_TR_TE[0])
        return Protocol("FLAIR", "flair", field_t, *FLAIR_TR_TE, ti_ms=ti)
    return Protocol(modality, "se", field_t, *T1_TR_TE[field_t])


def table(field_t: float) -> Tensor:
    """T1, T2, density and uptake of ``PARTS`` at a field: (4, tissue)."""
    at = FIELDS_T.index(check_field(field_t))
    rows = [(t1[at], t2[at], density[at], uptake) for t1, t2, density, uptake in map(RELAXATION.get, PARTS)]
    return torch.tensor(rows, dtype=torch.float32).T.contiguous()


def personal(people: Tensor, seed: int, field_t: float, jitter: float) -> Tensor:
    """What the tissues of people (person,) have at a field: (4, person, tissue), as from ``table``.

    ``jitter`` is the SD of a person's own T1 and T2 in percent, tissue by tissue; 0 gives everybody the table. The same
    person deviates in the same direction at any jitter and field.
    """
    if not 0 <= jitter <= 20:
        raise ValueError(f"jitter is {jitter}, expected 0..20 percent")
    fixed = table(field_t).to(people.device)
    drawn = normal(join(people, seed), "glioma relaxation", 0.0, 1.0, fixed.numel()).clamp(-2.5, 2.5)
    spread = jitter / 100 * torch.tensor(PERCENT_SHARES, device=people.device)
    factors = 1 + spread[:, None, None] * drawn.view(-1, *fixed.shape).movedim(1, 0)
    return fixed[:, None] * factors.clamp(min=0.1)


def signals(people: Tensor, seed: int, field_t: float, jitter: float) -> Tensor:
    """Noiseless signals of ``PARTS`` of people in all modalities, (person, modality, tissue)."""
    t1, t2, density, uptake = personal(people, seed, field_t, jitter)
    parameters = torch.stack([t1, t2, t2, density, uptake])  # spin echoes do not see T2*
    return torch.stack([measured(protocol(name, field_t), parameters) for name in MODALITIES], dim=1)
