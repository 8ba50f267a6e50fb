"""What every method must answer here, and the answer for those that take an image apart into two codes.

A new method needs two things: `Model.codes` and `Model.swaps`. Whoever encodes into biology and nuisance and decodes
the pair fills in `TwoCodes`, and both follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, Protocol

import numpy as np
from torch import nn

from disentangle.comparison.people import Part


class Codes(NamedTuple):
    """Of each row of a part: ``biology`` (row, ...), and ``nuisance`` (row, dimension), None where there is none."""

    biology: np.ndarray
    nuisance: np.ndarray | None


class Model(Protocol):
    """A fitted method. ``fit_seconds`` of its training, ``parameters`` of what draws a swap; ``facts`` for the cell."""

    fit_seconds: float
    parameters: int
    facts: dict

    def codes(self, part: Part) -> Codes | None:
        """The codes of the rows of a part, None for methods without any."""

    def swaps(self, part: Part, donors: np.ndarray) -> np.ndarray:
        """Every image of a part in every style: (head, section, source, target, side, side).

        The style is that of the same section of head ``donors[head]``; on the diagonal it is the image's own.
        """


@dataclass(frozen=True)
class TwoCodes:
    """A method with a code for biology and one for the style.

    ``encode``: images and brains (row, side, side) -> `Codes`. ``decode``: biology, nuisance and brain -> images
    (row, side, side).
    """

    encode: Callable[[np.ndarray, np.ndarray], Codes]
    decode: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    fit_seconds: float
    parameters: int
    facts: dict

    def codes(self, part: Part) -> Codes:
        """The codes of the rows of a part."""
        return self.encode(part.flat, part.flat_brain)

    def swaps(self, part: Part, donors: np.ndarray) -> np.ndarray:
        """The biology of each image decoded with each style of its donor, see `Model.swaps`."""
        biology, nuisance = (code.reshape(*part.grid, *code.shape[1:]) for code in self.codes(part))
        brain = part.brain.reshape(-1, *part.brain.shape[2:])
        drawn = np.empty((*part.grid, part.grid[2], *part.brain.shape[2:]), np.float32)
        for source, target in product(range(part.grid[2]), repeat=2):
            own = biology[:, :, source].reshape(-1, *biology.shape[3:])
            style = nuisance[:, :, target] if source == target else nuisance[donors][:, :, target]
            found = self.decode(own, style.reshape(len(own), -1), brain)
            drawn[:, :, source, target] = (found * brain).reshape(part.brain.shape)
        return drawn.clip(0, 1)


def parameters_of(network: nn.Module) -> int:
    """How many numbers a network has learned."""
    return sum(parameter.numel() for parameter in network.parameters())
