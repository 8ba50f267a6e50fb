"""CT series in DICOM below a folder, with the RTSTRUCT that belongs to each.

An RTSTRUCT may lie among the slices or in a folder of its own, as in TCIA's layout
(``LUNG1-001/<study>/<series>/*.dcm``); it belongs to the series that it references, else to the series of its frame
of reference.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

from disentangle.imaging.dicom import DicomError, read_ct
from disentangle.imaging.lung_ct.lung_mask import settle
from disentangle.imaging.lung_ct.rtstruct import mask_of, structure_names
from disentangle.imaging.lung_ct.scans import Found, LungError, Options, Scan, missing_slices

LUNG_NAMES = r"lung"
TUMOUR_NAMES = r"gtv"
_TAGS = ["Modality", "SeriesInstanceUID", "PatientID", "FrameOfReferenceUID", "ImageType"]
_AXIAL = np.array([1, 0, 0, 0, 1, 0], float)


@dataclass
class _Series:
    """A CT series and the structure sets drawn on it."""

    place: Path
    uid: str
    patient: str
    frame: str
    structures: list[Path] = field(default_factory=list)


def find(folder: Path) -> list[Found]:
    """CT series below a folder."""
    series: dict[tuple[Path, str], _Series] = {}
    outlines = []
    for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
        header = _header(path)
        modality = None if header is None else header.get("Modality")
        if modality == "RTSTRUCT":
            outlines.append(path)
        elif modality == "CT" and "LOCALIZER" not in (header.get("ImageType") or ()):
            uid, frame = str(header.get("SeriesInstanceUID", "")), str(header.get("FrameOfReferenceUID", ""))
            patient = str(header.get("PatientID", "")) or path.parent.name
            series.setdefault((path.parent, uid), _Series(path.parent, uid, patient, frame))
    for path in outlines:
        _assign(path, list(series.values()))
    return [
        Found(one.patient, one.place, "DICOM", partial(_read, one), tuple(path.name for path in one.structures))
        for one in series.values()
    ]


def _header(path: Path) -> pydicom.Dataset | None:
    try:
        return pydicom.dcmread(path, specific_tags=_TAGS, stop_before_pixels=True)
    except InvalidDicomError:
        return None
    except Exception as error:  # pydicom raises many kinds on a cut or damaged file
        raise DicomError(f"{path}: damaged DICOM file ({type(error).__name__}: {error})") from error


def _assign(path: Path, series: list[_Series]) -> None:
    """Give an RTSTRUCT to the series it was drawn on; one of another scan is left aside."""
    referenced, frames = _references(path)
    for one in series:
        if one.uid in referenced or (not referenced and one.frame and one.frame in frames):
            one.structures.append(path)


def _references(path: Path) -> tuple[set[str], set[str]]:
    """Series and frames of reference that a structure set names."""
    dataset = pydicom.dcmread(path, specific_tags=["ReferencedFrameOfReferenceSequence", "StructureSetROISequence"])
    collected = defaultdict(set)

    def visit(_: pydicom.Dataset, element: pydicom.DataElement) -> None:
        collected[element.keyword].add(str(element.value))

    dataset.walk(visit)
    frames = collected["FrameOfReferenceUID"] | collected["ReferencedFrameOfReferenceUID"]
    return collected["SeriesInstanceUID"], frames


def _read(series: _Series, options: Options) -> Scan:
    volume = read_ct(series.place, series.uid, allow_gaps=options.allow_gaps)
    header = pydicom.dcmread(volume.files[0], stop_before_pixels=True)
    turn = np.array(header.ImageOrientationPatient, float)
    if not np.allclose(turn, _AXIAL, atol=0.05):
        raise LungError(
            f"{series.place}: slices have the orientation {np.round(turn, 3).tolist()}, expected axial ones of a "
            f"person who lies on the back, {_AXIAL.astype(int).tolist()}"
        )
    if len(series.structures) > 1:
        raise LungError(
            f"{series.place}: {len(series.structures)} RTSTRUCT files belong to this series "
            f"({', '.join(path.name for path in series.structures)}), expected one: keep the right one"
        )
    drawn = tumour = None
    for path in series.structures:
        drawn, tumour = mask_of(path, volume, LUNG_NAMES), mask_of(path, volume, TUMOUR_NAMES)
        if drawn is None and options.mask == "drawn":
            raise LungError(f"{path}: no structure is called lung, found {', '.join(structure_names(path))}")
    scan = Scan(
        subject=series.patient,
        hu=volume.hu,
        lung=np.zeros(volume.hu.shape, bool),
        z_mm=volume.z_mm,
        spacing_mm=volume.spacing_mm,
        mask="",
        thickness_mm=volume.thickness_mm,
        kernel=str(header.get("ConvolutionKernel", "")),
        gaps=missing_slices(volume.z_mm, volume.thickness_mm),
    )
    return settle(scan, drawn, tumour, options, "rtstruct")
