"""ACDC as its provider gives it: patientNNN/ with Info.cfg, two frames with masks, and the whole cine series.

``patientNNN_frameXX.nii.gz`` and ``..._gt.nii.gz`` for ED and ES (XX counts from 1), ``patientNNN_4d.nii.gz``
(column, row, slice, time), below ``training/`` or ``testing/``. Built from documentation and public
descriptions; tried on files of our own making, not on the provider's.

Arrays are read as (slice, row, column), the reverse of the file's order: that is how the widely used HDF5 copies
were made, and it shows hearts the usual way round. The files' ``sform`` has voxels of 1 mm (a known fault of the
set), so the voxel size is taken from ``pixdim``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError

from disentangle.imaging.cardiac.labels import LV, CardiacError, check_structures, rename
from disentangle.imaging.cardiac.stacks import BETWEEN, END_DIASTOLE, END_SYSTOLE, Person, Stack, check_person

_FILE = re.compile(r"(patient\d{3})_(frame\d+|4d)(_gt)?\.nii(\.gz)?")
_IN_PLANE_MM, _SLICE_MM = (0.5, 3.0), (2.0, 25.0)
_GROUPS = ("DCM", "HCM", "MINF", "NOR", "RV")


@dataclass
class Files:
    """What lies in a person's folder: Info.cfg, the series, frames and masks by number."""

    home: Path
    info: Path | None = None
    series: Path | None = None
    frames: dict[int, Path] = field(default_factory=dict)
    masks: dict[int, Path] = field(default_factory=dict)


def find(folder: Path) -> dict[str, Files]:
    """Files of each person, anywhere below ``folder``. A person in two folders is refused."""
    people: dict[str, Files] = {}
    for path in sorted(p for p in Path(folder).rglob("patient*.nii*") if p.is_file()):
        named = _FILE.fullmatch(path.name)
        if named is None:
            continue
        home = next((p for p in path.parents if p.name == named[1]), path.parent)
        files = people.setdefault(named[1], Files(home))
        if files.home != home:
            raise CardiacError(
                f"{named[1]} lies in two places, {files.home} and {home}; a person belongs to one part of the data only"
            )
        if named[2] == "4d":
            files.series = path
        else:
            (files.masks if named[3] else files.frames)[int(named[2].removeprefix("frame"))] = path
        info = home / "Info.cfg"
        files.info = info if info.is_file() else None
    return dict(sorted(people.items()))


