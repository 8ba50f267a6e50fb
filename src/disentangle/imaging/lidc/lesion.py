"""One lesion as its readers saw it, and their consensus."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

RATINGS = (
    "subtlety",
    "internal_structure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
    "malignancy",
)


@dataclass(frozen=True, eq=False)
class Lesion:
    """One lesion: the outlines and ratings of all annotations that were grouped together.

    Attributes
    ----------
    id : int
        Position in the table, from 0.
    patient, series_uid : str
        ``LIDC-IDRI-0001`` and the series instance UID of the scan.
    scan : int
        Number of the scan in the annotation database, from 1.
    first_scan_of_patient : bool
        False for lesions of the second scan of the eight patients with two.
    spacing_mm : float
        Side of a (square) pixel.
    slice_thickness_mm, slice_spacing_mm : float
        Thickness as the scanner noted it; median distance of neighbouring slices of the scan.
    contrast : bool
        Contrast agent was given.
    z_mm : float array, (slice,)
        True position of the slices of the box, ascending; no slice of the scan between them is left out.
    slice_offset, row_offset, column_offset : int
        Place of the box in the scan (slices sorted by ascending z; 512 x 512 pixels).
    reader_masks : bool array, (reader, slice, row, column)
        Interior of each reader's outlines in the tight box around all of them.
    ratings : int array, (reader, 9)
        In the order of ``RATINGS``. Readers are anonymous: reader 0 of two lesions may be two people.
    """

    id: int
    patient: str
    series_uid: str
    scan: int
    first_scan_of_patient: bool
    spacing_mm: float
    slice_thickness_mm: float
    slice_spacing_mm: float
    contrast: bool
    z_mm: np.ndarray = field(repr=False)
    slice_offset: int
    row_offset: int
    column_offset: int
    reader_masks: np.ndarray = field(repr=False)
    ratings: np.ndarray = field(repr=False)

    @property
    def readers(self) -> int:
        """Number of annotations; above four where touching lesions could not be told apart."""
        return len(self.reader_masks)

    def rating(self, name: str) -> np.ndarray:
        """The readers' values of one of ``RATINGS``, (reader,)."""
        return self.ratings[:, RATINGS.index(name)]

    def consensus(self, level: float = 0.5) -> np.ndarray:
        """Voxels that at least the share ``level`` of the readers include: bool (slice, row, column)."""
        return self.reader_masks.mean(axis=0) >= level
