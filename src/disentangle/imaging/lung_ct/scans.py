"""One chest CT with its lung, whatever file it came from: the form in which both readers hand it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

MASKS = ("auto", "drawn", "threshold")


class LungError(ValueError):
    """A scan or a lung mask that cannot be used; the message names the file."""


class TooSoft(LungError):
    """A scan that cannot be brought to the sharpness of a setting, or whose own cannot be measured."""


@dataclass(frozen=True)
class Options:
    """How scans are read. ``mask``: "drawn" from RTSTRUCT or a lung mask file, "threshold" from the grey values,
    "auto" drawn where there is one. ``allow_gaps``: accept series that lack slices."""

    mask: str = "auto"
    allow_gaps: bool = True


@dataclass(frozen=True)
class Scan:
    """A CT volume and its lung.

    Attributes
    ----------
    hu : float32 (slice, row, column)
        Rows run from front to back, columns from the person's right to left, as in axial DICOM.
    lung : bool, like ``hu``
        Without tumours that were drawn.
    z_mm : (slice,), rising
    spacing_mm : (row, column)
    mask : "rtstruct", "file" or "threshold"
    gaps : how many slices are missing in between
    """

    subject: str
    hu: np.ndarray
    lung: np.ndarray
    z_mm: np.ndarray
    spacing_mm: tuple[float, float]
    mask: str
    thickness_mm: float | None = None
    kernel: str = ""
    gaps: int = 0

    @property
    def step_mm(self) -> float:
        """Distance of neighbouring slices; where slices are missing, that of a complete series."""
        return step_of(self.z_mm, self.thickness_mm)

    @property
    def lung_ml(self) -> float:
        """Volume of the lung in the slices that are there, each as thick as the step."""
        return float(self.lung.sum()) * self.spacing_mm[0] * self.spacing_mm[1] * self.step_mm / 1000


@dataclass(frozen=True)
class Found:
    """A scan that lies in a folder, unread: whose it is, where, which masks it has."""

    subject: str
    place: Path
    kind: str
    read: Callable[[Options], Scan] = field(compare=False)
    masks: tuple[str, ...] = ()


def step_of(z_mm: np.ndarray, thickness_mm: float | None) -> float:
    """The commonest step between slices, unless it exceeds twice the thickness: then slices lack everywhere."""
    if len(z_mm) < 2:
        return thickness_mm or 1.0
    median = float(np.median(np.diff(z_mm)))
    return thickness_mm if thickness_mm and median > 2 * thickness_mm else median


def missing_slices(z_mm: np.ndarray, thickness_mm: float | None) -> int:
    """How many slices lack between the first and the last one."""
    steps = np.diff(z_mm)
    step = step_of(z_mm, thickness_mm)
    return int(np.round(steps[steps > 1.5 * step] / step - 1).sum())


def check_options(options: Options) -> None:
    """Refuse a kind of mask that does not exist."""
    if options.mask not in MASKS:
        raise LungError(f"mask is {options.mask!r}, expected one of {', '.join(MASKS)}")
