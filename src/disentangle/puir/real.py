"""The real person of ``tcga_lgg`` on the networks' grid, scaled as the simulated people are: for scores, no figures."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from disentangle.imaging import datasets
from disentangle.puir.data import People, people

FIELD_MM = 208.0
"""Length of the networks' cube, that of the simulated heads."""
SPREADS = 6.0
_MAD_OF_SD = 1.4826


@lru_cache(maxsize=1)
def real_person(modalities: tuple[str, ...], side: int) -> tuple[People, np.ndarray]:
    """The first person with all modalities and labels, and the tumour (side, side, side) bool as software drew it.

    Raises `imaging.datasets.DataAbsent` where the set is not on this machine, ValueError where nobody is complete.
    """
    voxel = FIELD_MM / side
    cohort = datasets.load(
        "tcga_lgg", modalities=modalities, size=side, pixel_mm=voxel, slice_mm=voxel, top=100.0, volumes=True
    )
    complete = cohort.samples[[*(f"has_{name}" for name in modalities), "annotated"]].all(axis=1).to_numpy()
    if not complete.any():
        raise ValueError(f"tcga_lgg: none of {cohort.people} people has {', '.join(modalities)} and labels")
    at = int(complete.argmax())
    brain = centred((cohort.labels[at] > 0) & (cohort.labels[at] != 255), side)
    tumour = centred(cohort.masks[at], side)
    images = np.stack([robust(centred(volume, side), brain) for volume in cohort.images[at]])
    return people(images[None], modalities, side, foreground=brain[None]), tumour


def robust(volume: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """Grey values in 0..1: median and three robust standard deviations to either side; 0 outside (digest, D6)."""
    inside = volume[brain]
    middle = np.median(inside)
    spread = SPREADS * _MAD_OF_SD * np.median(np.abs(inside - middle))
    return np.where(brain, np.clip((volume - middle) / spread + 0.5, 0, 1), 0).astype(np.float32)


def centred(volume: np.ndarray, side: int) -> np.ndarray:
    """The volume in the middle of a cube of ``side`` voxels, cut or filled with zeros at both ends of each axis."""
    for axis, length in enumerate(volume.shape):
        missing = side - length
        before = abs(missing) // 2
        if missing >= 0:
            width = [(0, 0)] * volume.ndim
            width[axis] = (before, missing - before)
            volume = np.pad(volume, width)
        else:
            volume = np.take(volume, range(before, before + side), axis)
    return volume
