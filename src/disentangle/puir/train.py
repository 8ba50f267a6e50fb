"""Fit PUIR: pre-train for the personal invariant X_h, then learn transfer between modalities."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from disentangle.batches import Batches
from disentangle.cache import Stored, cached, checksum
from disentangle.device import seeded
from disentangle.puir.config import PUIRConfig
from disentangle.puir.data import Images, People, people
from disentangle.puir.fitted import (
    Fitted,
    equivariance_error,
    invariants,
    restored,
    stored,
    transfer,
    transfer_whole,
)
from disentangle.puir.model import carry_over
from disentangle.puir.objective import PUIRTask, Stage
from disentangle.training import Settings, train

__all__ = [
    "Fitted",
    "equivariance_error",
    "fine_tune",
    "fit",
    "invariants",
    "new_task",
    "pretrain",
    "transfer",
    "transfer_whole",
]


def fit(
    images: Images | People,
    config: PUIRConfig,
    seed: int,
    *,
    present: np.ndarray | None = None,
    foreground: np.ndarray | None = None,
    validation: Images | People | None = None,
    cache: bool = True,
) -> Fitted:
    """Pre-train, unless ``config.pretraining`` is None, then learn transfer; arguments as in `fine_tune`."""
    data = people(images, config.modalities, config.sides, present=present, foreground=foreground)
    start = pretrain(data, config, seed, cache=cache) if config.pretraining else None
    return fine_tune(data, config, seed, start=start, validation=validation, cache=cache)


def pretrain(
    images: Images | People,
    config: PUIRConfig,
    seed: int,
    *,
    present: np.ndarray | None = None,
    foreground: np.ndarray | None = None,
    validation: Images | People | None = None,
    cache: bool = True,
) -> Fitted:
    """The first stage: the network learns X_h and to draw all modalities from it; arguments as in `fine_tune`."""
    if config.pretraining is None:
        raise ValueError("config.pretraining is None: there is no first stage, use fine_tune")
    data = people(images, config.modalities, config.sides, present=present, foreground=foreground)
    return _fitted(data, config, seed, "pretraining", None, validation, cache)


def fine_tune(
    images: Images | People,
    config: PUIRConfig,
    seed: int,
    *,
    start: Fitted | None = None,
    present: np.ndarray | None = None,
    foreground: np.ndarray | None = None,
    validation: Images | People | None = None,
    cache: bool = True,
) -> Fitted:
    """The second stage: all modalities from any one, from the weights of ``start`` or from new ones.

    ``images``, ``present`` and ``foreground``: see `data.people`; people of ``validation`` (their volumes, or `People`)
    must be others, and with them the best validated weights are kept. Equal calls come from the model cache. Raises
    ValueError for data that do not fit, `collapse.CollapsedFeatures` where X_h becomes the same for everybody.
    """
    data = people(images, config.modalities, config.sides, present=present, foreground=foreground)
    return _fitted(data, config, seed, "transfer", start, validation, cache)


def new_task(config: PUIRConfig, seed: int, stage: Stage) -> PUIRTask:
    """An untrained PUIR with what its training needs; networks of the same seed and sizes start equal."""
    with seeded(seed, "puir"):
        return PUIRTask(config, stage).eval()


def _fitted(
    data: People,
    config: PUIRConfig,
    seed: int,
    stage: Stage,
    start: Fitted | None,
    validation: Images | People | None,
    cache: bool,
) -> Fitted:
    settings: Settings = getattr(config, stage)
    if config.weights.contrast and len(data) < 2:
        raise ValueError(f"{len(data)} person, expected at least 2: contrast needs another person")
    held_out = None if validation is None else people(validation, config.modalities, config.sides)

    def make(checkpoint: Path | None) -> Stored:
        task = new_task(config, seed, stage)
        if start is not None:
            carry_over(task.model, start.model.state_dict())
        batches = Batches(data.tensors, settings.batch_size, seed)
        tensors = held_out.tensors if held_out else None
        history = train(task, batches, settings, seed, validation=tensors, checkpoint=checkpoint)
        return stored(task.model, history, task.guard.part, start.fit_seconds if start else 0.0)

    described = {name: value for name, value in asdict(config).items() if name not in ("pretraining", "transfer")}
    parts = {
        "config": described | {"training": settings.numerics()},
        "stage": stage,
        "seed": seed,
        "data": data.sha256,
        "validation": held_out.sha256 if held_out else None,
        "start": checksum(*start.model.state_dict().values()) if start else None,
    }
    kept, from_cache = cached("puir", parts, __name__, make) if cache else (make(None), False)
    return restored(new_task(config, seed, stage).model, config, settings, kept, from_cache)
