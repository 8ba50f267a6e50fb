"""The heads of ``brain_sites`` as volumes, (person, modality, height, row, column), for methods in 3D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from disentangle.imaging.brain.cohort import assignments, check_modalities, picture_person
from disentangle.imaging.brain.lesions import check_kinds
from disentangle.imaging.brain.sections import Grid
from disentangle.imaging.brain.sites import TRAINING_SITES, check_sites

BRAIN_MM = (162.0, 192.0, 158.0)
MIDDLE_Z_MM = 7.0


@dataclass(frozen=True, eq=False)
class Volumes:
    """Volumes of people; z runs from below upward, rows from front to back, columns from right to left.

    Attributes
    ----------
    images, twins : float32 (person, modality, height, row, column), 0..1
    masks, brain_masks, ignore : bool (person, height, row, column)
    labels : uint8 (person, height, row, column), ``cohort.LABELS``
    subjects : DataFrame, a row per person
    grid : the grid; its spacing is ``pixel_mm`` along all axes
    """

    images: np.ndarray
    twins: np.ndarray
    masks: np.ndarray
    brain_masks: np.ndarray
    ignore: np.ndarray
    labels: np.ndarray
    subjects: pd.DataFrame
    grid: Grid
    modalities: tuple[str, ...]


def volume_grid(spacing_mm: float, shape: tuple[int, int, int] | None = None) -> Grid:
    """Grid of cubic voxels over the head: ``shape`` is (height, row, column), by default what a head needs."""
    if not 0.5 <= spacing_mm <= 10:
        raise ValueError(f"brain volumes: spacing_mm is {spacing_mm}, expected 0.5..10")
    columns, rows, height = (2 * round(length / spacing_mm / 2) for length in BRAIN_MM)
    height, rows, columns = shape or (height, rows, columns)
    heights = MIDDLE_Z_MM + spacing_mm * (np.arange(height) - (height - 1) / 2)
    return Grid(rows, columns, float(spacing_mm), tuple(float(round(z, 3)) for z in heights))


def load_volumes(
    people: int,
    seed: int = 0,
    spacing_mm: float = 2.0,
    shape: tuple[int, int, int] | None = None,
    sites: tuple[str, ...] = TRAINING_SITES,
    lesions: tuple[str, ...] = ("healthy", "glioma"),
    modalities: tuple[str, ...] = ("T1", "T2", "FLAIR"),
    held_out: bool = False,
) -> Volumes:
    """The people of ``cohort.load`` with these options as volumes: the same heads, lesions and scans.

    Slices are as thick as the protocol says, but at least ``spacing_mm``. Held-out sites and lesions are refused
    unless ``held_out`` is true.
    """
    sites, lesions = check_sites(tuple(sites), held_out), check_kinds(tuple(lesions), held_out)
    modalities = check_modalities(tuple(modalities))
    grid = volume_grid(spacing_mm, shape)
    table = assignments(people, seed, sites, lesions)
    made = [picture_person(row, seed, grid, modalities, True, spacing_mm) for row in table.to_dict("records")]
    facts = pd.DataFrame([person.facts for person in made], index=table["subject"])
    stacks = {part: np.stack([person.arrays[part] for person in made]) for part in made[0].arrays}
    return Volumes(
        images=stacks["images"].swapaxes(1, 2),
        twins=stacks["twins"].swapaxes(1, 2),
        masks=stacks["masks"],
        brain_masks=stacks["brain_masks"],
        ignore=stacks["ignore"],
        labels=stacks["labels"],
        subjects=pd.concat([table.set_index("subject"), facts], axis=1),
        grid=grid,
        modalities=modalities,
    )
