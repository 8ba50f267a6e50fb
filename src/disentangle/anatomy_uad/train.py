"""Fit the detector in two stages; then take slices apart into anatomy, edges and modality, and draw them healthy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from disentangle.anatomy_uad.augment import augmented, plain
from disentangle.anatomy_uad.config import DALConfig
from disentangle.anatomy_uad.data import Pairs, Slices, check_multiple, pairs_of, training_tensors
from disentangle.anatomy_uad.fitted import Fitted, mapped, restored, stored
from disentangle.anatomy_uad.model import DAL
from disentangle.anatomy_uad.objective import DisentanglingTask, RestoringTask, precomputed, stacked
from disentangle.batches import Batches
from disentangle.cache import Stored, cached
from disentangle.device import mixed_seed, resolve_device, seeded
from disentangle.imaging.cohort import Cohort
from disentangle.training import History, train

__all__ = ["Fitted", "anatomy", "edges", "fit", "fit_first_stage", "modality", "new_model", "pseudo_healthy"]

_CHUNK = 16


def fit(
    data: Cohort | Pairs,
    config: DALConfig,
    seed: int,
    *,
    validation: Cohort | Pairs | None = None,
    cache: bool = True,
) -> Fitted:
    """Train the detector on pairs of healthy people: a cohort as `data.pairs_of` takes it, sides as the networks need.

    With ``validation``, healthy pairs of other people, each stage keeps its best validated weights. Equal calls come
    from the model cache, and so does the first stage of every arm that differs only after it. Raises ValueError for
    data that do not fit.
    """
    pairs, held_out = _checked(data, validation, config)

    def make(checkpoint: Path | None) -> Stored:
        first = fit_first_stage(pairs, config, seed, validation=held_out, cache=cache)
        model = new_model(config, seed)
        model.load_state_dict(first.model.state_dict())
        later = _second_stage(model, pairs, held_out, seed, checkpoint)
        return stored(model, _joined(first.history, later))

    parts = config.all_parts() | _data_parts(pairs, held_out, seed)
    kept, from_cache = cached("anatomy_uad", parts, __name__, make) if cache else (make(None), False)
    return restored(new_model(config, seed), config, kept, from_cache, config.restoring.device)


def fit_first_stage(
    data: Cohort | Pairs,
    config: DALConfig,
    seed: int,
    *,
    validation: Cohort | Pairs | None = None,
    cache: bool = True,
) -> Fitted:
    """The detector after its first stage: anatomy, code, modality and combiner are trained, the restorer is not."""
    pairs, held_out = _checked(data, validation, config)

    def make(checkpoint: Path | None) -> Stored:
        tensors, levels = training_tensors(pairs, config.levels)
        model = new_model(config, seed)
        model.levels.copy_(levels)
        batches = Batches(tensors, config.disentangling.batch_size, mixed_seed(seed, "first"))
        history = train(
            DisentanglingTask(model), batches, config.disentangling, mixed_seed(seed, "first"),
            validation=_held_out(held_out, levels), checkpoint=checkpoint,
        )  # fmt: skip
        model.mean_modality.copy_(_mean_modality(model, tensors))
        return stored(model, history)

    parts = config.first_stage_parts() | _data_parts(pairs, held_out, seed)
    kept, from_cache = cached("anatomy_uad_first", parts, __name__, make) if cache else (make(None), False)
    return restored(new_model(config, seed), config, kept, from_cache, config.disentangling.device)


def new_model(config: DALConfig, seed: int) -> DAL:
    """Untrained networks, the same for the same seed."""
    with seeded(seed, "anatomy_uad"):
        return DAL(config).eval()


def pseudo_healthy(fitted: Fitted, slices: Slices) -> np.ndarray:
    """Slices as healthy ones, (slice, height, width) in 0..1, 0 outside the brain.

    ``config.score`` decides whose modality vector they are drawn with; ``mean`` needs a sequence of the training.
    """
    model, score = fitted.model, fitted.config.score
    z = None
    if score.modality == "mean":
        if slices.sequence not in fitted.config.sequences:
            known = ", ".join(fitted.config.sequences)
            raise ValueError(f"no mean modality of {slices.sequence!r}, trained on {known}; use modality='reuse'")
        z = model.mean_modality[fitted.config.sequences.index(slices.sequence)]

    def drawn(images: Tensor, brain: Tensor) -> Tensor:
        own = None if z is None else z.expand(len(images), -1)
        return model.pseudo_healthy(images, brain, own, score.trim)[:, 0]

    return mapped(fitted, drawn, slices)


def anatomy(fitted: Fitted, slices: Slices) -> np.ndarray:
    """Tissues (slice, height, width) uint8: 0 outside the brain, 1 CSF, 2 grey matter, 3 white matter."""

    def tissues(images: Tensor, brain: Tensor) -> Tensor:
        return ((fitted.model.extractor(images).argmax(1) + 1) * brain[:, 0]).to(torch.uint8)

    return mapped(fitted, tissues, slices)


def edges(fitted: Fitted, slices: Slices) -> np.ndarray:
    """Edges of the anatomical images, (slice, height, width) bool."""
    model = fitted.model
    return mapped(fitted, lambda x, m: model.edges(model.anatomy(x, m).image, m)[:, 0] > 0, slices)


def modality(fitted: Fitted, slices: Slices) -> np.ndarray:
    """Modality vectors z (slice, modality size); of pseudo-healthy images too, when those are given as slices."""
    return mapped(fitted, lambda x, m: fitted.model.modality(x, m, fitted.config.score.trim), slices)


def redrawn(slices: Slices, images: np.ndarray) -> Slices:
    """The same slices with other images, such as their pseudo-healthy ones."""
    return replace(slices, images=np.asarray(images, np.float32))


def _second_stage(model: DAL, pairs: Pairs, held_out: Pairs | None, seed: int, checkpoint: Path | None) -> History:
    """Train the restorer, or in a joint second stage everything, in place."""
    config, seed = model.config, mixed_seed(seed, "second")
    levels = tuple(model.levels.tolist())
    tensors, _ = training_tensors(pairs, levels)
    unseen = _held_out(held_out, levels)
    if config.joint:
        task = DisentanglingTask(model, restoring=True)
    else:
        tensors = _views(model, tensors, seed)
        unseen = unseen and _gathered(precomputed(model, plain(part)) for part in _parts(model, unseen))
        task = RestoringTask(model)
    batches = Batches(tensors, config.restoring.batch_size, seed)
    history = train(task, batches, config.restoring, seed, validation=unseen, checkpoint=checkpoint)
    if config.joint:
        model.mean_modality.copy_(_mean_modality(model, training_tensors(pairs, levels)[0]))
    return history


@torch.no_grad()
def _views(model: DAL, tensors: dict[str, Tensor], seed: int) -> dict[str, Tensor]:
    """What the restorer learns from: every pair ``views`` times, each time varied otherwise."""
    model.to(resolve_device(model.config.restoring.device)).eval()
    model.temperature = model.config.last_temperature
    with seeded(seed, "views"):
        return _gathered(
            precomputed(model, augmented(part, model.config.augmentation))
            for _ in range(model.config.views)
            for part in _parts(model, tensors)
        )


@torch.no_grad()
def _mean_modality(model: DAL, tensors: dict[str, Tensor]) -> Tensor:
    """The mean vector of each sequence, (2, size), on training images as they are."""
    model.eval()
    found = []
    for part in _parts(model, tensors):
        view = plain(part)
        z = model.modality(stacked(view.image), view.brain.repeat(2, 1, 1, 1))
        found.append(torch.stack(z.chunk(2), 1))
    return torch.cat(found).mean(0)


def _parts(model: DAL, tensors: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Some rows at a time on the model's device."""
    device, rows = model.levels.device, len(tensors["image"])
    for start in range(0, rows, _CHUNK):
        yield {name: values[start : start + _CHUNK].to(device) for name, values in tensors.items()}


