"""The cohorts ``brain`` (T1, T1ce, T2, FLAIR) and ``pet_ct`` (FDG-PET, CT): the same heads with gliomas as volumes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count, islice

import numpy as np
import pandas as pd
import torch

from disentangle.imaging.brain.store import Arrays
from disentangle.imaging.brain.template import CITATION
from disentangle.imaging.cohort import Cohort, Provenance
from disentangle.imaging.glioma import emission, mr, relaxation
from disentangle.imaging.glioma.heads import (
    AROUND,
    LABELS,
    LARGE_VENTRICLES,
    PARTS,
    REGIONS,
    Cube,
    brain_mask,
    labels_of,
    person_volumes,
)

PEOPLE = 30
ANATOMIES = ("all", "usual", "rare")
SCALINGS = ("robust", "static")
PER_PERSON = ("brain_masks", "tissues", "signals", "hot_masks", "head_masks")
RARE = ("no_enhancing", "large_ventricles", "several_foci")

PROVENANCE = Provenance(
    real=False,
    source="simulated by this package on the ICBM152 template that nilearn ships",
    licence="code MIT; anatomy derived from the ICBM152 template, whose copyright notice it carries",
    citation=CITATION,
    note="anatomy warped from one real average head; tumours, relaxation times, uptake and scanners simulated",
)


@dataclass(frozen=True)
class HeadCohort(Cohort):
    """A cohort of volumes, one a person, whose ``extra`` follows its people."""

    def select(self, rows: np.ndarray) -> HeadCohort:
        """The cohort of some people, with the parts of ``extra`` that belong to them."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        kept = {part: self.extra[part][rows] for part in PER_PERSON if part in self.extra}
        return replace(super().select(rows), extra={**self.extra, **kept})


def load(
    people: int | None = None,
    seed: int = 0,
    side: int = 32,
    jitter: float = 1.0,
    field_t: float | tuple[float, ...] = 3.0,
    anatomy: str = "all",
    scaling: str = "robust",
    noise_percent: float = 2.0,
    bias: float = 0.1,
    texture: float = 1.0,
) -> HeadCohort:
    """The cohort ``brain``: T1, T1ce, T2 and FLAIR of heads with gliomas, (person, 4, z, row, column), 0..1.

    A person's head and tumour depend on number and ``seed`` alone: the same at any ``side``, ``field_t`` and
    ``jitter``, in ``pet_ct``, and however many are loaded.

    Returns
    -------
    HeadCohort
        ``labels`` those of BraTS 2023 (``LABELS``), ``masks`` the whole tumour; ``subjects`` with person, age, sex,
        field_t, ventricle_factor, foci, enhancing, mL of brain, tumour and its parts, and the marks of rare anatomy
        (``RARE``, and ``rare`` for any). In ``extra`` a row a person: "brain_masks", "tissues" (uint8, the largest part
        of each voxel, 1 + index in "tissue_names", 0 outside) and "signals" (modality, tissue; noiseless); and
        "modalities", "labels", "regions", "tissue_names", "voxel_mm", "seed".

    Parameters
    ----------
    people
        How many; None: 30.
    side
        Voxels an axis over 208 mm: 32 are 6.5 mm each, 104 are 2 mm. At least 16, at most 208.
    jitter
        SD in percent of a person's own T1 and T2 of each tissue (0.4 times that in density, 3 times in uptake of
        contrast agent). At 0 the map from tissue to signal is static: the same for everybody.
    field_t
        3 or 1.5 T; several: people take turns.
    anatomy
        "usual" skips people with rare anatomy, "rare" all others; who is skipped keeps the number.
    scaling
        "robust": median and MAD of each volume inside the brain (digest, D6); "static": those of a whole population, so
        that grey values are comparable between people. Three robust SDs to either side of the median are 0..1.
    noise_percent, bias, texture
        Noise in percent of a reference tissue, largest relative bias field, strength of the texture of tissue; 0: none.
    """
    fields = tuple(map(relaxation.check_field, field_t if isinstance(field_t, tuple | list) else (field_t,)))
    _check(scaling, SCALINGS, "scaling")
    for name, value, top in (("noise_percent", noise_percent, 20), ("bias", bias, 0.5), ("texture", texture, 3)):
        if not 0 <= value <= top:
            raise ValueError(f"brain: {name} is {value}, expected 0..{top}")
    found = _people(people, seed, side, anatomy)
    images, levels, masks = [], [], []
    for number, arrays in found.items():
        field = fields[number % len(fields)]
        level = relaxation.signals(torch.tensor([number]), seed, field, jitter)[0]
        brain = torch.from_numpy(brain_mask(arrays["maps"]))
        key = mr.keys(number, seed, field)
        volumes = mr.scene(*(torch.from_numpy(arrays[part]) for part in ("maps", "texture")), level, texture)
        volumes = mr.noisy(volumes * mr.bias_field(key, side, bias), level, key, noise_percent)
        scale = mr.robust(volumes, brain) if scaling == "robust" else torch.tensor(mr.STATIC[field])
        images.append(mr.to_unit(volumes, brain, scale).numpy())
        levels.append(level.numpy())
        masks.append(brain.numpy())
    extra = {"signals": np.stack(levels), "modalities": relaxation.MODALITIES}
    facts = {"field_t": [fields[number % len(fields)] for number in found]}
    return _cohort("brain", seed, side, found, np.stack(images), extra, facts)


