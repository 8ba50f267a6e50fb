"""One visit of one person: modalities on one grid, what was drawn, where the brain is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

MODALITIES = ("T1", "T1ce", "T2", "FLAIR", "PD", "CT", "PET")

LABELS = {"background": 0, "brain": 1, "lesion": 2, "oedema": 3, "core": 4, "enhancing": 5, "ignore": 255}
"""Label numbers of every set. ``core``: necrotic or solid core that does not enhance; ``lesion``: of no stated part."""

LESIONS = (LABELS["lesion"], LABELS["oedema"], LABELS["core"], LABELS["enhancing"])
REGIONS = {"wt": LESIONS, "tc": (LABELS["core"], LABELS["enhancing"]), "et": (LABELS["enhancing"],)}
"""Whole tumour, tumour core and enhancing tumour, as BraTS scores them."""


class ScanError(ValueError):
    """Files of a brain that cannot be read as one scan; the message names file, found and expected."""


@dataclass(frozen=True, eq=False)
class Scan:
    """One visit of one person on one grid.

    Attributes
    ----------
    subject, visit : str
        The person, and which of the person's scans it is. Splits go by ``subject``.
    modalities : dict of float32 arrays (x, y, z)
        By names of ``MODALITIES``; a missing modality is an absent key.
    affine : (4, 4)
        Voxel to millimetres, x to the right, y to the front, z upward (RAS).
    brain : bool (x, y, z) or None
        Brain mask, None where nobody gave one.
    lesion : uint8 (x, y, z) or None
        Numbers of ``LABELS``, 0 where nothing was drawn; None where nobody drew (which is not "healthy").
    facts : dict of str
        Site, group, age: what names and tables of the set say.
    files : dict of str
        Where each part came from, for messages.
    """

    subject: str
    visit: str
    modalities: dict[str, np.ndarray]
    affine: np.ndarray
    brain: np.ndarray | None = None
    lesion: np.ndarray | None = None
    facts: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.modalities:
            raise ScanError(f"{self.subject}: no modality, expected at least one of {', '.join(MODALITIES)}")
        parts = {**self.modalities, "brain": self.brain, "lesion": self.lesion}
        shapes = {name: values.shape for name, values in parts.items() if values is not None}
        if len(set(shapes.values())) > 1 or len(self.shape) != 3:
            raise ScanError(f"{self.subject}: parts of different shapes, {shapes}; expected one 3D grid")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along x, y and z."""
        return next(iter(self.modalities.values())).shape

    @property
    def voxel_mm(self) -> np.ndarray:
        """Length of a voxel along the three axes of the array, mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    def present(self, wanted: tuple[str, ...]) -> np.ndarray:
        """Bool (modality,): which of the wanted modalities there are."""
        return np.array([modality in self.modalities for modality in wanted])

    def where(self, part: str) -> str:
        """The file of a part, or person and part where it came from none."""
        return self.files.get(part, f"{self.subject} {part}")
