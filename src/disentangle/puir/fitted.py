"""A trained network for volumes and what can be asked of it: images, invariants, and the invariant's use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from disentangle.cache import Stored
from disentangle.device import resolve_device
from disentangle.puir.config import PUIRConfig
from disentangle.puir.data import Images, People, people
from disentangle.puir.rotations import turn, turn_back
from disentangle.training import History, Settings

CHUNK = 16


@dataclass(frozen=True)
class Fitted:
    """A trained model with its configuration.

    ``fit_seconds`` is what this training and those it started from took, also when they came from the cache.
    ``spread_left`` is the spread of X_h over people in the last steps over that in the first ones; 0 is collapse.
    """

    model: nn.Module
    config: PUIRConfig
    history: History
    fit_seconds: float
    spread_left: float
    from_cache: bool

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device


def transfer(
    fitted: Fitted,
    images: Images | People,
    *,
    invariant: Literal["own", "zero", "shuffle"] = "own",
    skips: bool = True,
    **facts: np.ndarray | None,
) -> np.ndarray:
    """All modalities from each: (person, source, target, side, side, side) float32 in 0..1, NaN for absent sources.

    ``facts`` are ``present`` and ``foreground`` of `data.people`. Whether X_h carries anything: ``zero`` takes it
    away, ``shuffle`` gives each person that of the next one in the same modality, ``skips`` False leaves it alone.
    """
    data, model = _people(fitted, images, facts), fitted.model

    def drawn(volumes: Tensor, others: Tensor) -> Tensor:
        found, features = model.encode(volumes)
        if invariant == "shuffle":
            features = model.encode(others)[1]
        representation = model.invariant(features)
        if invariant == "zero":
            representation = torch.zeros_like(representation)
        return model.decode(representation, found if skips else None).clamp(0, 1)

    return _of_sources(fitted, data, drawn, _of_the_next_person(data))


def invariants(fitted: Fitted, images: Images | People, **facts: np.ndarray | None) -> np.ndarray:
    """X_h from each modality alone, (person, source, channel, grid, grid, grid) float32, NaN for absent sources."""
    data, model = _people(fitted, images, facts), fitted.model
    return _of_sources(fitted, data, lambda volumes: model.invariant(model.encode(volumes)[1]))


def equivariance_error(
    fitted: Fitted, images: Images | People, rotation: int = 1, **facts: np.ndarray | None
) -> np.ndarray:
    """|R^-1 X(R x) - X(x)| / |X(x)| of each volume, (person, source), NaN for absent ones.

    ``rotation`` is a number of `rotations`; 1 is a quarter turn of the last two axes. Two unrelated X_h have about 1.4.
    """
    data, model = _people(fitted, images, facts), fitted.model

    def error(volumes: Tensor) -> Tensor:
        number = torch.full((len(volumes),), rotation)
        upright = model.invariant(model.encode(volumes)[1])
        turned = turn_back(model.invariant(model.encode(turn(volumes, number))[1]), number)
        return (turned - upright).flatten(1).norm(dim=1) / upright.flatten(1).norm(dim=1)

    return _of_sources(fitted, data, error)


def transfer_whole(fitted: Fitted, volume: np.ndarray, *, overlap: float = 0.5, batch_size: int = 4) -> np.ndarray:
    """All modalities (modality, depth, height, width) of one volume (depth, height, width) in 0..1 of any size.

    Windows of the network's side slide over the part that is not zero and are blended by Gaussians; elsewhere the
    result is 0. Raises ValueError for a volume that is not 3D, not in 0..1 or zero everywhere.
    """
    from monai.inferers import sliding_window_inference  # slow to load

    case = people(np.asarray(volume)[None, None], ("volume",), None)
    spans = [case.foreground[0].movedim(axis, 0).flatten(1).any(1).nonzero() for axis in range(3)]
    box = tuple(slice(int(span.min()), int(span.max()) + 1) for span in spans)
    inside = case.images[:, :, *box].to(fitted.device)
    fitted.model.eval()
    with torch.no_grad():
        found = sliding_window_inference(
            inside, fitted.config.sides, batch_size, fitted.model, overlap=overlap, mode="gaussian"
        )
    drawn = np.zeros((found.shape[1], *volume.shape), np.float32)
    drawn[:, *box] = found[0].clamp(0, 1).cpu().numpy()
    return drawn


def stored(model: nn.Module, history: History, spread_left: float, seconds_before: float = 0.0) -> Stored:
    """A trained model as the cache keeps it."""
    facts = {"history": asdict(history), "spread_left": spread_left, "seconds": seconds_before + history.seconds}
    return Stored(model.state_dict(), facts)


def restored(model: nn.Module, config: PUIRConfig, training: Settings, kept: Stored, from_cache: bool) -> Fitted:
    """A new ``model`` with the kept weights, in evaluation mode on the device that ``training`` names."""
    model.load_state_dict(kept.tensors)
    model = model.to(resolve_device(training.device)).eval()
    history = History(**kept.facts["history"])
    return Fitted(model, config, history, kept.facts["seconds"], kept.facts["spread_left"], from_cache)


def _people(fitted: Fitted, images: Images | People, facts: dict[str, np.ndarray | None]) -> People:
    return people(images, fitted.config.modalities, fitted.config.sides, **facts)


def _of_the_next_person(data: People) -> Tensor:
    """The volume of the next person who has the modality, for each volume; its own where nobody else has it."""
    others = data.images.clone()
    for column in range(data.present.shape[1]):
        rows = data.present[:, column].nonzero().flatten()
        others[rows, column] = data.images[rows.roll(-1), column]
    return others


@torch.no_grad()
def _of_sources(fitted: Fitted, data: People, function: Callable[..., Tensor], *more: Tensor) -> np.ndarray:
    """``function`` of all present volumes (volume, 1, ...), piece by piece in 32 bit, back on (person, source, ...)."""
    fitted.model.eval()
    rows = [tensor[data.present][:, None].split(CHUNK) for tensor in (data.images, *more)]
    parts = [function(*(part.to(fitted.device) for part in some)).float().cpu() for some in zip(*rows, strict=True)]
    found = torch.cat(parts)
    result = torch.full((*data.present.shape, *found.shape[1:]), torch.nan)
    result[data.present] = found
    return result.numpy()
