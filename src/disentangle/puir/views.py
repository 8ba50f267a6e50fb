"""What the network sees of people in training: which of their modalities, how turned, and with what cut out."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from disentangle.puir.rotations import SIZES, Group, turn

LARGEST_BOX = 0.25
"""Longest side of a box to cut out, as a part of the volume's; the release's bound."""


class View(NamedTuple):
    """``volumes`` (person * source, 1, side, side, side) turned by ``numbers`` (person * source,), on the CPU."""

    volumes: Tensor
    numbers: Tensor


def ordered_sources(present: Tensor, count: int | None) -> tuple[Tensor, Tensor]:
    """Modalities of each person in random order, present ones first: numbers (person, count), and which are present.

    ``present`` (person, modality) bool; ``count`` None takes all columns.
    """
    noise = torch.rand(present.shape, device=present.device) + present.float()
    order = noise.argsort(dim=1, descending=True)[:, :count]
    return order, present.gather(1, order)


def volumes_of(images: Tensor, order: Tensor) -> Tensor:
    """Volumes (person, source, ...) of the chosen modalities of images (person, modality, ...)."""
    return images[torch.arange(len(images), device=images.device)[:, None], order]


def view(volumes: Tensor, group: Group, cut_out: float) -> View:
    """Turn each of the volumes (person, source, side, side, side) by a rotation of its own, then cut boxes out.

    Every view starts from the volume itself. (The release turns its second view on from the first and so loses count.)
    """
    persons = len(volumes)
    numbers = torch.randint(SIZES[group], (volumes.shape[0] * volumes.shape[1],))
    turned = turn(volumes.flatten(0, 1)[:, None], numbers)
    return View(with_boxes_cut_out(turned, cut_out, persons), numbers)


def with_boxes_cut_out(volumes: Tensor, part: float, persons: int) -> Tensor:
    """Fill random boxes, which hide ``part`` of each volume on average, with noise or with another person's content.

    ``volumes`` (person * source, 1, side, side, side). Sides of boxes are one eighth to one quarter of the volume's;
    what lies outside is cut. With a single person there is noise alone. (The release's noise is Gaussian, scaled to the
    span of the volume.)
    """
    if not part:
        return volumes
    hidden = boxes(len(volumes), volumes.shape[-1], part, volumes.device, volumes.shape[-3])[:, None]
    filling = (0.5 + torch.randn_like(volumes) / 8).clamp(0, 1)
    if persons > 1:
        others = volumes.roll(len(volumes) // persons, 0)
        coin = torch.rand(len(volumes), 1, 1, 1, 1, device=volumes.device) < 0.5
        filling = torch.where(coin, others, filling)
    return torch.where(hidden, filling, volumes)


def boxes(count: int, side: int, part: float, device: torch.device | str = "cpu", depth: int | None = None) -> Tensor:
    """Masks (count, side, side, side), true in random boxes whose union is ``part`` of the volume on average.

    ``depth`` 1: of slices (count, 1, side, side).
    """
    longest = max(1, math.floor(LARGEST_BOX * side))
    sizes = torch.arange(max(1, longest // 2), longest + 1)
    covered = float((sizes / (side + sizes - 1)).mean() ** (2 if depth == 1 else 3))
    number = max(1, round(math.log1p(-part) / math.log1p(-covered)))
    lengths = sizes.to(device)[torch.randint(len(sizes), (count, number, 3, 1), device=device)]
    # Every start at which a box still touches the volume, so that no voxel is hidden more often than another.
    starts = (torch.rand(count, number, 3, 1, device=device) * (side + lengths - 1)).floor() - (lengths - 1)
    places = torch.arange(side, device=device)
    inside = ((places >= starts) & (places < starts + lengths)).float()
    z, y, x = inside.unbind(2)
    z = torch.ones_like(z[..., :1]) if depth == 1 else z
    return torch.einsum("bnz,bny,bnx->bzyx", z, y, x) > 0
