"""From the readers' outlines to masks of pixels.

An outline of LIDC-IDRI is a closed chain of pixels that lies just outside the lesion: the lesion is what the
chain encloses, without the chain itself (Armato et al. 2011). Exclusion outlines cut holes in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from skimage.draw import polygon

_ALL_PAIRS = re.compile(r"(?:[0-9]{1,4},[0-9]{1,4}\n)*[0-9]{1,4},[0-9]{1,4}")


@dataclass(frozen=True, eq=False)
class Outline:
    """One closed outline on one slice.

    Attributes
    ----------
    slice : int
        Index in the scan's slices sorted by ascending z.
    inclusion : bool
        True: encloses lesion; False: encloses a hole.
    points : int array, (point, 2)
        Row and column of each vertex; the last may repeat the first.
    """

    slice: int
    inclusion: bool
    points: np.ndarray


def parse_coords(texts: Sequence[str]) -> list[np.ndarray]:
    """Row and column of the vertices of each outline, int16 (point, 2), from lines of ``column,row``.

    Raises
    ------
    ValueError
        A text that is not whole numbers in pairs; the message quotes it.
    """
    joined = "\n".join(texts)
    if not _ALL_PAIRS.fullmatch(joined):
        bad = next((text for text in texts if not _ALL_PAIRS.fullmatch(text)), "")
        raise ValueError(f"an outline should be lines of 'column,row' in whole numbers, found {bad[:60]!r}")
    pairs = np.array(joined.replace("\n", ",").split(","), dtype=np.int16).reshape(-1, 2)
    lengths = [text.count("\n") + 1 for text in texts]
    return np.split(pairs[:, ::-1], np.cumsum(lengths)[:-1])


def enclosed(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels inside the closed polygon through ``points`` (row, column), vertices left out."""
    mask = np.zeros(shape, dtype=bool)
    mask[polygon(points[:, 0], points[:, 1], shape)] = True
    mask[points[:, 0], points[:, 1]] = False
    return mask


def reader_mask(outlines: Iterable[Outline], lower: Sequence[int], shape: tuple[int, int, int]) -> np.ndarray:
    """One reader's lesion as bool (slice, row, column), in the box that starts at ``lower`` of the scan.

    The union of what inclusion outlines enclose, less what exclusion outlines enclose, less all outlines.
    """
    mask = np.zeros(shape, dtype=bool)
    outlines = list(outlines)
    for outline in sorted(outlines, key=lambda outline: not outline.inclusion):
        points = outline.points - np.asarray(lower[1:])
        plane = mask[outline.slice - lower[0]]
        if outline.inclusion:
            plane |= enclosed(points, shape[1:])
        else:
            plane &= ~enclosed(points, shape[1:])
        plane[points[:, 0], points[:, 1]] = False
    return mask
