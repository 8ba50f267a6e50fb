"""Cohort ``lidc_cubes``: cubes of 51 voxels around LIDC-IDRI nodules, without outlines and labels.

Files ``<scan>_nod<nodule>_ann<annotation>.npy`` as published with iW-Net (Aresta et al., Scientific Reports
9:11591, 2019): float16 (row, column, slice), HU + 1024, so that air lies near 24 and soft tissue near 1060.
That the last axis is the body's is seen in the pictures: only along it are they blurred. Voxels seem to have
one side length (nodules look round in all three planes), which is not recorded: spacing is in voxels. Few as
they are, they serve to look at lesions *with* surroundings, not to train.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from disentangle.imaging.cohort import Cohort, Provenance

SIDE = 51
OFFSET_HU = 1024.0
WINDOW_HU = (-1000.0, 400.0)
_NAME = re.compile(r"(?P<scan>\d+)_nod(?P<nodule>\d+)_ann(?P<annotation>\d+)")

PROVENANCE = Provenance(
    real=True,
    source="LIDC-IDRI nodules with surroundings, cubes of 51 voxels, published with iW-Net",
    licence="CC BY 3.0",
    citation="Armato et al., Medical Physics 38:915, 2011; Aresta et al., Scientific Reports 9:11591, 2019",
    note=(
        "No outlines, no labels. Voxel size is not recorded: spacing 1 means one voxel. "
        "Edges are repeated to fill the 64x64 frame."
    ),
)


class CubeError(ValueError):
    """A cube that is not as documented; the message names the file."""


def load(folder: Path, slices: int = 5, side: int = 64) -> Cohort:
    """Central axial slices of every cube.

    Images are float32 (slice, 1, side, side): the window -1000..400 HU scaled to 0..1, edge pixels repeated
    outwards to fill the frame. ``malignant`` and ``malignancy`` are NaN.

    Parameters
    ----------
    slices
        How many neighbouring slices around the centre, 1 to 51.
    side
        Side of the frame in pixels, at least 51.
    """
    if not 1 <= slices <= SIDE or side < SIDE:
        raise CubeError(f"slices is {slices} and side {side}, expected 1..{SIDE} slices and a side of at least {SIDE}")
    cubes = {path: _read_cube(path) for path in _files(Path(folder))}
    first = (SIDE - slices) // 2
    before = (side - SIDE) // 2
    frame = ((0, 0), (before, side - SIDE - before), (before, side - SIDE - before))
    low, high = WINDOW_HU
    images, rows = [], []
    for lesion, (path, cube) in enumerate(cubes.items()):
        grey = np.clip((cube[first : first + slices] - low) / (high - low), 0, 1)
        images.append(np.pad(grey, frame, mode="edge")[:, None])
        name = _NAME.fullmatch(path.stem)
        rows += [(f"scan-{name['scan']}", lesion, i, int(name["nodule"])) for i in range(slices)]
    samples = pd.DataFrame(rows, columns=["subject", "lesion", "slice", "nodule"])
    samples = samples.assign(malignant=np.nan, malignancy=np.nan)
    subjects = samples.groupby("subject")[["lesion"]].nunique().rename(columns={"lesion": "lesions"})
    return Cohort(
        name="lidc_cubes",
        images=np.concatenate(images).astype(np.float32),
        samples=samples,
        subjects=subjects,
        spacing_mm=np.ones((len(samples), 2), np.float32),
        provenance=PROVENANCE,
    )


def check(folder: Path) -> tuple[list[tuple[str, str, str]], list[str]]:
    """What lies in a folder of cubes: (what, found, expected) and problems."""
    try:
        files = _files(Path(folder))
        for path in files:
            _read_cube(path)
    except CubeError as error:
        return [], [str(error)]
    return [("cubes", str(len(files)), "six as published, any number of your own")], []


def _files(folder: Path) -> list[Path]:
    named = (path for path in folder.glob("*.npy") if not path.name.startswith("."))
    files = sorted(named, key=lambda p: [int(n) for n in re.findall(r"\d+", p.stem)])
    if not files:
        raise CubeError(f"{folder}: no .npy file, expected <scan>_nod<nodule>_ann<annotation>.npy")
    for path in files:
        if not _NAME.fullmatch(path.stem):
            raise CubeError(f"{path}: the name should be <scan>_nod<nodule>_ann<annotation>.npy")
    return files


def _read_cube(path: Path) -> np.ndarray:
    """One cube in HU, float32 (51, 51, 51), axial slices first."""
    try:
        cube = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CubeError(f"{path}: unreadable ({error})") from error
    if cube.shape != (SIDE, SIDE, SIDE):
        raise CubeError(f"{path}: shape {cube.shape}, expected {(SIDE,) * 3}")
    cube = cube.astype(np.float32)
    if not np.isfinite(cube).all():
        raise CubeError(f"{path}: holds NaN or infinite values")
    if np.median(cube) < -100 or cube.max() < 500:
        raise CubeError(
            f"{path}: values {cube.min():.0f} to {cube.max():.0f} with median {np.median(cube):.0f}, "
            f"expected HU + {OFFSET_HU:.0f} (air near 24, tissue near 1060)"
        )
    return np.moveaxis(cube, 2, 0) - OFFSET_HU
