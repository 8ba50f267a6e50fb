"""Groups of parameters that sit out most steps."""

from __future__ import annotations

import torch
from torch import Tensor


class Rests:
    """Lets a group's turn come only at every ``every``-th step; between, its weights and moments stay as they are.

    Adam moves weights as far for a small loss as for a large one: a smaller weight in the sum does not make a group's
    steps count less, fewer of them do.
    """

    def __init__(self, every: int):
        self.every = every
        self._nothing = torch.zeros((), requires_grad=True)
        self._last: dict[str, dict[str, Tensor]] = {}

    def at(self, step: int) -> bool:
        """Whether the group rests at a step."""
        return step % self.every != 0

    def turn(self, step: int) -> int:
        """How many turns the group had before that of a step."""
        return step // self.every

    def remembered(self, group: str, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """The same terms, kept for the log of the steps at which the group will rest."""
        self._last[group] = {name: value.detach() for name, value in terms.items()}
        return terms

    def losses(self, group: str) -> dict[str, Tensor]:
        """A loss that reaches no weight, beside the terms of the group's last turn."""
        return self._last.get(group, {}) | {"loss": 0 * self._nothing}