def load_pet_ct(
    people: int | None = None,
    seed: int = 0,
    side: int = 32,
    jitter: float = 1.0,
    metabolism: float = 10.0,
    anatomy: str = "all",
) -> HeadCohort:
    """The cohort ``pet_ct``: FDG-PET and CT of the heads of ``brain``, (person, 2, z, row, column), 0..1.

    PET is SUV over 15, CT the window -20..80 HU. Solid tumour is hot or cold by a draw that CT does not show, so part
    of PET cannot be predicted from CT.

    Returns
    -------
    HeadCohort
        As ``load``, without signals; ``subjects`` also with metabolism (factor), tumour_suvr, hot, kernel. In ``extra``
        also "head_masks" (with skull and scalp) and "hot_masks" (core whose true uptake is above 1.5 times that of
        white matter).

    Parameters
    ----------
    people, seed, side, anatomy
        As in ``load``.
    jitter
        SD of a person's own uptakes in percent, and of CT numbers in HU.
    metabolism
        SD in percent of the metabolism of the whole brain between people.
    """
    for name, value, top in (("jitter", jitter, 20), ("metabolism", metabolism, 50)):
        if not 0 <= value <= top:
            raise ValueError(f"pet_ct: {name} is {value}, expected 0..{top}")
    found = _people(people, seed, side, anatomy)
    voxel_mm = Cube(side).voxel_mm
    images, hot, heads, facts = [], [], [], []
    for number, arrays in found.items():
        person = emission.draw_metabolism(number, seed, metabolism)
        suv, hu = emission.personal(number, seed, person, jitter)
        shares = np.concatenate([arrays["maps"], arrays["around"]]).astype(np.float32) / 255
        rng = np.random.default_rng([seed, number, 79, side])
        pictures = (
            emission.pet(shares, suv, person, voxel_mm, rng),
            emission.ct(shares, hu, person.kernel, voxel_mm, rng),
        )
        images.append(emission.to_unit(*pictures))
        solid = np.isin(labels_of(arrays["maps"]), (1, 3))
        uptake = np.tensordot(suv, shares, 1)
        hot.append(solid & (uptake > emission.HOT_ABOVE * suv[PARTS.index("wm")]))
        heads.append(shares.sum(axis=0) > 0.5)
        row = {
            "metabolism": person.factor,
            "tumour_suvr": person.tumour_suvr,
            "hot": person.hot,
            "kernel": person.kernel,
        }
        facts.append(row)
    extra = {"hot_masks": np.stack(hot), "head_masks": np.stack(heads), "modalities": emission.MODALITIES}
    columns = {name: [row[name] for row in facts] for name in facts[0]}
    return _cohort("pet_ct", seed, side, found, np.stack(images), extra, columns)


