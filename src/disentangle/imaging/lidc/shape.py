"""Shape of outlined lesions in mm: per slice, and the twelve numbers a lesion that an image model must beat.

Everything but the convex hull is computed for all slices at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.spatial import ConvexHull, QhullError

from disentangle.imaging.cohort import Cohort
from disentangle.imaging.lidc.selection import SelectedLesion

SLICE_FEATURES = (
    "area_mm2",
    "diameter_mm",
    "major_axis_mm",
    "minor_axis_mm",
    "perimeter_mm",
    "eccentricity",
    "solidity",
    "circularity",
)
SHAPE_FEATURES = (
    "max_area_mm2",
    "max_axis_mm",
    "equivalent_diameter_mm",
    "perimeter_mm",
    "eccentricity",
    "mean_solidity",
    "min_solidity",
    "mean_circularity",
    "log_volume",
    "height_mm",
    "elongation",
    "sphericity",
)


def slice_shape_features(masks: np.ndarray, spacing_mm: float | np.ndarray) -> pd.DataFrame:
    """Shape of each slice's mask, one row per slice, columns ``SLICE_FEATURES``.

    Parameters
    ----------
    masks : bool array, (slice, row, column)
    spacing_mm : float, or array (slice,) or (slice, 2)
        Side of the pixels, which must be square.

    Notes
    -----
    ``diameter_mm`` is that of the disc of equal area; axes are those of the ellipse of equal second moments,
    each pixel counted as a unit square; the perimeter is Crofton's in four directions; solidity is the share
    of mask pixels among the pixels whose centres lie in the convex hull of the mask's pixel centres;
    circularity is 4 pi area / perimeter^2, which the perimeter's estimate can lift above one. An empty mask
    has area and diameter 0, and NaN elsewhere.

    Raises
    ------
    ValueError
        Masks that are not (slice, row, column), or pixels that are not square.
    """
    if masks.ndim != 3:
        raise ValueError(f"masks should be (slice, row, column), found shape {masks.shape}")
    masks = masks.astype(bool)
    side = _pixel_side(spacing_mm, len(masks))
    pixels = masks.sum(axis=(1, 2)).astype(float)
    filled = np.where(pixels > 0, pixels, np.nan)
    major, minor = _axes(masks, filled)
    perimeter = np.where(pixels > 0, _crofton_perimeter(masks), np.nan)
    hull = np.array([_hull_pixels(mask) for mask in masks], dtype=float)
    return pd.DataFrame(
        {
            "area_mm2": pixels * side**2,
            "diameter_mm": 2 * np.sqrt(pixels / np.pi) * side,
            "major_axis_mm": major * side,
            "minor_axis_mm": minor * side,
            "perimeter_mm": perimeter * side,
            "eccentricity": np.sqrt(np.maximum(0, 1 - (minor / major) ** 2)),
            "solidity": filled / hull,
            "circularity": 4 * np.pi * filled / perimeter**2,
        }
    )


def _pixel_side(spacing_mm: float | np.ndarray, slices: int) -> np.ndarray:
    spacing = np.asarray(spacing_mm, dtype=float)
    if spacing.ndim == 2:
        if not np.allclose(spacing[:, 0], spacing[:, 1], rtol=0.01):
            odd = spacing[~np.isclose(spacing[:, 0], spacing[:, 1], rtol=0.01)][0]
            raise ValueError(f"shape features need square pixels, found {odd[0]:g} x {odd[1]:g} mm")
        spacing = spacing[:, 0]
    return np.broadcast_to(spacing, (slices,))


def _axes(masks: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Full axes, in pixels, of the ellipse with the second moments of each mask."""
    by_row, by_column = masks.sum(axis=2), masks.sum(axis=1)
    row, column = np.arange(masks.shape[1]), np.arange(masks.shape[2])
    row_mean, column_mean = by_row @ row / pixels, by_column @ column / pixels
    # A unit square adds its own second moment, 1/12.
    row_variance = by_row @ row**2 / pixels - row_mean**2 + 1 / 12
    column_variance = by_column @ column**2 / pixels - column_mean**2 + 1 / 12
    both = (masks @ column) @ row / pixels
    covariance = both - row_mean * column_mean
    middle = (row_variance + column_variance) / 2
    spread = np.hypot((row_variance - column_variance) / 2, covariance)
    return 4 * np.sqrt(middle + spread), 4 * np.sqrt(np.maximum(middle - spread, 0))


def _crofton_perimeter(masks: np.ndarray) -> np.ndarray:
    """Perimeter in pixels from the crossings of lines in four directions (Cauchy-Crofton formula)."""
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))

    def crossings(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a ^ b).sum(axis=(1, 2))

    straight = crossings(padded[:, 1:], padded[:, :-1]) + crossings(padded[:, :, 1:], padded[:, :, :-1])
    falling = crossings(padded[:, 1:, 1:], padded[:, :-1, :-1])
    rising = crossings(padded[:, 1:, :-1], padded[:, :-1, 1:])
    return np.pi / 8 * (straight + (falling + rising) / np.sqrt(2))


