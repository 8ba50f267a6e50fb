"""From the annotation database to lesions: parse outlines, group annotations, fill masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from disentangle.imaging.lidc.annotations import AnnotationDatabase, AnnotationsDamaged
from disentangle.imaging.lidc.contours import Outline, parse_coords, reader_mask
from disentangle.imaging.lidc.grouping import group, outline_distances
from disentangle.imaging.lidc.lesion import Lesion

_RATING_COLUMNS = [
    "subtlety",
    "internalStructure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
    "malignancy",
]


def build_lesions(
    database: AnnotationDatabase, progress: Callable[[Iterable], Iterable] = lambda scans: scans
) -> list[Lesion]:
    """All lesions of the database, in the order of scan and of the first annotation.

    ``progress`` wraps the list of scans, as ``tqdm`` does.
    """
    positions = {scan: values.to_numpy() for scan, values in database.zvals.groupby("scan_id")["val"]}
    outlines = _outlines_by_annotation(database, positions)
    annotations = dict(list(database.annotations.groupby("scan_id")))
    first_scans = set(database.scans.groupby("patient_id")["id"].min())
    lesions: list[Lesion] = []
    for scan in progress(list(database.scans.itertuples())):
        if scan.id in annotations:
            first = scan.id in first_scans
            found = _lesions_of_scan(scan, first, annotations[scan.id], outlines, positions[scan.id])
            lesions += [Lesion(id=len(lesions) + n, **values) for n, values in enumerate(found)]
    return lesions


def _outlines_by_annotation(database: AnnotationDatabase, positions: dict[int, np.ndarray]) -> dict[int, list[Outline]]:
    scan_of = dict(zip(database.annotations["id"], database.annotations["scan_id"], strict=True))
    contours = database.contours
    outlines: dict[int, list[Outline]] = {annotation: [] for annotation in scan_of}
    points = parse_coords(contours["coords"].tolist())
    for contour, vertices in zip(contours.itertuples(), points, strict=True):
        z = positions[scan_of[contour.annotation_id]]
        index = int(np.searchsorted(z, contour.image_z_position))
        if index == len(z) or z[index] != contour.image_z_position:
            raise AnnotationsDamaged(
                f"contour {contour.id} lies at z = {contour.image_z_position} mm, where scan "
                f"{scan_of[contour.annotation_id]} has no slice"
            )
        outlines[contour.annotation_id].append(Outline(index, bool(contour.inclusion), vertices))
    return outlines


def _lesions_of_scan(
    scan, first: bool, annotations: pd.DataFrame, outlines: dict[int, list[Outline]], z: np.ndarray
) -> Iterator[dict]:
    """What is known of each lesion of one scan, as arguments of ``Lesion``."""
    drawn = [outlines[annotation] for annotation in annotations["id"]]
    clouds = [_points_mm(chain, scan.pixel_spacing, z) for chain in drawn]
    groups = group(outline_distances(clouds, scan.slice_thickness), scan.slice_thickness)
    ratings = annotations[_RATING_COLUMNS].to_numpy(dtype=np.int8)
    for number in range(groups.max() + 1):
        members = np.flatnonzero(groups == number)
        masks, offset = _tight_masks([drawn[member] for member in members])
        yield {
            "patient": scan.patient_id,
            "series_uid": scan.series_instance_uid,
            "scan": scan.id,
            "first_scan_of_patient": first,
            "spacing_mm": scan.pixel_spacing,
            "slice_thickness_mm": scan.slice_thickness,
            "slice_spacing_mm": float(np.median(np.diff(z))),
            "contrast": bool(scan.contrast_used),
            "z_mm": z[offset[0] : offset[0] + masks.shape[1]],
            **dict(zip(("slice_offset", "row_offset", "column_offset"), offset.tolist(), strict=True)),
            "reader_masks": masks,
            "ratings": ratings[members],
        }


def _points_mm(outlines: list[Outline], spacing_mm: float, z: np.ndarray) -> np.ndarray:
    """All vertices of one annotation, float (point, 3): row, column and z in mm."""
    planes = [np.full((len(outline.points), 1), z[outline.slice]) for outline in outlines]
    return np.hstack([np.vstack([outline.points for outline in outlines]) * spacing_mm, np.vstack(planes)])


def _tight_masks(readers: list[list[Outline]]) -> tuple[np.ndarray, np.ndarray]:
    """Masks (reader, slice, row, column) in the smallest box around all, and where that box starts."""
    lower = np.min([[o.slice, *o.points.min(axis=0)] for outlines in readers for o in outlines], axis=0)
    upper = np.max([[o.slice, *o.points.max(axis=0)] for outlines in readers for o in outlines], axis=0)
    masks = np.stack([reader_mask(outlines, lower, tuple(upper - lower + 1)) for outlines in readers])
    inside = np.argwhere(masks.any(axis=0))
    start, stop = inside.min(axis=0), inside.max(axis=0) + 1
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    return masks[(slice(None), *box)], lower + start
