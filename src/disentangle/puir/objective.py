"""What a step of PUIR minimises: in pre-training, and when the transfer between modalities is learned."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from disentangle.puir.collapse import CollapseGuard
from disentangle.puir.config import PUIRConfig
from disentangle.puir.losses import contrast, equivariance, invariance, reconstruction, rotation_class, spread
from disentangle.puir.model import PUIR, Heads
from disentangle.puir.rotations import SIZES, turn, turn_back
from disentangle.puir.views import View, ordered_sources, view, volumes_of
from disentangle.training import Task

Stage = Literal["pretraining", "transfer"]


class Task3D(Task):
    """A task whose convolutions are 3D: where the loop asks for channels-last weights, they are that in 3D."""

    def to(self, *arguments, **named):
        if named.get("memory_format") is torch.channels_last:
            named["memory_format"] = torch.preserve_format
        return super().to(*arguments, **named)


class Seen(NamedTuple):
    """A view with its ``skips`` and ``invariant`` X_h, in the view's own orientation."""

    view: View
    skips: list[Tensor]
    invariant: Tensor


class PUIRTask(Task3D):
    """PUIR in one of its stages. A batch has ``images``, ``present`` and ``foreground`` of `data.People`.

    In pre-training X_h of each modality is completed by another one's feature and drawn without skips; in transfer it
    comes from one modality alone and skips help. Terms logged beside the losses: ``spread`` of X_h over people (without
    constraints of the sources drawn from alone, and so somewhat larger).
    """

    def __init__(self, config: PUIRConfig, stage: Stage):
        super().__init__()
        self.config, self.stage, self.weights = config, stage, config.weights
        self.model = PUIR(config)
        self.heads = Heads(config, SIZES[config.rotations]) if self.weights.constrains_features else None
        self.guard = CollapseGuard(config.collapse if self.weights.constrains_features else 0.0)

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        config = self.config
        order, valid = ordered_sources(batch["present"], None)
        sources = volumes_of(batch["images"], order)
        cut_out = config.cut_out if self.stage == "pretraining" else config.transfer_cut_out
        turned = view(sources, config.rotations, cut_out)
        if self.stage == "transfer" and not self.weights.constrains_features:
            # Nothing looks at the features of sources that are not drawn from.
            turned, valid = first_sources(turned, valid, config.decoded)
        first = self._seen(turned, valid)
        features = _by_person(turn_back(first.invariant, first.view.numbers), valid)
        terms = {"reconstruction": self._reconstruction(batch, first, valid)} if self._draws else {}
        if self.weights.constrains_features:
            terms |= self._constraints(sources, valid, first, features, cut_out)
        over_people = spread(features.detach(), valid)
        self.guard(over_people, step)
        return {"loss": self._total(terms)} | terms | {"spread": over_people}

    def validation_losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The reconstruction from each modality that a person has, neither turned nor cut."""
        order = batch["present"].long().argsort(dim=1, descending=True, stable=True)
        valid, sources = batch["present"].gather(1, order), volumes_of(batch["images"], order)
        numbers = torch.zeros(valid.numel(), dtype=torch.long)
        seen = self._seen(View(sources.flatten(0, 1)[:, None], numbers), valid)
        loss = self._reconstruction(batch, seen, valid, decoded=None)
        return {"loss": loss, "spread": spread(_by_person(seen.invariant, valid), valid)}

    @property
    def _draws(self) -> bool:
        return self.stage == "transfer" or self.weights.decomposition > 0

    def _seen(self, seen: View, valid: Tensor) -> Seen:
        """Skips and X_h of a view."""
        skips, features = self.model.encode(seen.volumes)
        if self.stage == "transfer" or not self.config.completion:
            return Seen(seen, skips, self.model.invariant(features))
        completed = self.model.completion(features)
        partner = another_source(valid)
        # The other modality was turned differently: back to upright, then into this one's orientation.
        upright = turn_back(completed, seen.numbers)
        other = turn(upright[partner], seen.numbers)
        return Seen(seen, skips, self.model.fused(features, completed, other))

    def _reconstruction(
        self, batch: dict[str, Tensor], seen: Seen, valid: Tensor, decoded: int | Literal["config"] | None = "config"
    ) -> Tensor:
        """Of all modalities of each person, from the first sources, compared upright."""
        count = self.config.decoded if decoded == "config" else decoded
        columns = valid.shape[1]
        rows = torch.arange(valid.numel(), device=valid.device).view(valid.shape)[:, :count].flatten()
        rows = rows[valid.flatten()[rows]]
        skips = [skip[rows] for skip in seen.skips] if self.stage == "transfer" else None
        drawn = self.model.decode(seen.invariant[rows], skips)
        drawn = turn_back(drawn, seen.view.numbers[rows.cpu()])
        person = rows // columns
        return reconstruction(
            drawn,
            batch["images"][person],
            batch["present"][person],
            batch["foreground"][person],
            foreground_weight=self.config.foreground_weight,
            whole_weight=self.config.whole_weight,
        )

    def _constraints(
        self, sources: Tensor, valid: Tensor, first: Seen, features: Tensor, cut_out: float
    ) -> dict[str, Tensor]:
        """The terms with a weight above 0; a second view, without gradient, where any needs it."""
        weights, config, terms = self.weights, self.config, {}
        if weights.invariance:
            terms["invariance"] = invariance(features, valid)
        if not (weights.equivariance or weights.contrast):
            return terms
        with torch.no_grad():
            second = self._seen(view(sources, config.rotations, cut_out), valid)
        if weights.equivariance:
            others = _by_person(turn_back(second.invariant, second.view.numbers), valid)
            terms["equivariance"] = equivariance(features, others, valid)
            logits = self.heads.rotation_logits(first.invariant)
            terms["rotation_class"] = rotation_class(logits, first.view.numbers, valid)
        if weights.contrast:
            terms["contrast"] = self._contrast(first, second, valid)
        return terms

    def _contrast(self, first: Seen, second: Seen, valid: Tensor) -> Tensor:
        query = _by_person(self.heads.embed(first.invariant), valid)
        with torch.no_grad():
            key = self.heads.embed(second.invariant)
            rows = another_source(valid) if self.config.positives == "person" else slice(None)
            key = _by_person(key[rows], valid)
        return contrast(query, key, valid, self.config.temperature)

    def _total(self, terms: dict[str, Tensor]) -> Tensor:
        weights = self.weights
        factors = {
            "reconstruction": weights.decomposition if self.stage == "pretraining" else 1.0,
            "invariance": weights.invariance,
            "equivariance": weights.equivariance,
            "rotation_class": weights.equivariance,
            "contrast": weights.contrast,
        }
        return sum(factors[name] * term for name, term in terms.items())


def another_source(valid: Tensor) -> Tensor:
    """For each source of each person the row (person * source) of the next one that is present, else its own.

    Sources come in random order, present ones first, so that the next one is a random other.
    """
    columns = torch.arange(valid.shape[1], device=valid.device).expand(valid.shape)
    number = valid.sum(1, keepdim=True)
    following = torch.where(valid, (columns + 1) % number.clamp(min=1), columns)
    persons = torch.arange(len(valid), device=valid.device)[:, None]
    return (persons * valid.shape[1] + following).flatten()


def first_sources(seen: View, valid: Tensor, count: int | None) -> tuple[View, Tensor]:
    """The first ``count`` sources of each person of a view, and which of them are present; None for all."""
    rows = torch.arange(valid.numel()).view(valid.shape)[:, :count].flatten()
    return View(seen.volumes[rows], seen.numbers[rows]), valid[:, :count]


def _by_person(rows: Tensor, valid: Tensor) -> Tensor:
    return rows.unflatten(0, valid.shape)