def _gathered(parts: Iterator[dict[str, Tensor]]) -> dict[str, Tensor]:
    parts = list(parts)
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _held_out(pairs: Pairs | None, levels: Tensor | tuple[float, float, float]) -> dict[str, Tensor] | None:
    levels = tuple(levels.tolist()) if isinstance(levels, Tensor) else levels
    return None if pairs is None else training_tensors(pairs, levels)[0]


def _checked(data: Cohort | Pairs, validation: Cohort | Pairs | None, config: DALConfig) -> tuple[Pairs, Pairs | None]:
    pairs = pairs_of(data, config.sequences)
    held_out = None if validation is None else pairs_of(validation, config.sequences)
    for found in (pairs, held_out):
        if found is not None:
            check_multiple(found.first, config.multiple)
    if held_out is not None:
        both = sorted(set(pairs.first.subject) & set(held_out.first.subject))
        if both:
            raise ValueError(f"{len(both)} people are in training and in validation, such as {both[0]!r}")
    return pairs, held_out


def _data_parts(pairs: Pairs, held_out: Pairs | None, seed: int) -> dict:
    return {"seed": seed, "data": pairs.sha256, "validation": held_out.sha256 if held_out else None}


def _joined(first: History, second: History) -> History:
    """One history: steps counted on, stages numbered."""
    done = int(first.rows[-1]["step"])
    rows = [row | {"stage": 1} for row in first.rows]
    rows += [row | {"step": row["step"] + done, "stage": 2} for row in second.rows]
    best = None if second.best_step is None else second.best_step + done
    return History(rows, first.seconds + second.seconds, best, second.stopped_early)
