"""A training fails when features become the same for everybody: invariance and equivariance alone ask for that."""

from __future__ import annotations

import torch
from torch import Tensor, nn

WINDOW = 20
"""Steps over which the spread is averaged before it is judged."""


class CollapsedFeatures(ArithmeticError):
    """X_h no longer differs between people: at ``step``, ``part`` of the first spread was left."""

    def __init__(self, step: int, part: float, least: float):
        super().__init__(
            f"step {step}: features spread over people {part:.3g} times as much as in the first steps, expected at "
            f"least {least:g}: they have collapsed; give decomposition or contrast more weight"
        )
        self.step, self.part = step, part


class CollapseGuard(nn.Module):
    """Compares the spread of features over the last steps with that of the first ones.

    ``least`` 0 never fails. The two numbers are buffers, so that a resumed training judges as an uninterrupted one.
    """

    def __init__(self, least: float):
        super().__init__()
        self.least = least
        self.register_buffer("first", torch.zeros(()))
        self.register_buffer("recent", torch.zeros(()))

    def forward(self, spread: Tensor, step: int) -> None:
        """Take in the spread of a step; raises `CollapsedFeatures` at the end of a window."""
        spread = spread.detach()
        if step == 0:
            self.first.copy_(spread)
            self.recent.copy_(spread)
        self.recent.lerp_(spread, 2 / (WINDOW + 1))
        if self.least and step and step % WINDOW == 0 and self.part < self.least:
            raise CollapsedFeatures(step, self.part, self.least)

    @property
    def part(self) -> float:
        """Recent spread over the first one; 1 before any step."""
        return float(self.recent / self.first.clamp(min=1e-12)) if float(self.first) else 1.0
