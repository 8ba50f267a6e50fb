"""ACDC in the layout of the semi-supervised benchmarks: one file patientNNN_frameXX.h5 per labelled volume.

Datasets ``image`` (slice, row, column; float32, scaled to 0..1 per volume) and ``label``. Spacing, the names of
the phases and the diagnosis are not stored. What fills the gap: pixels stay native; the earlier frame is
end-diastole, which the volume of LV must confirm; the patient's number gives the diagnosis.
"""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np

from disentangle.imaging.cardiac.labels import LV, CardiacError, check_structures, rename
from disentangle.imaging.cardiac.stacks import END_DIASTOLE, END_SYSTOLE, Person, Stack, check_person

_VOLUME = re.compile(r"(patient\d{3})_frame(\d+)\.h5")
_GROUPS = ((20, "DCM"), (40, "HCM"), (60, "MINF"), (80, "NOR"), (100, "RV"))


def diagnosis(subject: str) -> str:
    """Group of patient001 to patient100 by number (twenty each); "unknown" for the testing part."""
    number = int(subject.removeprefix("patient"))
    return next((group for last, group in _GROUPS if 1 <= number <= last), "unknown")


def find(folder: Path) -> dict[str, dict[int, Path]]:
    """Files of each person by frame number, anywhere below ``folder``; files of single slices are passed over."""
    people: dict[str, dict[int, Path]] = {}
    for path in sorted(Path(folder).rglob("*.h5")):
        named = _VOLUME.fullmatch(path.name)
        if named is None:
            continue
        frames = people.setdefault(named[1], {})
        if int(named[2]) in frames:
            raise CardiacError(f"{named[1]} frame {named[2]} lies in two places: {frames[int(named[2])]} and {path}")
        frames[int(named[2])] = path
    return dict(sorted(people.items()))


def read(subject: str, frames: dict[int, Path], label_order: str) -> Person:
    """One person. Raises CardiacError where frames, masks or the order of the phases are not as documented."""
    if len(frames) != 2:
        raise CardiacError(f"{subject}: {len(frames)} frames ({sorted(frames)}), expected two, ED and ES")
    stacks = []
    for phase, number in zip((END_DIASTOLE, END_SYSTOLE), sorted(frames), strict=True):
        image, label = _arrays(frames[number])
        labels = rename(label, label_order, str(frames[number]))
        stacks.append(Stack(phase, number, image.astype(np.float32), labels, tuple(range(len(image)))))
    person = Person(subject, diagnosis(subject), tuple(stacks))
    check_person(person)
    for stack in stacks:
        check_structures(stack.labels, str(frames[stack.frame]))
    first, second = (int((stack.labels == LV).sum()) for stack in stacks)
    if first <= second:
        raise CardiacError(
            f"{subject}: LV has {first} pixels in frame {stacks[0].frame} and {second} in frame {stacks[1].frame}; "
            "expected the earlier frame to be ED, and so the larger"
        )
    return person


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with h5py.File(path) as file:
            absent = [key for key in ("image", "label") if key not in file]
            if absent:
                raise CardiacError(f"{path}: no dataset {' and '.join(absent)}, found {sorted(file)}")
            image, label = file["image"][()], file["label"][()]
    except OSError as error:
        raise CardiacError(f"{path}: unreadable HDF5 file ({error})") from error
    for key, array in (("image", image), ("label", label)):
        if array.ndim != 3:
            raise CardiacError(f"{path}: {key} is {array.shape}, expected (slice, row, column)")
    return image, label
