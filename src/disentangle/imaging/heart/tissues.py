"""Tissues of the phantom: their relaxation times and proton density in MR, their Hounsfield units in CT.

Values are those of the SDNet digest, sections 11.3 (sources there: Stanisz 2005, de Bazelaire 2004,
Granitz 2018) and 11.4.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tissue:
    """``t1``, ``t2`` in ms at 1.5 and 3 T; ``t2_star`` in ms where dephasing shortens the echo, else 0.

    ``hu`` is the range of a scan's mean in arterial CT; ``grain`` the relative SD of fine structure in MR.
    """

    name: str
    density: float
    t1: tuple[float, float]
    t2: tuple[float, float]
    hu: tuple[float, float]
    t2_star: tuple[float, float] = (0.0, 0.0)
    grain: float = 0.03


TISSUES = (
    Tissue("air", 0.0, (1000, 1000), (50, 50), (-1000, -1000), grain=0.0),
    Tissue("lung", 0.20, (1170, 1280), (40, 35), (-870, -750), (2.0, 0.7), 0.25),
    Tissue("fat", 0.95, (343, 382), (58, 68), (-110, -70), grain=0.06),
    Tissue("muscle", 0.80, (856, 898), (27, 29), (45, 65), grain=0.12),
    Tissue("liver", 0.80, (586, 809), (46, 34), (60, 110), grain=0.04),
    Tissue("spleen", 0.85, (1057, 1328), (79, 61), (100, 160), grain=0.04),
    Tissue("marrow", 0.60, (549, 586), (49, 49), (150, 350), grain=0.10),
    Tissue("cortex", 0.04, (1000, 1000), (10, 10), (700, 1300), grain=0.0),
    Tissue("left blood", 0.95, (1441, 1932), (290, 275), (300, 450), grain=0.07),
    Tissue("right blood", 0.95, (1441, 1932), (235, 220), (120, 400), grain=0.10),
    Tissue("myocardium", 0.80, (996, 1184), (56, 52), (80, 120), grain=0.04),
    Tissue("vessel", 0.90, (1441, 1932), (200, 180), (30, 300), grain=0.05),
    Tissue("gut", 0.75, (900, 1100), (90, 80), (0, 60), grain=0.20),
)
AIR, LUNG, FAT, MUSCLE, LIVER, SPLEEN, MARROW, CORTEX, LEFT_BLOOD, RIGHT_BLOOD, MYOCARDIUM, VESSEL, GUT = range(
    len(TISSUES)
)
BLOODS = (LEFT_BLOOD, RIGHT_BLOOD, VESSEL)
