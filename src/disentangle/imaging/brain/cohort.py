"""The cohort ``brain_sites``: axial sections of simulated heads at several sites, lesions, masks and lesion-free twins.

Heads are drawn once and kept in the cache (see ``sections``); pictures are rendered from them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from disentangle.imaging.brain.lesions import KINDS, TRAINING_KINDS, check_kinds
from disentangle.imaging.brain.render import Corruption, Sections, render, to_unit
from disentangle.imaging.brain.sections import FIELD_OF_VIEW_MM, PARTS, Grid, person_sections, slice_heights
from disentangle.imaging.brain.sites import SEQUENCES, SITES, TRAINING_SITES, Protocol, check_sites
from disentangle.imaging.brain.store import Arrays
from disentangle.imaging.brain.template import CITATION
from disentangle.imaging.cohort import Cohort, Provenance
from disentangle.imaging.lidc.texture import join

PEOPLE = 30
LABELS = {"background": 0, "csf": 1, "gm": 2, "wm": 3, "lesion": 4}
PER_IMAGE = ("twins", "brain_masks", "ignore", "touched", "moved_mm")

PROVENANCE = Provenance(
    real=False,
    source="simulated by this package on the ICBM152 template that nilearn ships",
    licence="code MIT; anatomy derived from the ICBM152 template, whose copyright notice it carries",
    citation=CITATION,
    note="anatomy warped from one real average head; lesions, relaxation times and scanners simulated",
)


@dataclass(frozen=True)
class BrainCohort(Cohort):
    """A cohort whose ``extra`` follows its images: twins, brain masks, masks to ignore, mass effect and sections."""

    def select(self, rows: np.ndarray) -> BrainCohort:
        """The cohort of some images, with the parts of ``extra`` that belong to them."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        extra = dict(self.extra)
        for part in PER_IMAGE:
            if extra.get(part) is not None:
                extra[part] = extra[part][rows]
        return replace(super().select(rows), extra=extra)


def load(
    people: int | None = None,
    seed: int = 0,
    size: int | tuple[int, int] = 128,
    slices: int = 16,
    sites: tuple[str, ...] | None = None,
    lesions: tuple[str, ...] | None = None,
    twins: bool = True,
    modalities: tuple[str, ...] = ("T1", "T2", "FLAIR"),
    held_out: bool = False,
    pixel_mm: float | None = None,
) -> BrainCohort:
    """The cohort ``brain_sites``: ``slices`` axial sections of every person, one channel a modality, 0..1.

    Lesion kinds take turns over people, sites over rounds of kinds, so people number 0..k-1 have all kinds at the first
    site. A person's head depends on number and ``seed`` alone: load the same numbers at other ``sites`` to see one head
    under two scanners, and other people with another ``seed``.

    Returns
    -------
    BrainCohort
        ``masks`` the lesion (bool), ``labels`` tissues (``LABELS``); ``samples`` with subject, person, site, lesion,
        slice, z_mm, lesion_mm2, volume, and a column ``<modality>_protocol`` in words; ``subjects`` with site, lesion,
        age, sex, ventricle_factor, mL of head, tissues and lesion, number of foci. In ``extra``, a row per image:
        "twins" (images without the lesion, on the same scale; None where ``twins`` is false), "brain_masks", "ignore"
        (small hyperintensities of healthy old people: not to be scored), "touched" (anatomy differs from the twin's at
        all, by lesion or mass effect) and "moved_mm" (length of the mass effect); and "modalities", "labels", "grid",
        "seed".

    Parameters
    ----------
    people
        How many; None: 30. The first people are the same for any number.
    size
        Pixels, (rows, columns) or one number for both; 200 mm from front to back unless ``pixel_mm`` is given.
    sites, lesions
        By default those of training and tuning, ``TRAINING_SITES`` and ``TRAINING_KINDS`` ("healthy" is a kind).
    modalities
        Of T1, T1ce, T2, FLAIR.
    held_out
        True allows the held-out sites (``HELD_OUT_SITES``) and lesion (``HELD_OUT_LESION``): for the last test alone.
    """
    sites = check_sites(TRAINING_SITES if sites is None else _names(sites), held_out)
    lesions = check_kinds(TRAINING_KINDS if lesions is None else _names(lesions), held_out)
    modalities = check_modalities(_names(modalities))
    grid = make_grid(size, slices, pixel_mm)
    table = assignments(PEOPLE if people is None else people, seed, sites, lesions)
    pictured = [picture_person(row, seed, grid, modalities, twins) for row in table.to_dict("records")]
    samples = pd.concat([_samples(row, person, grid, modalities) for row, person in _rows(table, pictured)])
    joined = {part: np.concatenate([person.arrays[part] for person in pictured]) for part in pictured[0].arrays}
    return BrainCohort(
        name="brain_sites",
        images=joined.pop("images"),
        samples=samples.reset_index(drop=True),
        subjects=_subjects(table, pictured),
        spacing_mm=np.full((len(samples), 2), grid.pixel_mm, np.float32),
        provenance=PROVENANCE,
        masks=joined.pop("masks"),
        labels=joined.pop("labels"),
        extra={"twins": None, **joined, **facts_of(seed, grid, modalities)},
    )