def _people(people: int | None, seed: int, side: int, anatomy: str) -> dict[int, Arrays]:
    """The drawings of the first people of a kind of anatomy, by number."""
    wanted = PEOPLE if people is None else people
    if wanted < 1:
        raise ValueError(f"people is {people}, expected at least 1 or None")
    _check(anatomy, ANATOMIES, "anatomy")
    Cube(side)
    numbered = ((number, person_volumes(number, seed, side)) for number in count())
    fitting = (one for one in numbered if anatomy == "all" or _is_rare(one[1]) == (anatomy == "rare"))
    return dict(islice(fitting, wanted))


def _marks(arrays: Arrays) -> dict[str, bool]:
    """Which kinds of rare anatomy a person has."""
    return {
        "no_enhancing": not bool(arrays["enhancing"]),
        "large_ventricles": bool(arrays["ventricle_factor"] > LARGE_VENTRICLES),
        "several_foci": bool(arrays["foci"] > 1),
    }


def _is_rare(arrays: Arrays) -> bool:
    return any(_marks(arrays).values())


def _check(value: str, known: tuple[str, ...], name: str) -> None:
    if value not in known:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(known)}")


def _cohort(
    name: str, seed: int, side: int, found: dict[int, Arrays], images: np.ndarray, extra: dict, facts: dict
) -> HeadCohort:
    """Pictures and drawings as a cohort; ``facts`` are further columns of its table of people."""
    maps = np.stack([arrays["maps"] for arrays in found.values()])
    brain, labels = brain_mask(maps), labels_of(maps)
    subjects = [f"brain{seed}_{number:04d}" for number in found]
    rows = pd.DataFrame(
        [_facts(number, arrays) for number, arrays in found.items()], index=pd.Index(subjects, name="subject")
    )
    columns = pd.DataFrame(facts, index=rows.index)
    voxel_mm = Cube(side).voxel_mm
    return HeadCohort(
        name=name,
        images=images,
        samples=pd.DataFrame({"subject": subjects, "person": list(found), "volume": list(found)}),
        subjects=pd.concat([rows, columns], axis=1),
        spacing_mm=np.full((len(images), 3), voxel_mm, np.float32),
        provenance=PROVENANCE,
        masks=labels > 0,
        labels=labels,
        extra={
            "brain_masks": brain,
            "tissues": ((1 + maps.argmax(axis=1)) * brain).astype(np.uint8),
            **extra,
            "labels": dict(LABELS),
            "regions": dict(REGIONS),
            "tissue_names": PARTS,
            "around": AROUND,
            "voxel_mm": voxel_mm,
            "seed": seed,
        },
    )


def _facts(number: int, arrays: Arrays) -> dict[str, object]:
    """A row of the table of people."""
    ml = {part: float(arrays[f"{part}_ml"]) for part in PARTS}
    core = ml["necrosis"] + ml["net"] + ml["enhancing"]
    marks = _marks(arrays)
    return {
        "person": number,
        "age": round(float(arrays["age"]), 3),
        "sex": "M" if arrays["male"] > 0.5 else "F",
        "ventricle_factor": round(float(arrays["ventricle_factor"]), 3),
        "foci": int(arrays["foci"]),
        "enhancing": not marks["no_enhancing"],
        "et_ml": round(ml["enhancing"], 2),
        "core_ml": round(core, 2),
        "oedema_ml": round(ml["oedema"], 2),
        "tumour_ml": round(core + ml["oedema"], 2),
        "brain_ml": round(sum(ml.values()), 1),
        **marks,
        "rare": any(marks.values()),
    }
