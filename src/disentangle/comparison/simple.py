"""What needs no network: the source left as it is, and a curve of grey values for each pair of styles."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from disentangle.comparison.effort import Effort
from disentangle.comparison.maps import six_modalities
from disentangle.comparison.people import STYLES, Part
from disentangle.comparison.protocol import Codes
from disentangle.puir.baselines import Polynomials, fit_polynomials


@dataclass(frozen=True)
class Copy:
    """The source, unchanged: its error is the unit of all swaps, and its pixels are a code that was not taken apart."""

    fit_seconds: float = 0.0
    parameters: int = 0
    facts: dict = field(default_factory=dict)

    def codes(self, part: Part) -> Codes:
        """The picture itself."""
        return Codes(part.flat[:, None], None)

    def swaps(self, part: Part, donors: np.ndarray) -> np.ndarray:
        """The source in place of every target."""
        return np.repeat(part.images[:, :, :, None], part.grid[2], axis=3)


@dataclass(frozen=True)
class StyleMean:
    """A polynomial of the grey value from each style to each other, the mean relation over the training heads."""

    polynomials: Polynomials
    fit_seconds: float
    facts: dict = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        return self.polynomials.coefficients.size

    def codes(self, part: Part) -> None:
        """None: nothing is taken apart."""
        return None

    def swaps(self, part: Part, donors: np.ndarray) -> np.ndarray:
        """Every image through the curve of its pair of styles."""
        drawn = self.polynomials.predict(six_modalities(part))[:, :, :, 0]
        return drawn.reshape(*part.grid, part.grid[2], *drawn.shape[-2:]) * part.brain[:, :, None, None]


def fit_copy(training: Part, validation: Part, seed: int, effort: Effort) -> Copy:
    """Nothing to learn."""
    return Copy()


def fit_style_mean(training: Part, validation: Part, seed: int, effort: Effort) -> StyleMean:
    """Least squares over the brain's pixels of all training heads."""
    began = time.perf_counter()
    found = fit_polynomials(six_modalities(training), STYLES)
    return StyleMean(found, time.perf_counter() - began)