def read_info(path: Path) -> dict[str, str]:
    """Info.cfg as a table; ED, ES and Group must be there."""
    lines = [line.partition(":") for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    info = {key.strip(): value.strip() for key, colon, value in lines if colon}
    absent = [key for key in ("ED", "ES", "Group") if not info.get(key)]
    if absent:
        raise CardiacError(f"{path}: no line for {', '.join(absent)}, found {sorted(info)}")
    if info["Group"] not in _GROUPS:
        raise CardiacError(f"{path}: Group is {info['Group']!r}, expected one of {', '.join(_GROUPS)}")
    for key in ("ED", "ES"):
        if not info[key].isdigit():
            raise CardiacError(f"{path}: {key} is {info[key]!r}, expected a frame number")
    return info


def read(subject: str, files: Files, label_order: str, every_frame: bool = False) -> Person:
    """One person; with ``every_frame`` also the frames between ED and ES, which nobody has drawn."""
    if files.info is None:
        raise CardiacError(f"{files.home}: no Info.cfg beside the frames of {subject}")
    info = read_info(files.info)
    numbers = {END_DIASTOLE: int(info["ED"]), END_SYSTOLE: int(info["ES"])}
    _check_complete(subject, files, numbers)
    stacks, spacings = [], []
    for phase, number in numbers.items():
        image, mask = _volume(files.frames[number], 3), _volume(files.masks[number], 3)
        _check_same_grid(image, mask)
        labels = rename(mask.values, label_order, str(mask.path))
        check_structures(labels, str(mask.path))
        stacks.append(Stack(phase, number, image.values.astype(np.float32), labels, tuple(range(len(labels)))))
        spacings.append(image.spacing_mm)
    if not np.allclose(spacings[0], spacings[1], rtol=0.01):
        raise CardiacError(f"{files.home}: ED has voxels of {spacings[0]} mm and ES of {spacings[1]} mm")
    _check_ed_larger(subject, stacks)
    between = _between(files, numbers, stacks[0], every_frame)
    person = Person(subject, info["Group"], (*stacks, *between), spacings[0], _facts(info))
    check_person(person)
    return person


@dataclass(frozen=True)
class _Volume:
    """One file: values (..., slice, row, column), spacing (row, column, slice) in mm, axes of the affine."""

    path: Path
    values: np.ndarray
    spacing_mm: tuple[float, float, float]
    axes: tuple


def _volume(path: Path, dimensions: int) -> _Volume:
    try:
        image = nib.load(path)
        shape = image.shape
        if len(shape) != dimensions:
            names = "(column, row, slice)" if dimensions == 3 else "(column, row, slice, time)"
            raise CardiacError(f"{path}: {len(shape)}D {shape}, expected {dimensions}D {names}")
        values = np.asarray(image.dataobj)
    except (ImageFileError, OSError, EOFError, ValueError) as error:
        if isinstance(error, CardiacError):
            raise
        raise CardiacError(f"{path}: unreadable NIfTI file ({type(error).__name__}: {error})") from error
    column, row, slices = (float(size) for size in image.header.get_zooms()[:3])
    _check_voxels(path, image.affine, (column, row, slices))
    return _Volume(path, values.transpose(), (row, column, slices), nib.aff2axcodes(image.affine))


def _check_voxels(path: Path, affine: np.ndarray, zooms: tuple[float, float, float]) -> None:
    """Voxels of a plausible size, and an affine that agrees with them or is the set's own with 1 mm voxels."""
    in_plane = all(_IN_PLANE_MM[0] <= zoom <= _IN_PLANE_MM[1] for zoom in zooms[:2])
    if not in_plane or not _SLICE_MM[0] <= zooms[2] <= _SLICE_MM[1]:
        raise CardiacError(
            f"{path}: voxels of {zooms} mm in the header, expected {_IN_PLANE_MM} in plane and {_SLICE_MM} between "
            "slices"
        )
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    regular = np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 1e-6
    if not regular or not (np.allclose(lengths, zooms, rtol=0.01) or np.allclose(lengths, 1, rtol=0.01)):
        raise CardiacError(f"{path}: the affine has voxels of {np.round(lengths, 3)} mm, but pixdim says {zooms}")


def _check_same_grid(image: _Volume, mask: _Volume) -> None:
    if image.values.shape != mask.values.shape:
        raise CardiacError(
            f"{image.path}: image is {image.values.shape} but mask is {mask.values.shape} (slice, row, column) in "
            f"{mask.path}"
        )
    if not np.allclose(image.spacing_mm, mask.spacing_mm, rtol=0.01) or image.axes != mask.axes:
        raise CardiacError(
            f"{image.path}: image has axes {image.axes} and voxels of {image.spacing_mm} mm, but its mask "
            f"{mask.axes} and {mask.spacing_mm} mm; the affine of one of them is wrong"
        )


def _check_complete(subject: str, files: Files, numbers: dict[str, int]) -> None:
    for phase, number in numbers.items():
        if number not in files.frames:
            raise CardiacError(f"{subject}: no frame {number:02d}, which is {phase}; found {sorted(files.frames)}")
        if number not in files.masks:
            raise CardiacError(f"{files.frames[number]}: no mask {subject}_frame{number:02d}_gt.nii.gz beside it")


def _check_ed_larger(subject: str, stacks: list[Stack]) -> None:
    diastole, systole = (int((stack.labels == LV).sum()) for stack in stacks)
    if diastole <= systole:
        raise CardiacError(f"{subject}: LV has {diastole} voxels at ED and {systole} at ES, expected more at ED")


def _between(files: Files, numbers: dict[str, int], example: Stack, every_frame: bool) -> list[Stack]:
    if not every_frame:
        return []
    if files.series is None:
        raise CardiacError(f"{files.home}: no ..._4d.nii.gz, which has the frames between ED and ES")
    series = _volume(files.series, 4)
    if series.values.shape[1:] != example.images.shape:
        raise CardiacError(
            f"{files.series}: {series.values.shape[1:]} (slice, row, column), but the frames are {example.images.shape}"
        )
    drawn = set(numbers.values())
    if max(drawn) > len(series.values):
        raise CardiacError(f"{files.series}: {len(series.values)} frames, but ED and ES are {sorted(drawn)}")
    return [
        Stack(BETWEEN, number, values.astype(np.float32), None, example.slices)
        for number, values in enumerate(series.values, start=1)
        if number not in drawn
    ]


def _facts(info: dict[str, str]) -> dict[str, float]:
    def number(key: str) -> float:
        try:
            return float(info.get(key, "nan"))
        except ValueError:
            return float("nan")

    return {"height_cm": number("Height"), "weight_kg": number("Weight")}
