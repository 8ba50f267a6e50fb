"""Cohort ``acdc``: cine cardiac MR at end-diastole and end-systole with RV, MYO and LV.

Two layouts under one name: the provider's NIfTI (``acdc_nifti``) and the HDF5 of the semi-supervised benchmarks
(``acdc_hdf5``). HDF5 was tried on original files (60 people), the provider's layout was built from
documentation and tested on synthetic files.

**Grid.** With NIfTI the pixel is 1.37 mm (paper section 5). HDF5 states no spacing, so its pixel stays native
(nominally 1.2 to 1.7 mm) and nothing is interpolated: ejection fractions, but no mL. The image is the square of
128 x 128 such pixels around the moving heart; see ``window`` for what happens where a structure would be cut.

**Grey values.** The 5th to 95th percentile of the volume become 0 and 1, clipped, as in the authors' code, in
128 levels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from disentangle.imaging.cardiac import acdc_hdf5, acdc_nifti
from disentangle.imaging.cardiac.handedness import Handedness, check_people
from disentangle.imaging.cardiac.labels import CardiacError, enclosed_share
from disentangle.imaging.cardiac.stacks import BETWEEN, Grid, Person, assemble, measure_handedness
from disentangle.imaging.cohort import Cohort, Provenance

PROVENANCE = Provenance(
    real=True,
    source="ACDC 2017, cine MR at end-diastole and end-systole",
    licence="free with citation; mirrors state CC BY-NC-SA 4.0",
    citation="Bernard et al., IEEE Transactions on Medical Imaging 37:2514, 2018; doi:10.1109/TMI.2018.2837502",
    note="Figures may be shown with citation for non-commercial purposes; weights trained on it are not published.",
)
NIFTI, HDF5 = "nifti", "hdf5"
POOL_SEED = 1  # as in the authors' code


def load(
    folder: Path,
    *,
    size: int = 128,
    coarser: float = 1.0,
    percentiles: tuple[float, float] = (5.0, 95.0),
    frames: str = "labelled",
    between: int | None = None,
    label_order: str = "acdc",
) -> Cohort:
    """Read all people of a folder.

    Parameters
    ----------
    folder
        Either layout, at any depth; both in one folder are refused.
    size, coarser, percentiles
        See ``stacks.Grid``; ``size=224`` is the paper's, ``size=64, coarser=2`` shows the same field in 64x64.
    frames
        "labelled": ED and ES. "all": also those between, label 255 (unknown) in every pixel, ``labelled`` False
        and phase "between" (NIfTI only).
    between
        Of those between at most so many slices a person, drawn at random and always the same; None: every one, which is
        about 250 a person and 1.6 GB of 128 x 128 pixels for a hundred people.
    label_order
        What the numbers in the files mean: "acdc" (RV 1, MYO 2, LV 3) or "mnms" (LV 1, MYO 2, RV 3).

    Returns
    -------
    Cohort
        Images float32 (slice, 1, size, size) in 0..1; labels uint8 RV 1, MYO 2, LV 3; samples with subject, phase,
        slice, diagnosis and the geometry that ``window.to_native`` needs; subjects with diagnosis, handedness
        score (near 1) and direction of RV. Spacing in mm, NaN for HDF5.

    Raises
    ------
    CardiacError
        For a folder that is not as documented, wrong label maps and mirrored hearts.
    """
    if frames not in ("labelled", "all"):
        raise CardiacError(f"frames is {frames!r}, expected 'labelled' or 'all'")
    if between is not None and (between < 1 or frames != "all"):
        raise CardiacError(f"between is {between} and frames {frames!r}, expected at least 1, and frames='all'")
    grid = Grid(size, coarser, percentiles)
    layout, readers = _readers(Path(folder), frames == "all", label_order)
    measured: dict[str, Handedness] = {}

    def people() -> Iterator[Person]:
        for subject, read in readers.items():
            person = read()
            measured[subject] = measure_handedness(person)
            yield person

    def assembled(people: Iterator[Person]) -> Cohort:
        return assemble("acdc", people, grid, PROVENANCE, facts={"layout": layout})

    if between is None:
        cohort = assembled(people())
    else:
        cohort = _joined([_thinned(assembled(iter([person])), between) for person in people()])
    check_people(list(measured.values()), str(folder))
    cohort.subjects["handedness"] = [measured[subject].score for subject in cohort.subjects.index]
    cohort.subjects["rv_direction"] = [measured[subject].rv_direction for subject in cohort.subjects.index]
    return cohort


def _thinned(person: Cohort, most: int) -> Cohort:
    """One person with at most so many slices of the frames that nobody has drawn."""
    undrawn = np.flatnonzero(person.samples["phase"] == BETWEEN)
    drawn = np.flatnonzero(person.samples["phase"] != BETWEEN)
    kept = np.random.default_rng(POOL_SEED).permutation(undrawn)[:most]
    return person.select(np.concatenate([drawn, np.sort(kept)]))


def _joined(people: Sequence[Cohort]) -> Cohort:
    """The cohorts of single people as one."""
    return replace(
        people[0],
        samples=pd.concat([one.samples for one in people], ignore_index=True),
        subjects=pd.concat([one.subjects for one in people]),
        **{part: np.concatenate([getattr(one, part) for one in people]) for part in ("images", "labels", "spacing_mm")},
    )


def native_labels(folder: Path, label_order: str = "acdc") -> dict[tuple[str, str], np.ndarray]:
    """The drawn labels on their own grids, uint8 (slice, row, column) by (subject, phase): the truth for scores.

    For HDF5 ``window.to_native(cohort.labels, cohort.samples)`` is the same without the folder; NIfTI is
    resampled, so there the folder is needed.
    """
    _, readers = _readers(Path(folder), False, label_order)
    people = [read() for read in readers.values()]
    return {(person.subject, stack.phase): stack.labels for person in people for stack in person.stacks}


def check(folder: Path) -> tuple[list[tuple[str, str, str]], list[str]]:
    """What lies in a folder of ACDC: (what, found, expected) and problems. Every labelled frame is read."""
    try:
        layout, readers = _readers(Path(folder), False, "acdc")
    except CardiacError as error:
        return [], [str(error)]
    problems, groups, slices, shares, measured = [], Counter(), 0, [], {}
    for subject, read in readers.items():
        try:
            person = read()
        except CardiacError as error:
            problems.append(str(error))
            continue
        groups[person.diagnosis] += 1
        slices += sum(len(stack.images) for stack in person.stacks)
        shares += [enclosed_share(stack.labels) for stack in person.stacks]
        measured[subject] = measure_handedness(person)
    lines = [
        ("layout", layout, "the provider's nifti, or hdf5"),
        ("people", str(len(readers)), "100 in the training part, 150 in all; any number will do"),
        ("diagnoses", ", ".join(f"{group} {n}" for group, n in sorted(groups.items())), "as many of each of five"),
        ("labelled slices", f"{slices:,}", "about 19 a person"),
        ("unusable people", str(len(problems)), "0"),
    ]
    if measured:
        lines += [
            ("rim of LV that is MYO", f"at least {min(shares):.0%}", "at least 90 %"),
            ("handedness", _scores(measured), "mean near 1 (SD 0.35 over people), -1 is mirrored"),
        ]
    try:
        check_people(list(measured.values()), str(folder))
    except CardiacError as error:
        problems.append(str(error))
    return lines, problems[:5]


def _scores(measured: dict[str, Handedness]) -> str:
    scores = {subject: one.score for subject, one in measured.items()}
    odd = [subject for subject, score in sorted(scores.items()) if score < 0]
    remark = f"; look at {', '.join(odd[:5])}" if odd else ""
    return f"mean {sum(scores.values()) / len(scores):.2f}, lowest {min(scores.values()):.2f}{remark}"


def _readers(folder: Path, every_frame: bool, label_order: str) -> tuple[str, dict[str, Callable[[], Person]]]:
    """The layout of a folder, and a function that reads each person."""
    volumes, files = acdc_hdf5.find(folder), acdc_nifti.find(folder)
    if volumes and files:
        raise CardiacError(
            f"{folder}: two layouts in one folder, {len(volumes)} people as HDF5 and {len(files)} as NIfTI; "
            "their grids differ, give each a folder of its own"
        )
    if volumes and every_frame:
        raise CardiacError(f"{folder}: the HDF5 layout has ED and ES alone, frames='all' needs the provider's NIfTI")
    if volumes:
        return HDF5, {s: lambda s=s: acdc_hdf5.read(s, volumes[s], label_order) for s in volumes}
    if files:
        return NIFTI, {s: lambda s=s: acdc_nifti.read(s, files[s], label_order, every_frame) for s in files}
    listing = ", ".join(sorted(p.name for p in folder.iterdir())[:6]) or "nothing"
    raise CardiacError(
        f"{folder}: neither patientNNN_frameXX.h5 nor patientNNN/patientNNN_frameXX.nii.gz in it, found {listing}"
    )
