"""Codes whose scores are known before anything is measured: perfect, constant, shuffled and duplicated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from disentangle.comparison.people import STYLES, Part
from disentangle.comparison.protocol import Codes

Control = Callable[[Part, int], Codes]


def perfect(part: Part, seed: int) -> Codes:
    """The true biology, and the style as one of six."""
    return Codes(part.targets, np.eye(len(STYLES))[part.style])


def constant(part: Part, seed: int) -> Codes:
    """Codes that are the same for every image: nothing can be read from them."""
    rows = len(part.flat)
    return Codes(np.ones((rows, 4)), np.ones((rows, 6)))


def shuffled(part: Part, seed: int) -> Codes:
    """The perfect codes of other images, drawn at random for each code by itself."""
    rng = np.random.default_rng([seed, len(part.flat)])
    return Codes(*(code[rng.permutation(len(code))] for code in perfect(part, seed)))


def duplicated(part: Part, seed: int) -> Codes:
    """Both codes hold everything: all can be read, and nothing is taken apart."""
    both = np.hstack(perfect(part, seed))
    return Codes(both, both)


CONTROLS: dict[str, Control] = {
    "perfect": perfect,
    "constant": constant,
    "shuffled": shuffled,
    "duplicated": duplicated,
}
