"""Which annotations show the same lesion.

Two annotations of a scan belong together when their outlines come as near as one slice thickness; groups are
the connected components. Four readers cannot mark a lesion more than four times, so where a group has more
members the tolerance of the whole scan shrinks until none has, or until it reaches 0.1 mm (Hancock and Magnan
2016, pylidc).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

MOST_READERS = 4
SHRINK = 0.9
FLOOR_MM = 0.1


def outline_distances(clouds: Sequence[np.ndarray], cutoff_mm: float) -> np.ndarray:
    """Smallest distance between the points of each pair, (annotation, annotation); inf beyond ``cutoff_mm``.

    ``clouds`` holds one float array (point, 3) in mm for each annotation.
    """
    trees = [cKDTree(cloud) for cloud in clouds]
    lower = np.array([cloud.min(axis=0) for cloud in clouds])
    upper = np.array([cloud.max(axis=0) for cloud in clouds])
    distances = np.where(np.eye(len(clouds), dtype=bool), 0.0, np.inf)
    gaps = np.maximum(0, lower[:, None] - upper[None]) + np.maximum(0, lower[None] - upper[:, None])
    boxes_near = (gaps**2).sum(axis=-1) <= cutoff_mm**2
    for i, j in np.argwhere(np.triu(boxes_near, 1)):
        # The bound is exclusive in scipy; a distance equal to the tolerance must still count.
        nearest, _ = trees[i].query(clouds[j], distance_upper_bound=np.nextafter(cutoff_mm, np.inf))
        distances[i, j] = distances[j, i] = nearest.min()
    return distances


def group(distances: np.ndarray, tolerance: float, most: int = MOST_READERS) -> np.ndarray:
    """Group number of each annotation, (annotation,), from their distances and the first tolerance."""
    while True:
        _, groups = connected_components(distances <= tolerance, directed=False)
        if np.bincount(groups).max() <= most or tolerance * SHRINK < FLOOR_MM:
            return groups
        tolerance *= SHRINK
