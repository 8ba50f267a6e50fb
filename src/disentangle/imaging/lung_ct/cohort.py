"""Cohort ``lung_ct``: patches of real lungs, as scanned and degraded to other settings, exact pairs of each place.

Scans are any chest CT in DICOM (lungs drawn in an RTSTRUCT) or NIfTI (lung mask, else threshold). Tried on the
original files of two people: LUNG1-001 of NSCLC-Radiomics (kernel B19f, 3 mm), of which every sixth slice was at
hand, and the NIfTI crop ``lung_ct_gtv`` (3 mm), which has a tumour mask only. Both are smooth: MTF of one half near
0.29 and 0.34 /mm, noise of 17 to 18 HU in soft tissue, by our rough measure. "source" is each scan as it is, with its
own kernel and noise; the others are computed from it (see ``degrade``) and aim at one sharpness where they name one.
Nothing is known about tissue or survival.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from disentangle.imaging.cohort import Cohort, Provenance
from disentangle.imaging.dicom import DicomError
from disentangle.imaging.lung_ct.degrade import SOURCE, Degradation, choose, described
from disentangle.imaging.lung_ct.patches import PIXEL_MM, WINDOW_HU, locations, render, some, to_unit, usable, window_of
from disentangle.imaging.lung_ct.quality import measure
from disentangle.imaging.lung_ct.rtstruct import StructureError
from disentangle.imaging.lung_ct.scans import Found, LungError, Options, Scan, TooSoft, check_options
from disentangle.imaging.lung_ct.search import find

PATCHES = 600
_TOGETHER = {"lung1": "lung_ct_gtv"}  # two sets that make one cohort where they lie side by side
_log = logging.getLogger(__name__)


def load(
    folder: Path,
    *,
    settings: str | Sequence[str] = "all",
    patches: int | None = PATCHES,
    mask: str = "auto",
    allow_gaps: bool = True,
    f50: float | None = None,
    draw: int = 0,
) -> Cohort:
    """Patches of every scan below ``folder``; beside ``lung1`` also those of ``lung_ct_gtv``.

    Parameters
    ----------
    settings
        "all" (those for training), "own" (as scanned), "unseen", or names of ``degrade.SETTINGS``.
    patches
        Places per person; None: all of a grid of 8 pixels.
    mask
        "drawn" (RTSTRUCT, or a NIfTI lung mask), "threshold", or "auto": drawn where there is one.
    allow_gaps
        Accept series that lack slices: patches are flat, so they lose nothing but places.
    f50
        MTF of one half of all scans, cycles/mm; None: measured at the skin of each.
    draw
        Decides which places, and the noise.

    Returns
    -------
    Cohort
        Images float32 (patch, 1, 32, 32), -1000..200 HU scaled to 0..1, pixels of 0.7 mm. ``samples``: subject,
        location (one place under all settings), setting, own, block (places within 30 mm, for intervals), slice, row,
        column (centre on the scan's own grid), z_mm; sorted by subject, location, setting. ``subjects``: what was
        measured in the scan and where its lung mask comes from.

    Raises
    ------
    LungError, StructureError, DicomError
        With the file, what was found and what was expected. People whose picture is too soft for a setting, or whose
        sharpness cannot be measured, are left out with a warning (``extra["left_out"]``), unless nobody would be left.
    """
    options = Options(mask, allow_gaps)
    check_options(options)
    chosen = choose(settings)
    if patches is not None and patches < 1:
        raise LungError(f"patches is {patches}, expected at least 1 or None")
    parts, rows, first, left_out = [], {}, (0, 0), {}
    for found in find(_folders(Path(folder))):
        try:
            part, rows[found.subject] = _person(found.read(options), chosen, patches, f50, draw, first)
        except TooSoft as error:
            left_out[found.subject] = str(error)
            warnings.warn(f"left out: {error}", stacklevel=2)
            continue
        first = (part[1]["location"].max() + 1, part[1]["block"].max() + 1)
        parts.append(part)
    if not parts:
        raise LungError(f"{folder}: nobody is left; {next(iter(left_out.values()))}")
    samples = pd.concat([table for _, table in parts], ignore_index=True)
    subjects = pd.DataFrame.from_dict(rows, orient="index").rename_axis("subject")
    return Cohort(
        name="lung_ct",
        images=np.concatenate([images for images, _ in parts]),
        samples=samples,
        subjects=subjects,
        spacing_mm=np.full((len(samples), 2), PIXEL_MM, np.float32),
        provenance=_provenance(subjects),
        extra={
            "settings": {setting.name: described(setting) for setting in chosen},
            "window_hu": list(WINDOW_HU),
            "draw": draw,
            "left_out": left_out,
        },
    )


def _folders(folder: Path) -> list[Path]:
    beside = folder.parent / _TOGETHER.get(folder.name, "")
    return [folder, beside] if folder.name in _TOGETHER and beside.is_dir() else [folder]


def _person(
    scan: Scan,
    settings: Sequence[Degradation],
    patches: int | None,
    f50: float | None,
    draw: int,
    first: tuple[int, int],
) -> tuple[tuple[np.ndarray, pd.DataFrame], dict]:
    """Images and samples of one person, numbered from ``first`` (location, block), and the row of subjects."""
    quality = measure(scan.hu, scan.lung, scan.spacing_mm)
    sharpness = quality.f50 if f50 is None else f50
    if math.isnan(sharpness) and any(setting is not SOURCE for setting in settings):
        raise TooSoft(
            f"{scan.subject}: the picture shows too little skin to measure its sharpness; say f50 (1/mm), or load with "
            "settings='own'"
        )
    window = window_of(scan)
    grid = locations(scan, window, usable(scan, settings, sharpness))
    places = some(grid, patches, draw, scan.subject)
    order = np.argsort([setting.name for setting in settings])
    images = render(scan, window, places, [settings[i] for i in order], sharpness, draw)
    samples = _samples(scan.subject, places, [settings[i].name for i in order], first)
    _log.info("lung_ct: %s: %d of %d places, f50 %.2f /mm", scan.subject, len(places), len(grid), sharpness)
    facts = {
        "own": SOURCE.name,
        "pairs": len(settings) > 1,
        "mask": scan.mask,
        "kernel": scan.kernel or "unknown",
        "slices": len(scan.hu),
        "missing_slices": scan.gaps,
        "slice_mm": scan.thickness_mm or scan.step_mm,
        "pixel_mm": scan.spacing_mm[0],
        "lung_ml": round(scan.lung_ml, 1),
        "f50": round(sharpness, 3),
        "noise_hu": round(quality.noise_hu, 1),
        "lung_sd_hu": round(quality.lung_sd_hu, 1),
        "places": len(grid),
        "blocks": int(places["block"].nunique()),
    }
    return (to_unit(images.reshape(-1, 1, *images.shape[2:])), samples), facts


def _samples(subject: str, places: pd.DataFrame, names: Sequence[str], first: tuple[int, int]) -> pd.DataFrame:
    """One row per place and setting."""
    table = places.loc[places.index.repeat(len(names))]
    return pd.DataFrame(
        {
            "subject": subject,
            "location": table.index.to_numpy() + first[0],
            "setting": list(names) * len(places),
            "own": [name == SOURCE.name for name in names] * len(places),
            "block": table["block"].to_numpy() + first[1],
            **{name: table[name].to_numpy() for name in ("slice", "row", "column", "z_mm")},
        }
    )


def _provenance(subjects: pd.DataFrame) -> Provenance:
    gaps = ", ".join(f"{name} lacks {n} slices" for name, n in subjects["missing_slices"].items() if n)
    guessed = ", ".join(subjects.index[subjects["mask"] == "threshold"])
    note = (
        f"{len(subjects)} people; every setting but 'source' is computed from the scan itself. Patches overlap: "
        "intervals need the column block."
        + (f" Series with gaps: {gaps}." if gaps else "")
        + (f" Lung by threshold, not drawn: {guessed}." if guessed else "")
    )
    return Provenance(
        real=True,
        source="LUNG1-001 of NSCLC-Radiomics (TCIA) and lung_ct_gtv, a lung CT with a tumour mask; or your own",
        licence="CC BY-NC 3.0",
        citation="Aerts et al., Nature Communications 5:4006, 2014; doi:10.7937/K9/TCIA.2015.PF0M9REI",
        note=note,
    )


def check(folder: Path) -> tuple[list[tuple[str, str, str]], list[str]]:
    """What lies below a folder: (what, found, expected) and problems. Every scan is read."""
    try:
        scans = find(_folders(Path(folder)))
    except (LungError, DicomError) as error:
        return [], [str(error)]
    lines, problems = [("scans", str(len(scans)), "one of each person, any number")], []
    for found in scans:
        try:
            lines.append(_line(found, found.read(Options())))
        except (LungError, DicomError, StructureError) as error:
            problems.append(str(error))
    return lines, problems


def _line(found: Found, scan: Scan) -> tuple[str, str, str]:
    state = f"{found.kind}, {len(scan.hu)} slices every {scan.step_mm:g} mm, {scan.gaps} missing"
    state += f", {scan.lung_ml:.0f} ml of lung from {scan.mask}"
    return found.subject, state, "some litres of lung, or part of it"
