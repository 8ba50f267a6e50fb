"""People's volumes as tensors: which modalities a person has, what is foreground, and what is wrong with a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from disentangle.cache import checksum

Case = Mapping[str, np.ndarray]
Images = np.ndarray | Sequence[Case] | Mapping[str, np.ndarray]


@dataclass(frozen=True)
class People:
    """Volumes of people, on one grid.

    ``images`` float32 (person, modality, depth, height, width) in 0..1, 0 where a modality is absent; ``present`` bool
    (person, modality); ``foreground`` bool (person, depth, height, width), where the reconstruction counts tenfold.
    """

    images: Tensor
    present: Tensor
    foreground: Tensor

    def __len__(self) -> int:
        return len(self.images)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What a batch is drawn from."""
        return {"images": self.images, "present": self.present, "foreground": self.foreground}

    @property
    def sha256(self) -> str:
        return checksum(self.images, self.present, self.foreground)


def people(
    images: Images | People,
    modalities: tuple[str, ...],
    side: int | tuple[int, int, int] | None,
    *,
    present: np.ndarray | None = None,
    foreground: np.ndarray | None = None,
) -> People:
    """Check volumes and bring them into one form.

    ``images`` is an array (person, modality, side, side, side) with ``present`` (person, modality) or None for all, or
    a case for each person: a dict from modality to volume, absent keys for missing modalities; or one dict of stacked
    volumes (person, side, side, side). ``foreground`` None is where any modality is above 0. ``side``, one number for
    cubes or three, None takes any grid. Raises ValueError that names the person and the modality: another grid, values
    that are not finite or not in 0..1, an all-zero volume, nobody's modality, fewer modalities than one.
    """
    if isinstance(images, People):
        if present is not None or foreground is not None:
            raise ValueError("present or foreground is given beside People, who have their own")
        return _checked(images, modalities, side)
    if isinstance(images, Mapping):
        images = _cases_of_stacks(images)
    if not isinstance(images, np.ndarray):
        if present is not None:
            raise ValueError("present is given beside cases, whose keys say already what is there")
        images, present = _stacked(images, modalities)
    images = np.asarray(images, dtype=np.float32)
    if images.ndim != 5 or not len(images):
        raise ValueError(f"images have the shape {images.shape}, expected (person, modality, depth, height, width)")
    there = np.ones(images.shape[:2], bool) if present is None else np.asarray(present, bool)
    if there.shape != images.shape[:2]:
        raise ValueError(f"present has the shape {there.shape}, expected {images.shape[:2]}, one for each volume")
    kept = images if there.all() else np.where(there[:, :, None, None, None], images, 0)
    inside = (kept > 0).any(1) if foreground is None else np.asarray(foreground, bool)
    grid = (len(images), *images.shape[2:])
    if inside.shape != grid:
        raise ValueError(f"foreground has the shape {inside.shape}, expected {grid}")
    tensors = [torch.from_numpy(np.ascontiguousarray(part)) for part in (kept, there, inside)]
    return _checked(People(*tensors), modalities, side)


def _checked(found: People, modalities: tuple[str, ...], side: int | tuple[int, int, int] | None) -> People:
    shape = tuple(found.images.shape)
    sides = shape[2:] if side is None else (side,) * 3 if isinstance(side, int) else side
    expected = (len(modalities), *sides)
    if shape[1:] != expected:
        raise ValueError(f"images have the shape {shape}, expected (person, {', '.join(map(str, expected))})")
    voxels = found.images.flatten(2)
    low, high = voxels.amin(2), voxels.amax(2)
    wrong = found.present & ~((low >= -1e-4) & (high <= 1 + 1e-4))
    empty = found.present & (low == 0) & (high == 0)
    for bad, what in ((wrong, "has values that are not finite or not in 0..1"), (empty, "is zero everywhere")):
        if bad.any():
            person, modality = bad.nonzero()[0].tolist()
            span = f"{float(low[person, modality]):g}..{float(high[person, modality]):g}"
            raise ValueError(f"person {person}: {modalities[modality]} {what} ({span}); absent ones need no volume")
    if not found.present.any(1).all():
        person = int((~found.present.any(1)).nonzero()[0])
        raise ValueError(f"person {person} has no modality, expected at least one of {modalities}")
    return found


def _cases_of_stacks(stacks: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    lengths = {name: len(stack) for name, stack in stacks.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"modalities have different numbers of people: {lengths}")
    return [{name: stack[i] for name, stack in stacks.items()} for i in range(next(iter(lengths.values())))]


def _stacked(cases: Sequence[Case], modalities: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Volumes (person, modality, ...) with zeros for absent ones, and which are there."""
    first = next((np.shape(volume) for case in cases for volume in case.values()), None)
    if first is None or len(first) != 3:
        raise ValueError(f"cases hold no volumes (depth, height, width): {len(cases)} cases, first shape {first}")
    images = np.zeros((len(cases), len(modalities), *first), np.float32)
    there = np.zeros(images.shape[:2], bool)
    for person, case in enumerate(cases):
        foreign = sorted(set(case) - set(modalities))
        if foreign:
            raise ValueError(f"person {person}: unknown modalities {foreign}, expected some of {modalities}")
        for name, volume in case.items():
            if np.shape(volume) != first:
                raise ValueError(f"person {person}: {name} is {np.shape(volume)}, expected {first} as the others are")
            column = modalities.index(name)
            images[person, column], there[person, column] = volume, True
    return images, there
