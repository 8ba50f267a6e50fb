"""Five diagnosis groups with their sizes and ejection fractions, and people drawn from them.

Means and spreads follow the SDNet digest, section 11.2 (table "sampling ranges"); people who break the rules
by which ACDC assigns its groups are drawn again, so that a group holds only people who belong to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NORMAL, INFARCTION, DILATED, HYPERTROPHIC, RIGHT = "NOR", "MINF", "DCM", "HCM", "RV"
SPREAD_LIMIT = 2.2


@dataclass(frozen=True)
class Group:
    """(mean, SD) in mL, %, mm; ``shortening`` is the share of its length that the LV loses in systole."""

    edv_ml: tuple[float, float]
    lvef: tuple[float, float]
    wall_mm: tuple[float, float]
    length_mm: tuple[float, float]
    rv_edv_ml: tuple[float, float]
    rvef: tuple[float, float]
    shortening: float


GROUPS = {
    NORMAL: Group((140, 25), (60, 5), (7.5, 1.2), (90, 6), (160, 30), (55, 6), 0.16),
    INFARCTION: Group((200, 45), (31, 6), (8.0, 1.5), (97, 7), (150, 35), (50, 10), 0.09),
    DILATED: Group((260, 55), (22, 8), (7.5, 1.3), (104, 8), (185, 55), (35, 12), 0.07),
    HYPERTROPHIC: Group((125, 25), (67, 6), (10.0, 2.0), (88, 6), (130, 30), (62, 8), 0.14),
    RIGHT: Group((120, 30), (55, 8), (7.5, 1.3), (86, 7), (240, 50), (36, 8), 0.14),
}
SEPTUM_MM = (19.0, 3.0)
# Body size: (height mean, SD in cm, body mass index mean, SD), an adult clinic's men and women.
_BODY = {"M": (176.0, 7.0, 26.5, 3.5), "F": (163.0, 6.5, 26.0, 4.0)}


@dataclass(frozen=True)
class Person:
    """One drawn person. Angles in radians from the middle of the septum, levels 0 (base) to 1 (apex).

    ``septum_mm`` is the thickest wall (HCM; else that of the rest); the scar's are 0 where there is none.
    """

    group: str
    sex: str
    height_cm: float
    weight_kg: float
    edv_ml: float
    lvef: float
    wall_mm: float
    septum_mm: float
    length_mm: float
    rv_edv_ml: float
    rvef: float
    shortening: float
    scar_angle: float = 0.0
    scar_width: float = 0.0
    scar_level: float = 0.0
    scar_height: float = 0.0
    scar_mm: float = 0.0

    @property
    def bsa_m2(self) -> float:
        """Body surface after Mosteller (1987)."""
        return float(np.sqrt(self.height_cm * self.weight_kg / 3600))

    @property
    def esv_ml(self) -> float:
        return self.edv_ml * (1 - self.lvef / 100)

    @property
    def rv_esv_ml(self) -> float:
        return self.rv_edv_ml * (1 - self.rvef / 100)


def draw_person(group: str, rng: np.random.Generator) -> Person:
    """A person of the group who satisfies the group's rule."""
    if group not in GROUPS:
        raise ValueError(f"no diagnosis group {group!r}; there are {', '.join(GROUPS)}")
    for _ in range(1000):
        person = _candidate(group, rng)
        if follows_rule(person):
            return person
    raise RuntimeError(f"group {group}: no person within its rule in 1000 draws")


def follows_rule(person: Person) -> bool:
    """Whether ACDC's rules (digest 11.2) would put a person of these sizes into the group.

    The rule on the mass of hypertrophic hearts is not asked here: it needs the shape.
    """
    man = person.sex == "M"
    edv, rv = person.edv_ml / person.bsa_m2, person.rv_edv_ml / person.bsa_m2
    return {
        NORMAL: person.lvef > 50 and edv < (90 if man else 80) and rv < 100 and person.rvef > 40,
        INFARCTION: person.lvef < 40,
        DILATED: edv > 100 and person.lvef < 40,
        HYPERTROPHIC: person.lvef > 55 and person.septum_mm > 15.5,
        RIGHT: rv > (110 if man else 100) or person.rvef < 40,
    }[person.group] and (person.group == HYPERTROPHIC or person.wall_mm < 12)


def _candidate(group: str, rng: np.random.Generator) -> Person:
    sizes = GROUPS[group]
    sex = "M" if rng.random() < (0.68 if group != NORMAL else 0.5) else "F"
    height, height_sd, index, index_sd = _BODY[sex]
    height = _near(rng, (height, height_sd))
    wall = _near(rng, sizes.wall_mm)
    septum = max(_near(rng, SEPTUM_MM), wall) if group == HYPERTROPHIC else wall
    return Person(
        group=group,
        sex=sex,
        height_cm=height,
        weight_kg=_near(rng, (index, index_sd)) * (height / 100) ** 2,
        edv_ml=_near(rng, sizes.edv_ml),
        lvef=_near(rng, sizes.lvef),
        wall_mm=wall,
        septum_mm=septum,
        length_mm=_near(rng, sizes.length_mm),
        rv_edv_ml=_near(rng, sizes.rv_edv_ml),
        rvef=_near(rng, sizes.rvef),
        shortening=sizes.shortening * rng.uniform(0.85, 1.15),
        **(_scar(rng) if group == INFARCTION else {}),
    )


def _scar(rng: np.random.Generator) -> dict[str, float]:
    """Territory of one artery: anteroseptal towards the apex, inferior, or lateral; 2 to 6 of 16 segments."""
    # Angles run from the septum over the inferior (+90) and lateral wall (180) to the anterior one (-90).
    angle, level = ((-55.0, 0.75), (85.0, 0.3), (170.0, 0.4))[rng.choice(3, p=(0.5, 0.3, 0.2))]
    return {
        "scar_angle": np.deg2rad(angle + rng.normal(0, 10)),
        "scar_width": np.deg2rad(rng.uniform(45, 80)),
        "scar_level": level,
        "scar_height": rng.uniform(0.28, 0.4),
        "scar_mm": rng.uniform(4.0, 5.5),
    }


def _near(rng: np.random.Generator, size: tuple[float, float]) -> float:
    """A normal draw, at most ``SPREAD_LIMIT`` SD from the mean."""
    mean, sd = size
    while abs(draw := rng.standard_normal()) > SPREAD_LIMIT:
        pass
    return float(mean + sd * draw)
