"""The pool of simulated people: any of them by number, drawn once and kept in the cache (see ``store``).

Numbers from ``CT_POOL`` on are the people scanned in CT; nobody is in both.
"""

from __future__ import annotations

from dataclasses import replace

from disentangle.imaging.heart import ventricles
from disentangle.imaging.heart.anatomy import Grid, Stacks, draw_stacks, joined
from disentangle.imaging.heart.groups import GROUPS
from disentangle.imaging.heart.store import kept
from disentangle.imaging.heart.subject import Heart, draw_heart

CT_POOL = 50_000


def person_numbers(people: int, scanner: str) -> list[int]:
    """Numbers of the first people: scanned in MR, in CT ("ct"), or in both in turns of five ("mr_ct")."""
    in_ct = [scanner == "ct" or (scanner == "mr_ct" and (at // len(GROUPS)) % 2 == 1) for at in range(people)]
    return [at + CT_POOL * ct for at, ct in enumerate(in_ct)]


def subject_name(number: int) -> str:
    """The name of a person, such as ``mr007``."""
    return f"ct{number - CT_POOL:03d}" if number >= CT_POOL else f"mr{number:03d}"


def anatomies(numbers: list[int], seed: int, grid: Grid, frames: int) -> Stacks:
    """Tissues and labels of these people, from the cache where they are there.

    The table says of each slice whose it is and when and where it lies, and in the columns of ``person_facts``
    what is true of the person.
    """
    options = f"{numbers} {seed} {grid.size} {grid.pixel_mm:.6f} {frames}"
    return kept(options, __name__, lambda: joined([_of_person(n, seed, grid, frames) for n in numbers]))


def _of_person(number: int, seed: int, grid: Grid, frames: int) -> Stacks:
    heart = draw_heart(number, seed)
    stacks = draw_stacks(heart, grid, frames)
    table = stacks.samples.assign(pixel_mm=grid.pixel_mm, **person_facts(heart))
    table.insert(0, "subject", subject_name(number))
    table.insert(1, "person", number)
    return replace(stacks, samples=table)


def person_facts(heart: Heart) -> dict[str, object]:
    """Diagnosis, body, true volumes (mL), ejection fractions (%) and mass of one person."""
    person = heart.person
    diastole, systole = (ventricles.volumes_ml(heart.shape, ventricles.state_at(heart.shape, at)) for at in (0.0, 1.0))
    return {
        "diagnosis": person.group,
        "sex": person.sex,
        "height_cm": person.height_cm,
        "weight_kg": person.weight_kg,
        "lv_edv_ml": diastole["LV"],
        "lv_esv_ml": systole["LV"],
        "lvef": 100 * (1 - systole["LV"] / diastole["LV"]),
        "rv_edv_ml": diastole["RV"],
        "rv_esv_ml": systole["RV"],
        "rvef": 100 * (1 - systole["RV"] / diastole["RV"]),
        "lv_mass_g": ventricles.mass_g(heart.shape),
        "beat_frames": heart.beat_frames,
        "systolic_frame": heart.systolic_frame,
    }


FACTS = (
    *("diagnosis", "sex", "height_cm", "weight_kg", "lv_edv_ml", "lv_esv_ml", "lvef", "rv_edv_ml", "rv_esv_ml"),
    *("rvef", "lv_mass_g", "beat_frames", "systolic_frame"),
)
