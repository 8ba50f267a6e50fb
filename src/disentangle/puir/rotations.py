"""Rotations that take a cube of voxels to itself: the quarter turns in one plane, and all 24 of the cube.

Each permutes voxels, so that turning and turning back is exact. A rotation is known by its number: 0 leaves all as it
is, 0 to 3 are that many quarter turns of the last two axes (the released plane), 4 to 23 the others.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

Group = Literal["plane", "cube"]
SIZES: dict[str, int] = {"plane": 4, "cube": 24}


class Rotation(NamedTuple):
    """Axis i of the result is axis ``axes[i]`` of the original, backwards where ``flips[i]``."""

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    @property
    def matrix(self) -> np.ndarray:
        """Where directions go: integer (3, 3), of determinant 1."""
        found = np.zeros((3, 3), int)
        found[np.arange(3), self.axes] = np.where(self.flips, -1, 1)
        return found


def turn(maps: Tensor, numbers: Tensor) -> Tensor:
    """Each of the maps (batch, ..., side, side, side) turned by its rotation, ``numbers`` (batch,) in 0..23.

    Raises ValueError where the last three sides differ, or the last two if all stay in the plane.
    """
    planar = bool((numbers < SIZES["plane"]).all())
    if len(set(maps.shape[-2:] if planar else maps.shape[-3:])) != 1:
        raise ValueError(f"maps have the sides {tuple(maps.shape[-3:])}, expected equal ones: turned, they must fit")
    if len(numbers) != len(maps):
        raise ValueError(f"{len(numbers)} rotations for {len(maps)} maps, expected one for each")
    chosen = numbers.tolist()
    if not any(chosen):
        return maps
    turned = torch.empty_like(maps)
    for number in sorted(set(chosen)):
        rows = [row for row, found in enumerate(chosen) if found == number]
        turned[rows] = _turned(maps[rows], all_rotations()[number])
    return turned


def turn_back(maps: Tensor, numbers: Tensor) -> Tensor:
    """The inverse of `turn` with the same numbers."""
    return turn(maps, inverse(numbers))


def compose(second: int, first: int) -> int:
    """The number of the rotation that does ``first``, then ``second``."""
    return int(_tables()[0][second, first])


def inverse(numbers: Tensor) -> Tensor:
    """Numbers of the rotations that undo the given ones."""
    return torch.from_numpy(_tables()[1])[numbers.cpu()]


@lru_cache
def all_rotations() -> tuple[Rotation, ...]:
    """The 24 rotations of the cube in the order of their numbers: a side to face the plane, then quarter turns."""
    sides = [np.eye(3, dtype=int)]
    forward, sideways = _quarter((0, 1)), _quarter((0, 2))
    for step in (forward, forward @ forward, forward @ forward @ forward, sideways, sideways.T):
        sides.append(step)
    quarter = _quarter((1, 2))
    matrices = [np.linalg.matrix_power(quarter, turns) @ side for side in sides for turns in range(4)]
    return tuple(_from_matrix(matrix) for matrix in matrices)


def _quarter(plane: tuple[int, int]) -> np.ndarray:
    """The matrix of ``torch.rot90`` in the plane of two axes."""
    matrix, (a, b) = np.eye(3, dtype=int), plane
    matrix[[a, b]] = 0
    matrix[a, b], matrix[b, a] = -1, 1
    return matrix


def _from_matrix(matrix: np.ndarray) -> Rotation:
    axes = np.abs(matrix).argmax(1)
    flips = matrix[np.arange(3), axes] < 0
    return Rotation(tuple(axes.tolist()), tuple(flips.tolist()))


def _turned(maps: Tensor, rotation: Rotation) -> Tensor:
    lead = maps.ndim - 3
    moved = maps.permute(*range(lead), *(lead + axis for axis in rotation.axes))
    return moved.flip([lead + axis for axis in range(3) if rotation.flips[axis]])


@lru_cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Numbers of products (24, 24) and of inverses (24,)."""
    rotations = all_rotations()
    number = {rotation: index for index, rotation in enumerate(rotations)}
    products = [[number[_from_matrix(a.matrix @ b.matrix)] for b in rotations] for a in rotations]
    inverses = [number[_from_matrix(a.matrix.T)] for a in rotations]
    return np.array(products), np.array(inverses)
