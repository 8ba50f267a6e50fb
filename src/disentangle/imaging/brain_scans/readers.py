"""Cohorts of the sets that ``layouts`` knows: ``load(name, folder)``, and one loader and one check per set.

Tried on original files: ``ms_lesions`` (one person), ``brats2013`` (one), ``tcga_lgg`` (one; no figures). All others
were built from documentation and tested on synthetic files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from disentangle.imaging.brain_scans import dicom_series
from disentangle.imaging.brain_scans.facts import BY_NAME
from disentangle.imaging.brain_scans.find import Files, find, layout_of, read
from disentangle.imaging.brain_scans.layouts import Layout
from disentangle.imaging.brain_scans.prepare import Preparation, conditioned
from disentangle.imaging.brain_scans.scan import LABELS, LESIONS, Scan, ScanError
from disentangle.imaging.brain_scans.sections import SectionGrid, Sections, cut
from disentangle.imaging.cohort import Cohort, Provenance
from disentangle.imaging.dicom import DicomError

Lines = list[tuple[str, str, str]]


def scans(name: str, folder: Path, align: str | None = None) -> Iterator[Scan]:
    """Every scan of a set on its own grid, greys as in the files.

    ``align``: "refuse" or "header", instead of the set's own rule for parts on different grids.
    """
    layout, found = _found(name, folder, align)
    yield from (_read(files, layout) for files in found)


def load(
    name: str,
    folder: Path,
    *,
    modalities: tuple[str, ...] | None = None,
    size: int | tuple[int, int] = 128,
    pixel_mm: float | None = None,
    slice_mm: float = 3.0,
    bias: str = "none",
    scaling: str = "black",
    top: float = 99.0,
    whole_head: bool = False,
    align: str | None = None,
    volumes: bool = False,
) -> Cohort:
    """Axial sections of every scan of a set.

    Parameters
    ----------
    modalities
        Channels, in this order; None: those that anybody in the folder has. People with none of them are left out.
    size
        Pixels, (rows, columns) or one number for both.
    pixel_mm
        None: 200 mm over the rows, as in ``brain_sites``.
    slice_mm
        Distance and thickness of the sections.
    bias, scaling, top, whole_head
        See ``prepare.Preparation``.
    align
        "refuse" or "header" for parts on different grids; None: the set's own rule.
    volumes
        True: one image a scan, (scan, modality, slice, row, column), padded above to the tallest.

    Returns
    -------
    Cohort
        ``images`` float32 in 0..1, 0 outside the brain. ``labels`` uint8 by ``LABELS``: the brain mask is
        ``labels > 0``, and 255 is not to be scored. ``masks`` bool, all that was drawn as lesion, or None where nobody
        drew in any scan. ``samples`` with subject, visit, slice, z_mm, annotated, brain_mm2, lesion_mm2,
        has_<modality> and the geometry that ``sections.to_native`` needs. ``subjects`` with facts, brain_ml and
        lesion_ml (NaN where nobody drew).

    Raises
    ------
    ScanError
        For files that are not as the layout says, with file, found and expected.
    """
    layout, found = _found(name, folder, align)
    wanted = _wanted(layout, found, modalities)
    rows, columns = (size, size) if isinstance(size, int) else size
    grid = SectionGrid(rows, columns, float(pixel_mm or layout.field_mm / rows), slice_mm)
    preparation = Preparation(bias, scaling, top, whole_head or layout.brain == "none")
    used = [files for files in found if set(files.parts) & set(wanted)]
    pieces, people = [], []
    for files in used:
        scan = _read(_only(files, wanted), layout)
        pieces.append(cut(conditioned(scan, preparation), wanted, grid))
        people.append(_facts(scan))
    left_out = sorted({files.subject for files in found} - {files.subject for files in used})
    cohort = _assembled(name, pieces, people, grid, {"modalities": list(wanted), "left_out": left_out})
    return as_volumes(cohort) if volumes else cohort


def _found(name: str, folder: Path, align: str | None) -> tuple[Layout, list[Files]]:
    layout = layout_of(name)
    if align is not None and align not in ("refuse", "header"):
        raise ScanError(f"align is {align!r}, expected 'refuse', 'header' or None")
    layout = layout if align is None else replace(layout, align=align)
    return layout, (find(folder, layout) if layout.patterns else dicom_series.find(folder, layout))


def _read(files: Files, layout: Layout) -> Scan:
    return read(files, layout) if layout.patterns else dicom_series.read(files, layout)


def _only(files: Files, wanted: tuple[str, ...]) -> Files:
    """The same files without modalities that nobody asked for."""
    keep = {part: path for part, path in files.parts.items() if part in wanted or part in ("brain", "labels")}
    return replace(files, parts=keep)


def _wanted(layout: Layout, found: list[Files], modalities: tuple[str, ...] | None) -> tuple[str, ...]:
    there = tuple(m for m in layout.modalities if any(m in files.parts for files in found))
    if modalities is None:
        return there
    wanted = (modalities,) if isinstance(modalities, str) else tuple(modalities)
    for modality in wanted:
        if modality not in there:
            raise ScanError(f"{layout.name}: nobody in the folder has {modality!r}, there are {', '.join(there)}")
    if not wanted or len(set(wanted)) < len(wanted):
        raise ScanError(f"{layout.name}: modalities are {wanted}, expected at least one, each once")
    return wanted


def _facts(scan: Scan) -> dict:
    voxel = float(np.prod(scan.voxel_mm)) / 1000
    drawn = np.nan if scan.lesion is None else voxel * np.isin(scan.lesion, LESIONS).sum()
    brain = np.nan if scan.brain is None else voxel * scan.brain.sum()
    return {"subject": scan.subject, **scan.facts, "brain_ml": round(brain, 2), "lesion_ml": round(drawn, 3)}


def _assembled(name: str, pieces: list[Sections], people: list[dict], grid: SectionGrid, extra: dict) -> Cohort:
    samples = pd.concat([piece.samples for piece in pieces], ignore_index=True)
    known, facts = BY_NAME[name], pd.DataFrame(people).drop_duplicates("subject")
    return Cohort(
        name=name,
        images=np.concatenate([piece.images for piece in pieces]),
        samples=samples,
        subjects=facts.set_index("subject"),
        spacing_mm=np.full((len(samples), 2), grid.pixel_mm, np.float32),
        provenance=Provenance(
            real=True,
            source=known["title"],
            licence=known["licence"],
            citation=known["citation"],
            note=f"reader: {known['tried']}",
            figures_allowed=known.get("figures_allowed", True),
        ),
        masks=np.concatenate([piece.masks for piece in pieces]) if samples["annotated"].any() else None,
        labels=np.concatenate([piece.labels for piece in pieces]),
        extra={**extra, "labels": dict(LABELS)},
    )


def as_volumes(cohort: Cohort) -> Cohort:
    """One image a scan: sections stacked from below upward, black ones added on top to the tallest scan.

    ``samples`` keep the lowest section's row, with ``slices`` (how many are not padding).
    """
    groups = list(cohort.samples.groupby(["subject", "visit"], sort=False).indices.values())
    groups = [_every_section(cohort, rows) for rows in groups]
    tallest = max(len(rows) for rows in groups)

    def stacked(values: np.ndarray) -> np.ndarray:
        whole = np.zeros((len(groups), tallest, *values.shape[1:]), values.dtype)
        for at, rows in enumerate(groups):
            whole[at, : len(rows)] = values[rows]
        return whole

    samples = cohort.samples.iloc[[rows[0] for rows in groups]].reset_index(drop=True)
    samples["slices"] = [len(rows) for rows in groups]
    thick = samples["slice_mm"].to_numpy(np.float32)
    return replace(
        cohort,
        images=np.moveaxis(stacked(cohort.images), 2, 1),
        labels=stacked(cohort.labels),
        masks=None if cohort.masks is None else stacked(cohort.masks),
        samples=samples,
        spacing_mm=np.column_stack([thick, cohort.spacing_mm[: len(groups)]]).astype(np.float32),
    )


def _every_section(cohort: Cohort, rows: np.ndarray) -> np.ndarray:
    """Rows of one scan from below upward; a volume may have no gap."""
    rows = rows[np.argsort(cohort.samples["slice"].to_numpy()[rows])]
    numbers = cohort.samples["slice"].to_numpy()[rows]
    if (np.diff(numbers) != 1).any():
        raise ScanError(
            f"{cohort.samples['subject'].iloc[rows[0]]}: sections {numbers.tolist()} do not follow each other"
        )
    return rows


def check(name: str, folder: Path) -> tuple[Lines, list[str]]:
    """What lies in a folder of a set: (what, found, expected) and problems. Every file is read."""
    try:
        layout, found = _found(name, Path(folder), None)
    except (ScanError, DicomError) as error:
        return [], [str(error)]
    problems, volumes, drawn = [], [], 0
    for files in found:
        try:
            scan = _read(files, layout)
        except (ScanError, DicomError) as error:
            problems.append(str(error))
            continue
        drawn += scan.lesion is not None
        volumes += [] if scan.brain is None else [float(scan.brain.sum() * np.prod(scan.voxel_mm)) / 1000]
    counts = {m: sum(m in files.parts for files in found) for m in layout.modalities}
    lines = [
        ("people", str(len({files.subject for files in found})), "any number"),
        ("scans", str(len(found)), "any number"),
        ("modalities", ", ".join(f"{m} {n}" for m, n in counts.items()), "as many as scans, or fewer"),
        ("scans with a drawn mask", str(drawn), "any number" if layout.names else "0"),
        ("scans with a brain mask", str(len(volumes)), "all" if layout.brain != "none" else "0"),
        ("unusable scans", str(len(problems)), "0"),
    ]
    if volumes:
        lines.append(("brain", f"{min(volumes):.0f} to {max(volumes):.0f} mL", "about 900 to 2000 mL"))
    return lines, problems[:5]


ms_lesions, check_ms_lesions = partial(load, "ms_lesions"), partial(check, "ms_lesions")
mslub, check_mslub = partial(load, "mslub"), partial(check, "mslub")
brats2013, check_brats2013 = partial(load, "brats2013"), partial(check, "brats2013")
tcga_lgg, check_tcga_lgg = partial(load, "tcga_lgg"), partial(check, "tcga_lgg")
brats2018, check_brats2018 = partial(load, "brats2018"), partial(check, "brats2018")
brats2021, check_brats2021 = partial(load, "brats2021"), partial(check, "brats2021")
brats2023, check_brats2023 = partial(load, "brats2023"), partial(check, "brats2023")
ixi, check_ixi = partial(load, "ixi"), partial(check, "ixi")
atlas_v2, check_atlas_v2 = partial(load, "atlas_v2"), partial(check, "atlas_v2")
wmh2017, check_wmh2017 = partial(load, "wmh2017"), partial(check, "wmh2017")
autopet, check_autopet = partial(load, "autopet"), partial(check, "autopet")
dicom_brains, check_dicom_brains = partial(load, "dicom_brains"), partial(check, "dicom_brains")
