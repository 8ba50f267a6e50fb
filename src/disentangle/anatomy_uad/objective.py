"""What a training step minimises: the disentangling stage, and the restoring stage on what the first one found."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentangle.anatomy_uad.augment import View, augmented, plain
from disentangle.anatomy_uad.config import DALConfig
from disentangle.anatomy_uad.losses import consistency, dissimilarity, l1, similarity
from disentangle.anatomy_uad.model import DAL, Anatomy
from disentangle.training import Task


class Found(NamedTuple):
    """What the first stage's networks find in a view, both sequences below each other, (2 * batch, ...)."""

    images: Tensor
    targets: Tensor
    brain: Tensor
    anatomy: Anatomy
    codes: Tensor
    modality: Tensor


class DisentanglingTask(Task):
    """Extractor, encoder, modality and combiner; with ``restoring`` also the restorer, all losses in one sum."""

    def __init__(self, model: DAL, restoring: bool = False):
        super().__init__()
        self.model, self.config, self.restoring = model, model.config, restoring

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        parts = [*self.model.first_stage, *([self.model.restorer] if self.restoring else [])]
        return {"model": [parameter for part in parts for parameter in part.parameters()]}

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        last = self.config.last_temperature
        done = 1.0 if self.restoring else step / self.config.disentangling.steps
        self.model.temperature = 1 - (1 - last) * done
        return self._terms(augmented(batch, self.config.augmentation))

    def validation_losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The same terms on images as they are, at the last temperature."""
        self.model.temperature = self.config.last_temperature
        return self._terms(plain(batch))

    def _terms(self, view: View) -> dict[str, Tensor]:
        config, found = self.config, find(self.model, view)
        terms = disentangling_terms(self.model, found, view)
        prior = config.late_similarity if self.restoring else config.similarity
        weights = {"consistency": config.consistency, "similarity": prior}
        weights |= {"reconstruction": config.reconstruction, "cross": config.cross}
        loss = sum(weight * terms[name] for name, weight in weights.items())
        if self.restoring:
            conditions = self.model.conditions(found.images, found.anatomy.image, found.brain)
            later = restoring_terms(
                self.model, self._thinned(conditions), found.targets, found.brain, found.codes, found.modality
            )
            loss, terms = loss + later.pop("loss"), terms | later
        return {"loss": loss} | terms

    def _thinned(self, conditions: Tensor) -> Tensor:
        return dropped_edges(conditions, self.config) if self.training else conditions


class RestoringTask(Task):
    """The restorer alone, on `precomputed` conditions and modality; the first stage's networks stay as they are."""

    def __init__(self, model: DAL):
        super().__init__()
        self.model, self.config = model, model.config
        for part in model.first_stage:
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> RestoringTask:
        """Training mode for the restorer; the others keep their statistics."""
        super().train(mode)
        for part in self.model.first_stage:
            part.eval()
        return self

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        return {"restorer": list(self.model.restorer.parameters())}

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        flip = torch.rand(len(batch["brain"]), device=batch["brain"].device) < 0.5 * self.config.augmentation.flip
        return self._terms({name: _flipped(values, flip) for name, values in batch.items()}, dropping=True)

    def validation_losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self._terms(batch, dropping=False)

    def _terms(self, batch: dict[str, Tensor], dropping: bool) -> dict[str, Tensor]:
        brain = batch["brain"].float().repeat(2, 1, 1, 1)
        conditions = stacked(batch["conditions"].float())
        conditions = dropped_edges(conditions, self.config) if dropping else conditions
        with torch.no_grad():
            codes = self.model.code(level_image(stacked(batch["tissues"]), self.model.levels))
        return restoring_terms(
            self.model, conditions, stacked(batch["target"].float()), brain, codes, _stacked_vectors(batch["modality"])
        )


def stacked(pairs: Tensor) -> Tensor:
    """(batch, 2, height, width) -> (2 * batch, 1, height, width), the first sequence of all, then the second."""
    return torch.cat([pairs[:, :1], pairs[:, 1:]])


def level_image(tissues: Tensor, levels: Tensor) -> Tensor:
    """The anatomical image of tissue numbers (batch, 1, height, width): 0 outside the brain, 1, 2, 3 the tissues."""
    return torch.cat([levels.new_zeros(1), levels])[tissues.long()]