def _hull_pixels(mask: np.ndarray) -> float:
    """Number of pixel centres in the convex hull of the mask's pixel centres; NaN for an empty mask."""
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return np.nan
    band = mask[rows]
    left, right = band.argmax(axis=1), mask.shape[1] - 1 - band[:, ::-1].argmax(axis=1)
    points = np.concatenate([np.stack([rows, left], 1), np.stack([rows, right], 1)])
    try:
        hull = ConvexHull(points)
    except QhullError:  # all centres on one line
        return float(np.gcd(*np.ptp(points[np.lexsort(points.T[::-1])], axis=0)) + 1)
    # Pick's theorem, exact because the corners of the hull are lattice points; in 2D `volume` is the area.
    steps = np.abs(np.diff(points[hull.vertices], axis=0, append=points[hull.vertices[:1]]))
    on_edge = np.gcd(steps[:, 0], steps[:, 1]).sum()
    return hull.volume + on_edge / 2 + 1


def lesion_shape_features(
    slices: pd.DataFrame, lesion: np.ndarray | Sequence[int], slice_spacing_mm: np.ndarray | Sequence[float]
) -> pd.DataFrame:
    """The twelve ``SHAPE_FEATURES`` of each lesion, indexed by ``lesion``.

    Parameters
    ----------
    slices : DataFrame of ``slice_shape_features``
        The slices of a lesion in order of their position.
    lesion, slice_spacing_mm : (slice,)
        To which lesion each slice belongs, and the distance to its neighbour.

    Notes
    -----
    Equivalent diameter, perimeter, eccentricity and elongation (long over short axis) are those of the
    largest slice; solidity and circularity are means over slices. Sphericity is Wadell's: the surface of a
    ball of equal volume over the lesion's own, where cone frusta join the slices and flat caps end them.
    """
    table = slices.reset_index(drop=True).assign(
        lesion=np.asarray(lesion),
        height=np.asarray(slice_spacing_mm, dtype=float),
        volume=slices["area_mm2"].to_numpy() * np.asarray(slice_spacing_mm, dtype=float),
    )
    table["surface"] = _surface(table)
    lesions = table.groupby("lesion")
    largest = table.loc[lesions["area_mm2"].idxmax()].set_index("lesion")
    volume, surface = lesions["volume"].sum(), lesions["surface"].sum()
    features = {
        "max_area_mm2": largest["area_mm2"],
        "max_axis_mm": lesions["major_axis_mm"].max(),
        "equivalent_diameter_mm": largest["diameter_mm"],
        "perimeter_mm": largest["perimeter_mm"],
        "eccentricity": largest["eccentricity"],
        "mean_solidity": lesions["solidity"].mean(),
        "min_solidity": lesions["solidity"].min(),
        "mean_circularity": lesions["circularity"].mean(),
        "log_volume": np.log(volume),
        "height_mm": lesions["height"].sum(),
        "elongation": largest["major_axis_mm"] / largest["minor_axis_mm"],
        "sphericity": np.cbrt(np.pi) * (6 * volume) ** (2 / 3) / surface,
    }
    return pd.DataFrame(features)[list(SHAPE_FEATURES)]


def _surface(table: pd.DataFrame) -> pd.Series:
    """What each slice adds to the surface of its lesion, in mm^2."""
    area, perimeter, spacing = table["area_mm2"], table["perimeter_mm"], table["height"]
    by_lesion = table[["area_mm2", "perimeter_mm"]].groupby(table["lesion"])
    before = by_lesion.shift()
    # Exact for cones: mean perimeter x slant, with slant^2 = spacing^2 + (difference of radii)^2.
    slope = np.hypot((perimeter + before["perimeter_mm"]) / 2 * spacing, area - before["area_mm2"])
    end = area + perimeter * spacing / 2
    is_first, is_last = before["area_mm2"].isna(), by_lesion.shift(-1)["area_mm2"].isna()
    return slope.where(~is_first, end) + end.where(is_last, 0.0)


def selected_shape_features(selected: Sequence[SelectedLesion]) -> pd.DataFrame:
    """``SHAPE_FEATURES`` of lesions on their native pixels, indexed by the lesion's id."""
    slices = [slice_shape_features(chosen.masks, chosen.lesion.spacing_mm) for chosen in selected]
    counts = [len(chosen.slices) for chosen in selected]
    lesion = np.repeat([chosen.lesion.id for chosen in selected], counts)
    spacing = np.repeat([chosen.lesion.slice_spacing_mm for chosen in selected], counts)
    return lesion_shape_features(pd.concat(slices), lesion, spacing)


def shape_features(cohort: Cohort) -> pd.DataFrame:
    """``SHAPE_FEATURES`` of a cohort of lesions, indexed by the column ``lesion`` of its samples.

    The distance of slices is the column ``slice_spacing_mm`` where there is one, else ``volume_mm3`` over the
    summed area of a lesion.

    Raises
    ------
    ValueError
        The cohort has no masks, no column ``lesion``, or nothing that tells the distance of slices.
    """
    if cohort.masks is None or "lesion" not in cohort.samples:
        raise ValueError(f"cohort {cohort.name}: shape needs masks and the column 'lesion' of samples")
    slices = slice_shape_features(cohort.masks, cohort.spacing_mm)
    return lesion_shape_features(slices, cohort.samples["lesion"], _slice_spacing(cohort, slices))


def _slice_spacing(cohort: Cohort, slices: pd.DataFrame) -> np.ndarray:
    samples = cohort.samples
    if "slice_spacing_mm" in samples:
        return samples["slice_spacing_mm"].to_numpy()
    if "volume_mm3" not in samples:
        raise ValueError(f"cohort {cohort.name}: shape needs 'slice_spacing_mm' or 'volume_mm3', found {list(samples)}")
    area = slices["area_mm2"].groupby(samples["lesion"].to_numpy()).transform("sum")
    return samples["volume_mm3"].to_numpy() / area.to_numpy()
