"""Patches of many patients under many settings: where they lie, what they show, rendered in batches.

A patch is a function of seed, person and its number alone; neither other people nor other settings change it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from disentangle.imaging.lidc.texture import join, uniform
from disentangle.imaging.lung.patients import Person
from disentangle.imaging.lung.render import PIXELS, planes_for, render_all
from disentangle.imaging.lung.settings import SETTINGS, Setting, blended
from disentangle.imaging.lung.store import kept
from disentangle.imaging.lung.tissues import TISSUES, Places, draw_objects

CHUNK = {"cpu": 16, "cuda": 512}
GAIN = (0.8, 1.3)


def patch_keys(people: int, patches: int, seed: int) -> Tensor:
    """The key of each patch, person by person: (people * patches,) int64."""
    person = torch.arange(people).repeat_interleave(patches)
    return join(seed, person, torch.arange(patches).repeat(people))


def patch_tissues(people: Sequence[Person], keys: Tensor) -> np.ndarray:
    """Number of each patch's tissue, drawn from the composition of its person: (patch,) int64."""
    upper = np.cumsum([person.shares for person in people], axis=1)[:, :-1]
    upper = np.repeat(upper, len(keys) // len(people), axis=0)
    return (uniform(keys, "tissue").double().numpy()[:, None] > upper).sum(1)


def patch_places(people: Sequence[Person], keys: Tensor) -> Places:
    """Where the patches lie: anywhere between front and back, where lung is up to ``tilt_hu`` denser."""
    patches = len(keys) // len(people)
    shift, tilt, calibre = (
        torch.tensor([getattr(person, name) for person in people]).repeat_interleave(patches)
        for name in ("shift_hu", "tilt_hu", "calibre")
    )
    return Places(keys, shift + tilt * (uniform(keys, "height") - 0.5), calibre)


def scan(
    people: Sequence[Person], patches: int, seed: int, shown: Sequence[Sequence[str]], effect: float = 1.0
) -> np.ndarray:
    """HU of every patch under each person's settings: int16 (people * patches, settings, PIXELS, PIXELS).

    ``shown``: names of settings for each person, equally many for all. Kept in the cache.
    """
    names = [",".join(settings) for settings in shown]
    options = f"{len(people)} {patches} {seed} {effect!r} {';'.join(names)}"
    return kept(options, __name__, lambda: _scanned(people, patches, seed, shown, effect))


def _scanned(
    people: Sequence[Person], patches: int, seed: int, shown: Sequence[Sequence[str]], effect: float
) -> np.ndarray:
    keys = patch_keys(len(people), patches, seed)
    tissues, places = patch_tissues(people, keys), patch_places(people, keys)
    kinds = sorted(set(map(tuple, shown)))
    kind = np.repeat([kinds.index(tuple(settings)) for settings in shown], patches)
    pictures = np.empty((len(keys), len(shown[0]), PIXELS, PIXELS), np.int16)
    for number, names in enumerate(kinds):
        settings = [blended(SETTINGS[name], effect) for name in names]
        for at, tissue in enumerate(TISSUES):
            rows = np.flatnonzero((kind == number) & (tissues == at))
            if len(rows):
                pictures[rows] = show(tissue, places.take(torch.from_numpy(rows)), settings)
    return pictures


def show(tissue: str, places: Places, settings: Sequence[Setting], device: str | torch.device = "cpu") -> np.ndarray:
    """HU of one tissue at these places under these settings: int16 (place, setting, PIXELS, PIXELS)."""
    device, planes = torch.device(device), planes_for(settings)
    pictures = []
    for rows in torch.arange(len(places.key)).split(CHUNK[device.type]):
        some = places.take(rows).to(device)
        hu = render_all(draw_objects(tissue, some, planes), settings, some.key, uniform(some.key, "gain", *GAIN))
        pictures.append(hu.to(torch.int16).cpu().numpy())
    return np.concatenate(pictures)
