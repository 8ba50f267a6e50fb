"""From the frames of people to a cohort: grey values scaled, window cut, tables filled; the same for every layout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from disentangle.imaging.cardiac import handedness
from disentangle.imaging.cardiac.labels import BACKGROUND, UNKNOWN, CardiacError
from disentangle.imaging.cardiac.window import Window, place
from disentangle.imaging.cohort import Cohort, Provenance

LEVELS = 128
"""Grey levels: steps of 0.008 are well below the noise of cine MR, and 256 would make the pack too large to travel."""

END_DIASTOLE, END_SYSTOLE, BETWEEN = "ED", "ES", "between"


@dataclass(frozen=True)
class Stack:
    """Short-axis slices of one person at one moment, on their native grid.

    ``images`` float32 (slice, row, column) in the file's own units; ``labels`` uint8 of the same shape, or None
    where nobody has drawn; ``frame`` is the number in the file name; ``slices`` are the slices' numbers.
    """

    phase: str
    frame: int
    images: np.ndarray
    labels: np.ndarray | None
    slices: tuple[int, ...]


@dataclass(frozen=True)
class Person:
    """All stacks of one person; ``spacing_mm`` is (row, column, slice), NaN where the files do not say."""

    subject: str
    diagnosis: str
    stacks: tuple[Stack, ...]
    spacing_mm: tuple[float, float, float] = (float("nan"),) * 3
    facts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """How a cohort shows a heart.

    ``size``: side of the images in pixels; ``coarser``: pixel size in units of the layout's own (1.37 mm where
    the files state a spacing, else the native pixel); ``percentiles``: grey values of the whole volume that
    become 0 and 1; ``margin``: pixels around what is drawn that the window must hold as well.
    """

    size: int = 128
    coarser: float = 1.0
    percentiles: tuple[float, float] = (5.0, 95.0)
    pixel_mm: float = 1.37
    margin: int = 0

    def __post_init__(self) -> None:
        low, high = self.percentiles
        if self.size < 16 or not 0.25 <= self.coarser <= 8:
            raise CardiacError(f"size {self.size} and coarser {self.coarser}: expected at least 16, and 0.25 to 8")
        if not 0 <= low < high <= 100:
            raise CardiacError(f"percentiles are {self.percentiles}, expected 0 <= low < high <= 100")


def check_person(person: Person) -> None:
    """Refuse what cannot be a short-axis stack of one heart at end-diastole and end-systole."""
    for stack in person.stacks:
        where = f"{person.subject} frame {stack.frame}"
        if stack.images.ndim != 3 or len(stack.images) < 3:
            raise CardiacError(f"{where}: {stack.images.shape}, expected a stack of at least 3 slices")
        if not np.isfinite(stack.images).all():
            raise CardiacError(f"{where}: grey values hold NaN or infinite numbers")
        if stack.images.max() <= stack.images.min():
            raise CardiacError(f"{where}: every grey value is {stack.images.min():g}")
        if stack.labels is not None and stack.labels.shape != stack.images.shape:
            raise CardiacError(f"{where}: image is {stack.images.shape} but mask is {stack.labels.shape}")
    grids = {stack.images.shape[1:] for stack in person.stacks}
    if len(grids) > 1:
        raise CardiacError(f"{person.subject}: frames of different sizes, {sorted(grids)}")


def measure_handedness(person: Person) -> handedness.Handedness:
    """Score and direction of RV, averaged over the frames that are drawn."""
    drawn = [stack for stack in person.stacks if stack.labels is not None]
    found = [handedness.measure(stack.images, stack.labels) for stack in drawn]
    angles = np.radians([one.rv_direction for one in found])
    direction = np.degrees(np.arctan2(np.nanmean(np.sin(angles)), np.nanmean(np.cos(angles)))) % 360
    return handedness.Handedness(float(np.nanmean([one.score for one in found])), float(direction))


def assemble(name: str, people: Iterable[Person], grid: Grid, provenance: Provenance, *, facts: dict) -> Cohort:
    """The cohort of these people, one image per slice, in the order of people, phase and slice.

    ``facts`` are remarks for ``Cohort.extra``. Samples: subject, phase, frame, slice, diagnosis, labelled and
    the geometry that ``window.to_native`` needs. Spacing is that of the cohort's pixels in mm, or NaN.
    """
    images, labels, samples, subjects, spacing = [], [], [], [], []
    for person in people:
        window = _window(person, grid)
        for stack, limits in zip(person.stacks, _limits(person, grid), strict=True):
            scaled = np.clip((stack.images - limits[0]) / (limits[1] - limits[0]), 0, 1)
            images.append(np.rint(window.cut(scaled.astype(np.float32)) * (LEVELS - 1)) / (LEVELS - 1))
            labels.append(_labels(stack, window))
            samples += _rows(person, stack, window)
        subjects.append({"subject": person.subject, "diagnosis": person.diagnosis, **person.facts})
        step = np.array([window.step_row, window.step_column]) * person.spacing_mm[:2]
        spacing.append(np.tile(step, (sum(len(stack.images) for stack in person.stacks), 1)))
    return Cohort(
        name=name,
        images=np.concatenate(images)[:, None].astype(np.float32),
        samples=pd.DataFrame(samples),
        subjects=pd.DataFrame(subjects).set_index("subject"),
        spacing_mm=np.concatenate(spacing).astype(np.float32),
        provenance=provenance,
        labels=np.concatenate(labels),
        extra=facts,
    )


def _window(person: Person, grid: Grid) -> Window:
    millimetres = np.array(person.spacing_mm[:2])
    steps = grid.pixel_mm / millimetres if np.isfinite(millimetres).all() else np.ones(2)
    steps = tuple(float(step) for step in steps * grid.coarser)
    ends = [stack for stack in person.stacks if stack.phase != BETWEEN][:2]
    shared = sorted(set.intersection(*(set(stack.slices) for stack in ends)))
    both = [stack.images[[stack.slices.index(one) for one in shared]] for stack in ends] if shared else []
    drawn = [(stack.labels > BACKGROUND).any(axis=0) for stack in person.stacks if stack.labels is not None]
    heart = np.any(drawn, axis=0) if drawn else None
    return place(both or [ends[0].images], heart, steps, grid.size, coarser=grid.coarser, margin=grid.margin)


def _limits(person: Person, grid: Grid) -> list[tuple[float, float]]:
    """Grey values that become 0 and 1: of the volume itself, for frames between those of the whole series."""
    between = [stack.images for stack in person.stacks if stack.phase == BETWEEN]
    series = _percentiles(np.stack(between), grid, person.subject) if between else None
    return [
        series if stack.phase == BETWEEN else _percentiles(stack.images, grid, f"{person.subject} frame {stack.frame}")
        for stack in person.stacks
    ]


def _percentiles(values: np.ndarray, grid: Grid, where: str) -> tuple[float, float]:
    low, high = (float(value) for value in np.percentile(values, grid.percentiles))
    if high <= low:
        raise CardiacError(f"{where}: percentiles {grid.percentiles} of the grey values are both {low:g}")
    return low, high


def _labels(stack: Stack, window: Window) -> np.ndarray:
    if stack.labels is None:
        return np.full((len(stack.images), window.size, window.size), UNKNOWN, np.uint8)
    return window.cut_labels(stack.labels)


def _rows(person: Person, stack: Stack, window: Window) -> list[dict]:
    shared = {
        "subject": person.subject,
        "phase": stack.phase,
        "frame": stack.frame,
        "diagnosis": person.diagnosis,
        "labelled": stack.labels is not None,
        "native_rows": window.rows,
        "native_columns": window.columns,
        "top": window.top,
        "left": window.left,
        "step_row": window.step_row,
        "step_column": window.step_column,
        "window": window.found,
        "slice_mm": person.spacing_mm[2],
    }
    return [{**shared, "slice": number} for number in stack.slices]
