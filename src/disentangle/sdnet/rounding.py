"""How the anatomy factor becomes binary, with gradients as if it had not (SDNet, section 3.1.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, soft: Tensor, hard: Tensor) -> Tensor:
        return hard.view_as(hard)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def straight_through(soft: Tensor, hard: Tensor) -> Tensor:
    """``hard``, whose gradient goes to ``soft`` unchanged (Bengio et al. 2013)."""
    return _StraightThrough.apply(soft, hard)


def binarised(logits: Tensor, kind: str, *, temperature: float | None = None) -> Tensor:
    """Anatomy (batch, channel, height, width) from logits, softmax over channels first.

    ``round`` is the release's: a pixel whose probabilities all stay at or below one half is on no channel.
    ``argmax`` puts every pixel on exactly one. ``gumbel`` is ``argmax`` after Gumbel noise at a
    ``temperature``, None for no noise, as in evaluation. ``none`` leaves the probabilities, which lets grey
    values hide in the anatomy (figure 3b of the paper).
    """
    logits = logits.float()
    if kind == "gumbel" and temperature is not None:
        soft = F.gumbel_softmax(logits, temperature, dim=1)
    else:
        soft = logits.softmax(1)
    if kind == "none":
        return soft
    return straight_through(soft, soft.detach().round() if kind == "round" else one_hot_largest(soft.detach()))


def one_hot_largest(values: Tensor) -> Tensor:
    """1 on the channel of the largest value, the first of equals, 0 elsewhere."""
    return torch.zeros_like(values).scatter_(1, values.argmax(1, keepdim=True), 1.0)
