"""Shuffled batches that are a function of seed and step, so that a resumed training sees the same ones."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from disentangle.device import mixed_seed


class Batches:
    """Endless shuffled passes over tensors of equal length; batch ``step`` depends on (seed, step) alone.

    Every pass visits each row once; a batch may span two passes. The tensors move to the training
    device once.
    """

    def __init__(self, tensors: Mapping[str, Tensor], batch_size: int, seed: int):
        lengths = {name: len(tensor) for name, tensor in tensors.items()}
        if len(set(lengths.values())) != 1 or 0 in lengths.values():
            raise ValueError(f"tensors of a batch need one equal length above 0, found {lengths}")
        self.tensors = dict(tensors)
        self.rows = next(iter(lengths.values()))
        self.batch_size = min(batch_size, self.rows)
        self.seed = seed
        self._passes: dict[int, Tensor] = {}

    def to(self, device: torch.device) -> Batches:
        self.tensors = {name: tensor.to(device) for name, tensor in self.tensors.items()}
        return self

    def at(self, step: int) -> dict[str, Tensor]:
        """The batch of a step, (batch, ...) each."""
        first = step * self.batch_size
        last = first + self.batch_size
        parts = []
        for number in range(first // self.rows, (last - 1) // self.rows + 1):
            start = number * self.rows
            parts.append(self._order(number)[max(first - start, 0) : last - start])
        rows = torch.cat(parts)
        return {name: tensor[rows] for name, tensor in self.tensors.items()}

    def _order(self, number: int) -> Tensor:
        if number not in self._passes:
            generator = torch.Generator().manual_seed(mixed_seed(self.seed, "pass", number))
            device = next(iter(self.tensors.values())).device
            kept = {n: order for n, order in self._passes.items() if n == number - 1}
            self._passes = kept | {number: torch.randperm(self.rows, generator=generator).to(device)}
        return self._passes[number]
