"""Who takes part: simulated healthy heads, every one in six styles, so that the true swap of any two is known.

A style is one sequence at one site. Heads of `imaging.brain` are drawn once and rendered under each protocol; all that
differs between two styles of a head is the scanner (and its noise). Our choice throughout: no paper did this.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import torch

from disentangle.imaging import datasets
from disentangle.imaging.cohort import Cohort, Provenance

DATA = "brain_sites"
SITES = ("A", "B", "D")
SEQUENCES = ("T1", "T2")
STYLES = tuple(f"{site} {sequence}" for site in SITES for sequence in SEQUENCES)
TARGETS = ("csf", "gm", "wm", "area")
"""What is biology: share of each tissue of the brain in the section, and the brain's area as a part of the picture."""
SIDE = 64
SEEDS = {"training": 20, "validation": 21, "test": 22}
"""One seed of heads for each part, so that no head is in two."""


@dataclass(frozen=True)
class Plan:
    """How many heads learn, validate and are tested, and in how many axial sections each."""

    training: int = 40
    validation: int = 10
    test: int = 24
    sections: int = 6


FULL = Plan()
"""The plan of the grid of cells: 1440 training images of 64 x 64 pixels of 3.1 mm."""
TINY = Plan(training=4, validation=2, test=2, sections=2)


@dataclass(frozen=True)
class Part:
    """Heads in all styles.

    ``images`` float32 (head, section, style, side, side) in 0..1 and 0 outside the brain; ``labels`` uint8 (head,
    section, side, side), 0 outside, 1 CSF, 2 grey, 3 white matter; ``brain`` bool, the same; ``subjects`` (head,).
    """

    images: np.ndarray
    labels: np.ndarray
    brain: np.ndarray
    subjects: np.ndarray
    provenance: Provenance

    @property
    def grid(self) -> tuple[int, int, int]:
        """Numbers of heads, sections and styles."""
        return self.images.shape[:3]

    @property
    def flat(self) -> np.ndarray:
        """Images in rows, (head * section * style, side, side), styles running fastest."""
        return self.images.reshape(-1, *self.images.shape[3:])

    @property
    def flat_brain(self) -> np.ndarray:
        """The brain of each row of `flat`."""
        return np.repeat(self.brain.reshape(-1, *self.brain.shape[2:]), self.grid[2], axis=0)

    @property
    def head(self) -> np.ndarray:
        """The head's number of each row."""
        return np.indices(self.grid)[0].ravel()

    @property
    def place(self) -> np.ndarray:
        """The number of head and section together, of each row."""
        heads, sections, _ = self.grid
        return np.repeat(np.arange(heads * sections), self.grid[2])

    @property
    def style(self) -> np.ndarray:
        """The style's number of each row."""
        return np.indices(self.grid)[2].ravel()

    @property
    def targets(self) -> np.ndarray:
        """Biology of each row, (row, target), in the order of `TARGETS`: parts of 1."""
        size = self.brain.sum((2, 3))
        shares = [(self.labels == tissue).sum((2, 3)) / np.maximum(size, 1) for tissue in (1, 2, 3)]
        values = np.stack([*shares, size / self.brain[0, 0].size], axis=-1)
        return np.repeat(values.reshape(-1, len(TARGETS)), self.grid[2], axis=0)

    def cohort(self) -> Cohort:
        """The rows as a cohort, with tissues as labels."""
        subject = self.subjects[self.head]
        samples = pd.DataFrame({"subject": subject, "place": self.place, "style": np.array(STYLES)[self.style]})
        rows = len(samples)
        return Cohort(
            name=DATA,
            images=self.flat[:, None],
            samples=samples,
            subjects=pd.DataFrame(index=pd.Index(self.subjects, name="subject")),
            spacing_mm=np.full((rows, 2), 200 / SIDE, np.float32),
            provenance=self.provenance,
            masks=self.flat_brain,
            labels=np.repeat(self.labels.reshape(-1, *self.labels.shape[2:]), self.grid[2], axis=0),
        )


@lru_cache(maxsize=8)
def people(plan: Plan, part: str) -> Part:
    """The heads of a part of the plan: "training", "validation" or "test"."""
    if part not in SEEDS:
        raise ValueError(f"no part {part!r}, expected one of {', '.join(SEEDS)}")
    scanned = [_scanned(getattr(plan, part), SEEDS[part], plan.sections, site) for site in SITES]
    first = scanned[0]
    shape = (-1, plan.sections, SIDE, SIDE)
    brain = np.logical_and.reduce([cohort.extra["brain_masks"] for cohort in scanned]).reshape(shape)
    images = np.stack([cohort.images[:, at] for cohort in scanned for at in range(len(SEQUENCES))], axis=1)
    images = images.reshape(-1, plan.sections, len(STYLES), SIDE, SIDE).clip(0, 1) * brain[:, :, None]
    labels = np.minimum(first.labels, 3).reshape(shape) * brain
    subjects = first.samples["subject"].unique().astype(str)
    return Part(images.astype(np.float32), labels.astype(np.uint8), brain, subjects, first.provenance)


def donors(heads: int) -> np.ndarray:
    """Whose style each head gets: the next head, the last one that of the first. Raises ValueError for one head."""
    if heads < 2:
        raise ValueError(f"{heads} head, expected at least 2: a style comes from another head")
    return np.roll(np.arange(heads), -1)


def _scanned(heads: int, seed: int, sections: int, site: str) -> Cohort:
    with _one_thread():
        return datasets.load(
            DATA, people=heads, seed=seed, size=SIDE, slices=sections, sites=(site,), lesions=("healthy",),
            twins=False, modalities=SEQUENCES,
        )  # fmt: skip


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums of several threads differ in the last bit, and with them the checksum by which models are found again."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
