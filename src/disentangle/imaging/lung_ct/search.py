"""Finds chest CT below a folder, in DICOM and NIfTI, without reading pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from disentangle.imaging.lung_ct import dicom_scans, nifti_scans
from disentangle.imaging.lung_ct.scans import Found, LungError


def find(folders: Sequence[Path]) -> list[Found]:
    """All scans below these folders, sorted by subject. Two scans of one subject are refused."""
    found: dict[str, Found] = {}
    for folder in folders:
        for scan in (*dicom_scans.find(folder), *nifti_scans.find(folder)):
            if scan.subject in found:
                raise LungError(
                    f"{scan.subject} has two scans, {found[scan.subject].place} and {scan.place}; patches of one "
                    "person must come from one scan: keep one of them"
                )
            found[scan.subject] = scan
    if not found:
        where = ", ".join(str(folder) for folder in folders)
        raise LungError(f"{where}: no CT series (DICOM) and no .nii or .nii.gz file, expected at least one")
    return [found[subject] for subject in sorted(found)]