def make_grid(size: int | tuple[int, int], slices: int, pixel_mm: float | None = None) -> Grid:
    """The grid of the sections. Raises ValueError for sizes that cannot be drawn."""
    rows, columns = (size, size) if isinstance(size, int) else size
    if min(rows, columns) < 16:
        raise ValueError(f"brain_sites: size is {size}, expected at least 16 pixels a side")
    if not 1 <= slices <= 70:
        raise ValueError(f"brain_sites: slices is {slices}, expected 1..70")
    if pixel_mm is not None and not 0.5 <= pixel_mm <= 10:
        raise ValueError(f"brain_sites: pixel_mm is {pixel_mm}, expected 0.5..10 or None")
    return Grid(rows, columns, float(pixel_mm or FIELD_OF_VIEW_MM / rows), slice_heights(slices))


def check_modalities(modalities: tuple[str, ...]) -> tuple[str, ...]:
    """The modalities, if every site has them."""
    for modality in modalities:
        if modality not in SEQUENCES:
            raise ValueError(f"brain_sites: no modality {modality!r}; there are {', '.join(SEQUENCES)}")
    if not modalities or len(set(modalities)) < len(modalities):
        raise ValueError(f"brain_sites: modalities are {modalities}, expected at least one, each once")
    return modalities


def assignments(people: int, seed: int, sites: tuple[str, ...], lesions: tuple[str, ...]) -> pd.DataFrame:
    """Who has which lesion and is scanned where: subject, person, site, lesion."""
    if people < 1:
        raise ValueError(f"brain_sites: people is {people}, expected at least 1 or None")
    person = np.arange(people)
    return pd.DataFrame(
        {
            "subject": [f"brain{seed}_{number:04d}" for number in person],
            "person": person,
            "site": [sites[(number // len(lesions)) % len(sites)] for number in person],
            "lesion": [lesions[number % len(lesions)] for number in person],
        }
    )


@dataclass(frozen=True, eq=False)
class Pictured:
    """One person's arrays, a row per section, and the facts of the drawing."""

    arrays: dict[str, np.ndarray]
    facts: dict[str, float]


def picture_person(
    row: dict, seed: int, grid: Grid, modalities: tuple[str, ...], twins: bool, finest_mm: float = 0.0
) -> Pictured:
    """Images, twins, masks and labels of one row of ``assignments``; slices are at least ``finest_mm`` thick."""
    number, kind = int(row["person"]), row["lesion"]
    protocols = [SITES[row["site"]].protocol(modality) for modality in modalities]
    drawn = {}
    for thick in sorted({max(protocol.thickness_mm, finest_mm) for protocol in protocols}):
        drawn[thick] = person_sections(number, seed, kind, grid, thick)
    first = drawn[max(protocols[0].thickness_mm, finest_mm)]
    brain = torch.from_numpy(first["brain"])
    pairs = []
    for protocol in protocols:
        found = drawn[max(protocol.thickness_mm, finest_mm)]
        here = to_sections(found, number, seed, kind, grid)
        other = to_sections(found, number, seed, kind, grid, -1) if twins and len(found["maps"]) > 1 else None
        pairs.append(person_pictures(here, brain, protocol, seed, other))
    arrays = {"images": torch.stack([own for own, _ in pairs], dim=1).numpy()}
    if twins:
        arrays["twins"] = torch.stack([own if twin is None else twin for own, twin in pairs], dim=1).numpy()
    facts = {name: float(value) for name, value in first.items() if value.ndim == 0}
    touched = np.any([_differs(found) for found in drawn.values()], axis=0)
    return Pictured({**arrays, **_annotations(first), "touched": touched}, facts)


def _differs(found: Arrays) -> np.ndarray:
    """Pixels whose maps are not those of the twin, (slice, row, column)."""
    maps, texture = found["maps"], found["texture"]
    return (maps[0] != maps[-1]).any(axis=1) | (texture[0] != texture[-1])


def _annotations(found: Arrays) -> dict[str, np.ndarray]:
    """Masks and labels of one person from the maps of the picture as it is."""
    maps, brain = found["maps"][0], found["brain"]
    shares = dict(zip(PARTS, maps.astype(np.uint16).swapaxes(0, 1), strict=True))
    lesion = shares["lesion_1"] + shares["lesion_2"] + shares["lesion_3"]
    tissues = [shares["csf"], shares["gm"] + shares["deep_gm"], shares["wm"] + shares["ageing"], lesion]
    background = np.maximum(255 - sum(map(np.int32, tissues)), 0)
    labels = np.argmax([background, *tissues], axis=0) * brain
    return {
        "masks": (lesion > 127) & brain,
        "labels": labels.astype(np.uint8),
        "brain_masks": brain,
        "ignore": (shares["ageing"] > 127) & brain,
        "moved_mm": found["moved_mm"].astype(np.float32),
    }


def to_sections(arrays: Arrays, person: int, seed: int, kind: str, grid: Grid, state: int = 0) -> Sections:
    """What the renderer takes, of one person: ``state`` 0 as the person is, -1 without the lesion."""
    count = len(grid.z_mm)
    return Sections(
        maps=torch.from_numpy(arrays["maps"][state]),
        texture=torch.from_numpy(arrays["texture"][state]),
        person=join(torch.full((count,), person, dtype=torch.int64), seed),
        picture=torch.arange(count),
        kind=torch.full((count,), KINDS.index(kind)),
        z_mm=torch.tensor(grid.z_mm),
        pixel_mm=torch.full((count,), grid.pixel_mm),
        enhancing=torch.full((count,), float(arrays["enhancing"])),
    )


def person_pictures(
    sections: Sections,
    brain: Tensor,
    protocol: Protocol,
    seed: int = 0,
    twin: Sections | None = None,
    corruption: Corruption | None = None,
    device: str = "cpu",
) -> tuple[Tensor, Tensor | None]:
    """Pictures of one person (slice, row, column) in 0..1, and those of the twin on the same scale."""
    volume = torch.zeros(len(sections), dtype=torch.int64)
    raw = render(sections, protocol, seed, corruption, device)
    own = to_unit(raw, brain, volume)
    if twin is None:
        return own, None
    return own, to_unit(render(twin, protocol, seed, corruption, device), brain, volume, like=raw)


def facts_of(seed: int, grid: Grid, modalities: tuple[str, ...]) -> dict:
    """What ``extra`` says of a whole cohort."""
    return {"modalities": modalities, "labels": dict(LABELS), "grid": grid, "seed": seed}


def _rows(table: pd.DataFrame, pictured: list[Pictured]) -> list[tuple[dict, Pictured]]:
    return list(zip(table.to_dict("records"), pictured, strict=True))


def _samples(row: dict, person: Pictured, grid: Grid, modalities: tuple[str, ...]) -> pd.DataFrame:
    """The rows of one person's sections."""
    protocols = {f"{m}_protocol": describe(SITES[row["site"]].protocol(m)) for m in modalities}
    area = person.arrays["masks"].sum(axis=(1, 2)) * grid.pixel_mm**2
    return pd.DataFrame(
        {
            **row,
            "slice": np.arange(len(grid.z_mm)),
            "z_mm": grid.z_mm,
            "lesion_mm2": area.round(1),
            "volume": row["person"],
            **protocols,
        }
    )


def _subjects(table: pd.DataFrame, pictured: list[Pictured]) -> pd.DataFrame:
    """One row per person."""
    facts = pd.DataFrame([person.facts for person in pictured]).round(3)
    facts.insert(1, "sex", np.where(facts.pop("male") > 0.5, "M", "F"))
    names = {"volume_ml": "lesion_ml", "count": "foci"}
    return pd.concat([table, facts.rename(columns=names)], axis=1).set_index("subject")


def describe(protocol: Protocol) -> str:
    """A protocol in words, such as ``3 T SE TR 600 TE 10, 1 mm``."""
    parts = [f"{protocol.field_t:g} T {protocol.pulse.upper()} TR {protocol.tr_ms:g} TE {protocol.te_ms:g}"]
    if protocol.ti_ms:
        parts.append(f"TI {protocol.ti_ms:g}")
    if protocol.pulse == "spgr":
        parts.append(f"flip {protocol.flip_deg:g}")
    return f"{' '.join(parts)}, {protocol.thickness_mm:g} mm"


def _names(names: tuple[str, ...] | list[str] | str) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