def find(model: DAL, view: View) -> Found:
    """Anatomy, codes and modality of both sequences of a view."""
    images, targets, brain = stacked(view.image), stacked(view.target), view.brain.repeat(2, 1, 1, 1)
    anatomy = model.anatomy(images, brain)
    return Found(images, targets, brain, anatomy, model.code(anatomy.image), model.modality(images, brain))


def disentangling_terms(model: DAL, found: Found, view: View) -> dict[str, Tensor]:
    """Consistency, similarity, reconstruction and cross-reconstruction; and ``agreement``, the equal pixels."""
    first, second = found.anatomy.image.chunk(2)
    logits = (found.anatomy.logits / model.temperature).chunk(2)
    swapped = torch.cat(found.codes.chunk(2)[::-1])
    vectors, brain = found.modality.repeat(2, 1), found.brain.repeat(2, 1, 1, 1)
    drawn = model.combine(torch.cat([found.codes, swapped]), vectors, brain)
    own, crossed = drawn.chunk(2)
    with torch.no_grad():
        equal = (logits[0].argmax(1, keepdim=True) == logits[1].argmax(1, keepdim=True)).float()
        agreement = (equal * view.brain).sum() / view.brain.sum().clamp_min(1)
    return {
        "consistency": consistency(first, second, logits, view.brain),
        "similarity": similarity(first, logits[0], view.prior, model.levels, view.brain),
        "reconstruction": l1(own, found.targets, found.brain),
        "cross": l1(crossed, found.targets, found.brain),
        "agreement": agreement,
    }


def restoring_terms(
    model: DAL, conditions: Tensor, targets: Tensor, brain: Tensor, codes: Tensor, modality: Tensor
) -> dict[str, Tensor]:
    """Code, restoration and modality terms of the pseudo-healthy image, and their weighted sum ``loss``."""
    config = model.config
    imagined = model.restored_code(conditions, brain)
    drawn = model.combine(imagined, modality, brain)
    terms = {
        "code": l1(imagined, codes.detach(), F.avg_pool2d(brain, config.stem)),
        "restoration": l1(drawn, targets, brain) + config.ssim * dissimilarity(drawn, targets, brain),
        "modality": (model.modality(drawn, brain) - modality.detach()).abs().mean(),
    }
    weights = {"code": config.code, "restoration": config.restoration, "modality": config.modality}
    return {"loss": sum(weight * terms[name] for name, weight in weights.items())} | terms


def dropped_edges(conditions: Tensor, config: DALConfig) -> Tensor:
    """Edges without a random part of their pixels, up to ``edge_dropout`` of an image; other conditions unchanged."""
    if config.restorer_input != "edges" or not config.edge_dropout:
        return conditions
    share = config.edge_dropout * torch.rand(len(conditions), 1, 1, 1, device=conditions.device)
    return conditions * (torch.rand_like(conditions) >= share)


@torch.no_grad()
def precomputed(model: DAL, view: View) -> dict[str, Tensor]:
    """What `RestoringTask` reads of a view, compactly.

    ``target`` 16 bit and ``tissues`` uint8 (0 outside the brain), (batch, 2, height, width); ``conditions`` bool edges
    or 16 bit images, the same; ``brain`` bool (batch, 1, height, width); ``modality`` (batch, 2, size).
    """
    images, brain = stacked(view.image), view.brain.repeat(2, 1, 1, 1)
    anatomy = model.anatomy(images, brain)
    conditions = model.conditions(images, anatomy.image, brain)
    tissues = (anatomy.logits.argmax(1, keepdim=True) + 1) * brain
    kind = torch.bool if model.config.restorer_input == "edges" else torch.float16
    return {
        "target": view.target.half(),
        "tissues": _paired(tissues).to(torch.uint8),
        "conditions": _paired(conditions).to(kind),
        "brain": view.brain > 0,
        "modality": torch.stack(model.modality(images, brain).chunk(2), 1),
    }


def _paired(singles: Tensor) -> Tensor:
    """The way back of `stacked`."""
    return torch.cat(singles.chunk(2), 1)


def _stacked_vectors(pairs: Tensor) -> Tensor:
    return torch.cat([pairs[:, 0], pairs[:, 1]])


def _flipped(values: Tensor, chosen: Tensor) -> Tensor:
    """Maps of the chosen rows mirrored left to right; vectors as they are."""
    if values.ndim != 4:
        return values
    return torch.where(chosen[:, None, None, None], values.flip(-1), values)
