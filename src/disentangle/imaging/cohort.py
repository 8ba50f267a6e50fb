"""The one form in which every method receives images, simulated or real."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Provenance:
    """Where a cohort comes from and on what terms.

    ``real`` is true where the grey values were measured in people; a cohort with real outlines
    and simulated grey values is not real.
    """

    real: bool
    source: str
    licence: str
    citation: str
    note: str = ""
    figures_allowed: bool = True


@dataclass(frozen=True)
class Cohort:
    """Images of many people with all that is known about them.

    Attributes
    ----------
    name : str
        The data name, never a path (``lidc``, ``acdc``, ...).
    images : float32 array, (image, channel, height, width) or (image, channel, depth, height, width)
        Values in 0..1 unless the cohort's loader says otherwise.
    samples : DataFrame, one row per image
        Has at least the column ``subject``; row i describes ``images[i]``.
    subjects : DataFrame, one row per person, indexed by ``subject``
    spacing_mm : float32 array, (image, spatial axes)
    masks, labels : array (image, ...) or None
        Region of interest (bool) and class labels (integer) on the grid of the images.
    extra : dict
        What else a method wants to know. Arrays with a row an image, such as ``brain_masks``, follow the images.
    provenance : Provenance
    """

    name: str
    images: np.ndarray
    samples: pd.DataFrame
    subjects: pd.DataFrame
    spacing_mm: np.ndarray
    provenance: Provenance
    masks: np.ndarray | None = None
    labels: np.ndarray | None = None
    extra: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.images)
        if self.images.ndim not in (4, 5):
            raise ValueError(
                f"cohort {self.name}: images have the shape {self.images.shape}, expected (image, channel, height, "
                "width), or with a depth before the height"
            )
        if not self.subjects.index.is_unique:
            twice = self.subjects.index[self.subjects.index.duplicated()][0]
            raise ValueError(f"cohort {self.name}: {twice!r} stands twice in subjects, expected one row a person")
        parts = {
            "samples": self.samples,
            "spacing_mm": self.spacing_mm,
            "masks": self.masks,
            "labels": self.labels,
        }
        for part, values in parts.items():
            if values is not None and len(values) != n:
                raise ValueError(f"cohort {self.name}: {len(values)} rows in {part} but {n} images")
        if "subject" not in self.samples:
            raise ValueError(f"cohort {self.name}: samples lack the column 'subject', found {list(self.samples)}")
        unknown = set(self.samples["subject"]) - set(self.subjects.index)
        if unknown:
            raise ValueError(
                f"cohort {self.name}: {len(unknown)} subjects of samples are missing in subjects, "
                f"such as {sorted(unknown)[:3]}"
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def real(self) -> bool:
        return self.provenance.real

    @property
    def people(self) -> int:
        """Number of different people."""
        return int(self.samples["subject"].nunique())

    @cached_property
    def sha256(self) -> str:
        """Checksum over pixels, masks, labels, spacing and both tables."""
        digest = hashlib.sha256(self.name.encode())
        for array in (self.images, self.masks, self.labels, self.spacing_mm):
            if array is not None:
                digest.update(f"{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array))
        for table in (self.samples, self.subjects):
            digest.update(table.to_csv(float_format="%.6g").encode())
        return digest.hexdigest()

    def select(self, rows: np.ndarray) -> Cohort:
        """The cohort of some images: ``rows`` is a boolean mask or an index array over images."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        samples = self.samples.iloc[rows].reset_index(drop=True)
        take = {
            part: getattr(self, part)[rows]
            for part in ("images", "spacing_mm", "masks", "labels")
            if getattr(self, part) is not None
        }
        extra = {key: value[rows] if self._per_image(value) else value for key, value in self.extra.items()}
        people = self.subjects.loc[samples["subject"].unique()]
        return replace(self, samples=samples, subjects=people, extra=extra, **take)

    def _per_image(self, value: object) -> bool:
        """Whether a part of ``extra`` has a row an image."""
        return isinstance(value, np.ndarray) and value.ndim > 0 and len(value) == len(self)

    def of_people(self, subjects: np.ndarray) -> Cohort:
        """The cohort of some people."""
        return self.select(self.samples["subject"].isin(set(subjects)).to_numpy())
