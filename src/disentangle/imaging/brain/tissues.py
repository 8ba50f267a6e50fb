"""Tissues of the brain and of its lesions: relaxation, proton density, uptake of contrast agent (digest 12.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

FIELDS_T = (1.5, 3.0)
FIELD_RANGE_T = (0.5, 7.0)


@dataclass(frozen=True)
class Tissue:
    """``t1``, ``t2``, ``t2_star`` in ms at 1.5 and 3 T; ``density`` of CSF is 1; ``uptake`` of contrast in mmol/L."""

    name: str
    t1: tuple[float, float]
    t2: tuple[float, float]
    t2_star: tuple[float, float]
    density: float
    uptake: float = 0.0

    def at(self, field_t: float) -> tuple[float, float, float]:
        """T1, T2 and T2* at a field strength: the table at 1.5 and 3 T, a power law through both elsewhere.

        Raises ValueError beyond 0.5..7 T. Values beyond 1.5..3 T are extrapolated.
        """
        low, high = FIELD_RANGE_T
        if not low <= field_t <= high:
            raise ValueError(f"field_t is {field_t}, expected {low}..{high} T")
        share = math.log(field_t / FIELDS_T[0]) / math.log(FIELDS_T[1] / FIELDS_T[0])
        one, two, star = (a * (b / a) ** share for a, b in (self.t1, self.t2, self.t2_star))
        return one, two, star


def _lesion(name: str, t1: float, t2: float, t2_star: float, density: float, uptake: float = 0.0) -> Tissue:
    """A row of the digest's table: 3 T from 1.5 T by its factors 1.45, 0.93 and 0.80."""
    return Tissue(name, (t1, 1.45 * t1), (t2, 0.93 * t2), (t2_star, 0.80 * t2_star), density, uptake)


TISSUES = {
    tissue.name: tissue
    for tissue in (
        Tissue("csf", (2600, 4000), (330, 500), (300, 300), 1.00),
        Tissue("gm", (900, 1400), (92, 95), (65, 50), 0.86, 0.015),
        # iron shortens T2 of the deep nuclei by 15 %; their T1 lies between cortex and white matter
        Tissue("deep_gm", (830, 1270), (78.2, 80.75), (55, 42), 0.84, 0.015),
        Tissue("wm", (600, 860), (75, 70), (58, 45), 0.77, 0.006),
        _lesion("oedema", 1400, 180, 130, 0.92, 0.02),
        _lesion("tumour", 1500, 130, 90, 0.90, 0.20),
        _lesion("necrosis", 2300, 280, 220, 0.98, 0.03),
        _lesion("ms_plaque", 1150, 170, 130, 0.85),
        # a third of the plaques is not seen in T1
        Tissue("ms_plaque_iso", (690, 1000), (135, 126), (105, 84), 0.79),
        _lesion("wmh", 1000, 140, 110, 0.83),
        _lesion("chronic_infarct", 2300, 290, 240, 0.98),
        _lesion("gliosis", 1150, 170, 130, 0.86),
        _lesion("acute_infarct", 1300, 150, 110, 0.90),
    )
}
HEALTHY = ("csf", "gm", "deep_gm", "wm")
"""Tissues of a brain without a lesion, in the order of the channels of ``Sections.maps``."""
AGEING = "wmh"
"""The tissue of the fifth channel: small hyperintensities of healthy old people, to be ignored."""
