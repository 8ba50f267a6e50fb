"""A trained detector, the method or a baseline, and how it is applied to slices of any size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentangle.anatomy_uad.config import DALConfig, RestorerConfig
from disentangle.anatomy_uad.data import Slices
from disentangle.cache import Stored
from disentangle.device import resolve_device
from disentangle.training import History

_CHUNK = 32


@dataclass(frozen=True)
class Fitted:
    """A trained model with its configuration.

    ``fit_seconds`` is what its training took, of both stages, also when it came from the cache. ``history`` has a
    column ``stage`` where there are two.
    """

    model: nn.Module
    config: DALConfig | RestorerConfig
    history: History
    fit_seconds: float
    from_cache: bool

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device


@torch.no_grad()
def mapped(fitted: Fitted, function: Callable[[Tensor, Tensor], Tensor], slices: Slices) -> np.ndarray:
    """``function`` of images and brains (batch, 1, height, width), piece by piece, in evaluation mode and 32 bit.

    Sides that the networks cannot halve are padded with black, and maps of the padded size cut back.
    """
    fitted.model.eval()
    height, width = slices.images.shape[1:]
    multiple = fitted.config.multiple
    padding = (0, -width % multiple, 0, -height % multiple)
    parts = []
    for start in range(0, len(slices), _CHUNK):
        rows = slice(start, start + _CHUNK)
        images, brain = (
            F.pad(torch.from_numpy(part[rows]).float()[:, None].to(fitted.device), padding)
            for part in (slices.images, slices.brain)
        )
        found = function(images, brain)
        parts.append((found[..., :height, :width] if found.ndim > 2 else found).cpu())
    return torch.cat(parts).numpy()


def stored(model: nn.Module, history: History) -> Stored:
    """A trained model as the cache keeps it."""
    return Stored(model.state_dict(), {"history": asdict(history)})


def restored(
    model: nn.Module, config: DALConfig | RestorerConfig, kept: Stored, from_cache: bool, device: str
) -> Fitted:
    """A new ``model`` with the kept weights, in evaluation mode on the device."""
    model.load_state_dict(kept.tensors)
    history = History(**kept.facts["history"])
    return Fitted(model.to(resolve_device(device)).eval(), config, history, history.seconds, from_cache)
