"""A trained segmentation network, SDNet or baseline, and what can be asked of either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from disentangle.cache import Stored
from disentangle.device import resolve_device
from disentangle.sdnet.data import Data, checked_images
from disentangle.training import History, Settings

_CHUNK = 8
"""Images at once: larger pieces leave a processor's caches and are slower."""


@dataclass(frozen=True)
class Fitted:
    """A trained model with its configuration.

    ``fit_seconds`` is what the training took, also when it came from the cache.
    """

    model: nn.Module
    config: object
    history: History
    fit_seconds: float
    from_cache: bool

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def image_size(self) -> int:
        return self.config.image_size


def segment(fitted: Fitted, data: Data) -> np.ndarray:
    """The most probable label of each pixel, (image, height, width) uint8, 0 for background."""
    images = checked_images(data, fitted.image_size)
    return mapped(fitted, lambda part: fitted.model.probabilities(part).argmax(1).to(torch.uint8), images)


def segment_probabilities(fitted: Fitted, data: Data) -> np.ndarray:
    """Probabilities (image, 1 + classes, height, width) float32, background first."""
    return mapped(fitted, fitted.model.probabilities, checked_images(data, fitted.image_size))


@torch.no_grad()
def mapped(fitted: Fitted, function: Callable[..., Tensor], *rows: Tensor) -> np.ndarray:
    """``function`` of rows, piece by piece on the model's device, in evaluation mode and 32 bit."""
    fitted.model.eval()
    parts = zip(*(tensor.split(_CHUNK) for tensor in rows), strict=True)
    pieces = [function(*(_placed(part, fitted.device) for part in some)).cpu() for some in parts]
    return torch.cat(pieces).contiguous().numpy()


def _placed(part: Tensor, device: torch.device) -> Tensor:
    """On the device, pictures with their channels last, which processors read twice as fast."""
    layout = torch.channels_last if part.ndim == 4 else torch.preserve_format
    return part.to(device, memory_format=layout)


def labelled_terms(fitted: Fitted) -> pd.DataFrame:
    """The history: ``step`` and the terms of the step on labelled images under their plain names, such as ``dice``."""
    table = fitted.history.frame()
    return table.rename(columns=lambda name: name.removeprefix("supervised_").removeprefix("joint_"))


def stored(model: nn.Module, history: History) -> Stored:
    """A trained model as the cache keeps it."""
    return Stored(model.state_dict(), {"history": asdict(history)})


def restored(model: nn.Module, config: object, training: Settings, kept: Stored, from_cache: bool) -> Fitted:
    """A new ``model`` with the kept weights, in evaluation mode on the device that ``training`` names."""
    model.load_state_dict(kept.tensors)
    history = History(**kept.facts["history"])
    placed = model.to(resolve_device(training.device), memory_format=torch.channels_last)
    return Fitted(placed.eval(), config, history, history.seconds, from_cache)
