"""Cohort ``sunnybrook``: cine cardiac MR as PNG with the cavity of the left ventricle, of other people and scanners.

Layout: ``images/`` and ``labels/`` with the same names ``SC-<group>-<nn>-IM-<series>-<number>.dcm.png``; RGB grey
pictures, masks 0 and 255. Tried on original files (12 people). The prefix is the person. 20 pictures make a
slice, so the number gives slice and moment; of a person's two moments that with the larger cavity is
end-diastole. Spacing is not stored. MYO and RV are not drawn: 0 means "not LV", and neither the label map nor
the handedness can be checked (looked at: RV lies left of LV, as in
``acdc``, but below it in SC-HF-I-01, which is turned).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from disentangle.imaging.cardiac.labels import LV, CardiacError
from disentangle.imaging.cardiac.stacks import END_DIASTOLE, END_SYSTOLE, Grid, Person, Stack, assemble, check_person
from disentangle.imaging.cohort import Cohort, Provenance

PROVENANCE = Provenance(
    real=True,
    source="Sunnybrook Cardiac Data 2009, cine MR slices at end-diastole and end-systole",
    licence="CC0",
    citation="Radau et al., Evaluation framework for algorithms segmenting short axis cardiac MRI. MIDAS Journal, 2009",
    note="Only the cavity of LV is drawn, papillary muscles included; 0 means 'not LV'. Spacing is not stored.",
)
GROUPS = {"N": "normal", "HYP": "hypertrophy", "HF-I": "failure with infarct", "HF-NI": "failure without infarct"}
_NAME = re.compile(r"(SC-(N|HYP|HF-I|HF-NI)-\d+)-IM-(\d+)-(\d+)(\.dcm)?\.png")
_WALL = 14  # pixels: the undrawn myocardium around the cavity belongs into the picture
_MOMENTS = 20  # pictures of one slice over the heartbeat
_NEIGHBOURS = 2  # pictures by which a slice may have been drawn before or after the others


def load(
    folder: Path, *, size: int = 128, coarser: float = 1.0, percentiles: tuple[float, float] = (5.0, 95.0)
) -> Cohort:
    """Read all people; the same grid and grey values as HDF5 ``acdc``.

    The native pixel (nominally 1.25 mm) is smaller than that of most of ACDC, so hearts appear larger here.

    Images float32 (slice, 1, size, size) in 0..1; labels uint8 with LV 3 and 0. The samples' ``frame`` is the
    moment of the heartbeat, 0 to 19. Raises CardiacError on a picture without its mask or the reverse, colours,
    sizes that differ, and empty masks.
    """
    people = (_person(subject, numbers) for subject, numbers in _find(Path(folder)).items())
    grid = Grid(size, coarser, percentiles, margin=_WALL)
    return assemble("sunnybrook", people, grid, PROVENANCE, facts={"drawn": ["LV"]})


def check(folder: Path) -> tuple[list[tuple[str, str, str]], list[str]]:
    """What lies in a folder: (what, found, expected) and problems. Every picture is opened."""
    try:
        people = _find(Path(folder))
    except CardiacError as error:
        return [], [str(error)]
    problems, groups = [], Counter()
    for subject, numbers in people.items():
        try:
            groups[_person(subject, numbers).diagnosis] += 1
        except CardiacError as error:
            problems.append(str(error))
    lines = [
        ("people", str(len(people)), "12 in the part that the book uses, 45 in all"),
        ("pictures with masks", str(sum(map(len, people.values()))), "207 in the part that the book uses"),
        ("diagnoses", ", ".join(f"{group} {n}" for group, n in sorted(groups.items())), ", ".join(GROUPS)),
        ("unusable people", str(len(problems)), "0"),
    ]
    return lines, problems[:5]


def _find(folder: Path) -> dict[str, dict[int, tuple[Path, Path]]]:
    """Picture and mask of every number, by person."""
    images, labels = folder / "images", folder / "labels"
    for place in (images, labels):
        if not place.is_dir():
            raise CardiacError(f"{folder}: no folder {place.name!r}, expected images and labels")
    pictures, masks = ({p.name: p for p in sorted(place.glob("SC-*.png"))} for place in (images, labels))
    for lone, kind in ((pictures.keys() - masks.keys(), "mask"), (masks.keys() - pictures.keys(), "picture")):
        if lone:
            raise CardiacError(f"{folder}: {sorted(lone)[0]} has no {kind} ({len(lone)} such files)")
    people: dict[str, dict[int, tuple[Path, Path]]] = {}
    for name, path in pictures.items():
        named = _NAME.fullmatch(name)
        if named is None:
            raise CardiacError(f"{path}: expected a name like SC-HF-I-01-IM-0001-0048.dcm.png")
        numbers = people.setdefault(named[1], {})
        if int(named[4]) in numbers:
            raise CardiacError(f"{path}: picture {int(named[4])} of {named[1]} occurs in two series")
        numbers[int(named[4])] = (path, masks[name])
    if not people:
        raise CardiacError(f"{images}: no picture SC-*.png in it")
    return people


def _person(subject: str, numbers: dict[int, tuple[Path, Path]]) -> Person:
    stacks = [_stack({number: numbers[number] for number in chosen}) for chosen in _two_moments(subject, numbers)]
    stacks.sort(key=lambda stack: -float((stack[1] > 0).sum(axis=(1, 2)).mean()))
    group = subject.removeprefix("SC-").rpartition("-")[0]
    person = Person(
        subject,
        group,
        tuple(
            Stack(phase, slices[0] % _MOMENTS, images, labels, tuple((number - 1) // _MOMENTS for number in slices))
            for phase, (images, labels, slices) in zip((END_DIASTOLE, END_SYSTOLE), stacks, strict=True)
        ),
    )
    check_person(person)
    return person


def _two_moments(subject: str, numbers: Iterable[int]) -> list[list[int]]:
    """The numbers of a person's pictures at two moments; a picture beside the usual moment counts to it."""
    found = sorted({number % _MOMENTS for number in numbers})
    groups: list[list[int]] = []
    for moment in found:
        if groups and moment - groups[-1][-1] <= _NEIGHBOURS:
            groups[-1].append(moment)
        else:
            groups.append([moment])
    if len(groups) > 1 and groups[0][0] + _MOMENTS - groups[-1][-1] <= _NEIGHBOURS:  # over the end of the beat
        groups[0] = groups.pop() + groups[0]
    chosen = [sorted(number for number in numbers if number % _MOMENTS in group) for group in groups]
    slices = [[(number - 1) // _MOMENTS for number in group] for group in chosen]
    if len(groups) != 2 or any(len(set(group)) < len(group) for group in slices):
        raise CardiacError(
            f"{subject}: pictures of {len(found)} moments (number modulo {_MOMENTS}: {found}), "
            f"expected two, ED and ES, up to {_NEIGHBOURS} pictures apart in single slices"
        )
    return chosen


def _stack(pictures: dict[int, tuple[Path, Path]]) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    images, labels = [], []
    for picture, mask in pictures.values():
        grey, drawn = _read_grey(picture), _read_grey(mask)
        values = set(np.unique(drawn).tolist())
        if not values <= {0, 255}:
            raise CardiacError(f"{mask}: mask values {sorted(values)[:5]}, expected 0 and 255")
        if 255 not in values:
            raise CardiacError(f"{mask}: the mask is empty, expected the cavity of LV")
        if images and grey.shape != images[0].shape:
            raise CardiacError(f"{picture}: {grey.shape}, other slices of this person are {images[0].shape}")
        if grey.shape != drawn.shape:
            raise CardiacError(f"{picture}: image is {grey.shape} but mask is {drawn.shape}")
        images.append(grey.astype(np.float32))
        labels.append(np.where(drawn > 0, LV, 0).astype(np.uint8))
    return np.stack(images), np.stack(labels), tuple(pictures)


def _read_grey(path: Path) -> np.ndarray:
    """One 8-bit picture (row, column), grey or RGB with equal channels."""
    try:
        with Image.open(path) as picture:
            mode, pixels = picture.mode, np.asarray(picture)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise CardiacError(f"{path}: unreadable PNG ({type(error).__name__}: {error})") from error
    if pixels.dtype != np.uint8 or mode not in ("L", "RGB", "RGBA"):
        raise CardiacError(f"{path}: pixels are {pixels.dtype} (mode {mode}), expected 8-bit grey")
    if pixels.ndim == 3:
        if (pixels[..., :1] != pixels[..., :3]).any():
            raise CardiacError(f"{path}: a colour picture, expected grey")
        pixels = pixels[..., 0]
    return pixels
