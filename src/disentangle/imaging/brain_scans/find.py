"""From the folder of a set to its scans: which file is what, whether all lie on one grid, what the labels mean."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
from nilearn.datasets import load_mni152_brain_mask
from scipy import ndimage

from disentangle.imaging.brain_scans import nifti
from disentangle.imaging.brain_scans.layouts import LAYOUTS, Layout
from disentangle.imaging.brain_scans.scan import Scan, ScanError

_BRAIN, _LABELS = "brain", "labels"
_STRIPPED_SHARE = 0.75  # a grid fuller than this was not stripped of its skull
_TEMPLATE_SHAPES = ((197, 233, 189), (182, 218, 182), (193, 229, 193))  # usual grids of MNI space at 1 mm


@dataclass
class Files:
    """Files of one visit of one person: part (modality, "brain" or "labels") -> path."""

    subject: str
    visit: str
    parts: dict[str, Path] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)

    def modalities(self) -> dict[str, Path]:
        """The files that hold grey values."""
        return {part: path for part, path in self.parts.items() if part not in (_BRAIN, _LABELS)}


def layout_of(name: str) -> Layout:
    """The layout of a set. Raises ScanError for an unknown name."""
    if name not in LAYOUTS:
        raise ScanError(f"no layout is called {name!r}, known are {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def find(folder: Path, layout: Layout) -> list[Files]:
    """Files of every scan below ``folder``, in order of subject and visit.

    Raises
    ------
    ScanError
        If nothing of the set is there, or one part of a scan lies in two places.
    """
    folder, scans = Path(folder).absolute(), {}
    for path in _volumes(folder):
        matched = layout.match(path.relative_to(folder.parent).as_posix())
        if matched is None:
            continue
        rank, groups = matched
        subject, visit = groups.pop("subject"), groups.pop("visit", "1")
        part = layout.kinds[groups.pop("kind")]
        files = scans.setdefault((subject, visit), Files(subject, visit))
        files.facts |= groups
        _claim(files, part, path, rank)
    found = [files for _, files in sorted(scans.items()) if files.modalities()]
    if not found:
        seen = [path.relative_to(folder).as_posix() for path in _volumes(folder)][:3]
        raise ScanError(
            f"{folder}: no scan of {layout.name}; expected names like {_example(layout)}, found "
            f"{', '.join(seen) or 'no NIfTI file'}"
        )
    _add_table(folder, layout, found)
    return found


def _claim(files: Files, part: str, path: Path, rank: int) -> None:
    """Give a file its part, unless a better named file has it; two equally named files are an error."""
    known = files.ranks.get(part)
    if known is not None and known == rank:
        raise ScanError(
            f"{files.subject}: {part} lies in two places, {files.parts[part]} and {path}; name the folder of one"
        )
    if known is None or rank < known:
        files.parts[part], files.ranks[part] = path, rank


def _volumes(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place) / name for name in sorted(names) if name.endswith((".nii", ".nii.gz")))


def _example(layout: Layout) -> str:
    return layout.patterns[0].replace(r"\.nii(?:\.gz)?$", ".nii.gz") if layout.patterns else "a folder a contrast"


def _add_table(folder: Path, layout: Layout, found: list[Files]) -> None:
    """Age, sex and type of disease from the table of the set, where it lies beside the people."""
    table = folder / layout.table
    if not layout.table or not table.is_file():
        return
    with table.open(newline="", encoding="utf-8-sig") as lines:
        rows = {row.get("patient_id", "").lstrip("0"): row for row in csv.DictReader(lines)}
    for files in found:
        row = rows.get("".join(filter(str.isdigit, files.subject)).lstrip("0"), {})
        files.facts |= {key: row[key] for key in ("age", "sex", "ms_type") if row.get(key, "N/A") != "N/A"}


def read(files: Files, layout: Layout, series: dict[str, nib.Nifti1Image] | None = None) -> Scan:
    """Read one scan; every part is on the grid of the first modality. ``series``: images that were read already.

    Raises
    ------
    ScanError
        With the file, what was found and what was expected: another grid, labels of another set, an empty mask, a
        volume with one value only.
    """
    series = series or {}
    images = {part: series[part] if part in series else nifti.read_volume(path) for part, path in files.parts.items()}
    order = [modality for modality in layout.modalities if modality in images]
    grid = images[order[0]]
    images = {part: _aligned(part, image, grid, files, order[0], layout.align) for part, image in images.items()}
    modalities = {modality: _values(images[modality], files.parts[modality]) for modality in order}
    lesion = brain = None
    if _LABELS in images:
        lesion = nifti.to_labels(images[_LABELS].get_fdata(dtype=np.float32), layout.names, str(files.parts[_LABELS]))
    if _BRAIN in images:
        brain = nifti.to_mask(images[_BRAIN].get_fdata(dtype=np.float32), str(files.parts[_BRAIN]))
    elif layout.brain == "nonzero":
        brain = stripped(modalities, files.subject)
    elif layout.brain == "template":
        brain = template_brain(grid, str(files.parts[order[0]]))
    return Scan(
        subject=files.subject,
        visit=files.visit,
        modalities=modalities,
        affine=grid.affine,
        brain=brain,
        lesion=lesion,
        facts=dict(files.facts),
        files={part: str(path) for part, path in files.parts.items()},
    )


def _values(image: nib.Nifti1Image, path: Path) -> np.ndarray:
    values = image.get_fdata(dtype=np.float32)
    if values.max() <= values.min():
        raise ScanError(f"{path}: every voxel is {values.min():g}, expected an image")
    return values


def _aligned(
    part: str, image: nib.Nifti1Image, grid: nib.Nifti1Image, files: Files, first: str, align: str
) -> nib.Nifti1Image:
    if nifti.same_grid(image, grid):
        return image
    if align == "header":
        return nifti.onto(image, grid, "nearest" if part in (_BRAIN, _LABELS) else "linear")
    raise ScanError(
        f"{files.subject}: {files.parts[part]} has {nifti.describe_grid(image)}, but {files.parts[first]} has "
        f"{nifti.describe_grid(grid)} (both turned to RAS); expected one grid. Register them first, or read with "
        "align='header' if the headers are to be trusted"
    )


def stripped(modalities: dict[str, np.ndarray], where: str) -> np.ndarray:
    """Brain mask of skull-stripped images: voxels that are not exactly 0 in any modality, holes filled.

    Not "above 0": interpolation and bias correction leave values below zero in real files.
    """
    mask = np.any([values != 0 for values in modalities.values()], axis=0)
    share = float(mask.mean())
    if share > _STRIPPED_SHARE:
        raise ScanError(
            f"{where}: {share:.0%} of the voxels are not 0, expected a skull-stripped image with 0 outside the brain; "
            "give a brain mask"
        )
    return ndimage.binary_fill_holes(mask)


def template_brain(grid: nib.Nifti1Image, where: str) -> np.ndarray:
    """The brain of nilearn's ICBM152 template on a grid in MNI space: an average brain, not this person's."""
    if grid.shape not in _TEMPLATE_SHAPES:
        raise ScanError(
            f"{where}: {nifti.describe_grid(grid)}, expected a volume in MNI space "
            f"({' or '.join('x'.join(map(str, shape)) for shape in _TEMPLATE_SHAPES)}, 1 mm); give a brain mask"
        )
    return nifti.onto(load_mni152_brain_mask(resolution=1), grid, "nearest").get_fdata() > 0.5
