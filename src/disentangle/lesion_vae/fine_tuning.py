"""Fine-tune an autoencoder with the loss of a classifier of its latents, in alternation or as released."""

from __future__ import annotations

import copy
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from disentangle.batches import Batches
from disentangle.cache import Stored, cached, checksum
from disentangle.lesion_vae.classifier import Classifier, checked_labels, fit_classifier
from disentangle.lesion_vae.config import FineTuneConfig
from disentangle.lesion_vae.model import VAE
from disentangle.lesion_vae.train import (
    Data,
    Fitted,
    encode,
    mapped,
    model_parts,
    new_model,
    placed,
    representation_of,
    tensors_checksum,
    training_tensors,
)
from disentangle.training import History, Task, train


@dataclass(frozen=True)
class FineTuned(Fitted):
    """An autoencoder fine-tuned with labels, and the classifier fitted to its latents afterwards.

    ``chosen_round`` counts the autoencoder's fine-tuning rounds that were kept (0: none helped on
    validation).
    """

    classifier: Classifier
    representation: str
    chosen_round: int

    def logits(self, data: Data) -> np.ndarray:
        """Log odds of malignancy of each image, (image,)."""
        return self.classifier.logits(encode(self, data, self.representation))

    def predict_proba(self, data: Data) -> np.ndarray:
        """Probability of malignancy of each image, (image,)."""
        return self.classifier.predict_proba(encode(self, data, self.representation))


def fine_tune(
    fitted: Fitted,
    data: Data,
    labels: np.ndarray,
    config: FineTuneConfig | None = None,
    seed: int = 0,
    *,
    validation: tuple[Data, np.ndarray] | None = None,
    cache: bool = True,
) -> FineTuned:
    """Train on with the autoencoder's loss plus ``gamma`` times the classifier's; ``fitted`` stays as it is.

    ``labels`` are 0 or 1 for each image; ``validation`` data and labels of other people, by which the
    alternating scheme stops each round early and keeps only steps that help (see `FineTuneConfig`).
    """
    config = config or FineTuneConfig()
    training = replace(config.training, device=str(fitted.device))
    config = replace(config, training=training)
    tensors = training_tensors(data, fitted.config) | {"label": checked_labels(labels, len(data))}
    held_out = None
    if validation is not None:
        held_out = training_tensors(validation[0], fitted.config)
        held_out["label"] = checked_labels(validation[1], len(validation[0]))

    def make(_: Path | None) -> Stored:
        return _alternate(fitted, config, seed, tensors, held_out)

    parts = {
        "start": checksum(*fitted.model.state_dict().values()),
        "model": model_parts(fitted.config),
        "config": asdict(config) | {"training": training.numerics()},
        "seed": seed,
        "data": tensors_checksum(tensors),
        "validation": tensors_checksum(held_out),
    }
    stored, from_cache = cached("lesion_vae_fine_tuned", parts, __name__, make) if cache else (make(None), False)
    return _restored(fitted, config, stored, from_cache)


class _FineTuning(Task):
    """An autoencoder under a frozen classifier, which is no submodule's business: it is never stepped."""

    def __init__(self, vae: VAE, classifier: Classifier, config: FineTuneConfig):
        super().__init__()
        self.vae, self.classifier, self.config = vae, classifier.requires_grad_(False), config

    def train(self, mode: bool = True) -> _FineTuning:
        super().train(mode)
        self.classifier.train(mode and self.config.scheme == "released")
        return self

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        terms, posterior = self.vae.terms(batch, self.vae.config.beta)
        logits = self.classifier(representation_of(posterior, self.config.representation)).float()
        error = F.binary_cross_entropy_with_logits(logits, batch["label"])
        return terms | {"loss": terms["loss"] + self.config.gamma * error, "classification": error}


@dataclass(frozen=True)
class _Kept:
    """The best pair of autoencoder and classifier so far, with its validation loss (None without any)."""

    score: float | None
    round: int
    state: dict[str, Tensor]


def _alternate(
    fitted: Fitted, config: FineTuneConfig, seed: int, tensors: dict[str, Tensor], held_out: dict | None
) -> Stored:
    """Classifier and autoencoder in turn.

    With validation people a step is kept only where it lowers their classification loss, and a round that does not
    ends the alternation; without them, and in the released scheme, every step is kept.
    """
    released = config.scheme == "released"
    settings, rounds = config.training, config.rounds
    if released:
        rounds, held_out, rate = 1, None, settings.learning_rate / 2
        settings = replace(settings, steps=settings.steps * config.rounds, learning_rate=rate)
    now = replace(fitted, model=copy.deepcopy(fitted.model))
    total, kept, classifier = History(), None, None
    for number in range(rounds + 1):
        began = time.perf_counter()
        proposal = _fit_on_latents(now, config, seed + number, tensors, held_out)
        score = _validated(now, proposal, config, held_out)
        total.seconds += time.perf_counter() - began
        total.rows.append({"step": number * settings.steps, "round": number, "proposed_classifier": score})
        if kept is None or held_out is None or score < kept.score:
            classifier, kept = proposal, _Kept(score, number, _state(now.model, proposal))
        if number == rounds:
            break
        task = _FineTuning(now.model, classifier, config)
        batches = Batches(tensors, settings.batch_size, seed + number)
        history = train(task, batches, settings, seed + number, validation=held_out)
        total.seconds += history.seconds
        total.rows += [row | {"step": row["step"] + number * settings.steps} for row in history.rows]
        score = _validated(now, classifier, config, held_out)
        if held_out is not None and score >= kept.score:
            break
        kept = _Kept(score, number + 1, _state(now.model, classifier))
    return Stored(kept.state, {"history": asdict(total), "chosen_round": kept.round})


def _fit_on_latents(
    now: Fitted, config: FineTuneConfig, seed: int, tensors: dict[str, Tensor], held_out: dict | None
) -> Classifier:
    """A fresh classifier on the frozen latents of the autoencoder as it is now."""
    settings = replace(config.classifier.training, device=config.training.device)
    return fit_classifier(
        *_labelled(now, config, tensors),
        config=replace(config.classifier, training=settings),
        seed=seed,
        validation=_labelled(now, config, held_out) if held_out else None,
    )


def _labelled(now: Fitted, config: FineTuneConfig, part: dict[str, Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Latents and labels of a part of the data."""
    kind = config.representation
    latents = mapped(now, part["image"], lambda x: representation_of(now.model.encode(x), kind))
    return latents, part["label"].cpu().numpy()


def _validated(now: Fitted, classifier: Classifier, config: FineTuneConfig, held_out: dict | None) -> float | None:
    """Classification loss on the validation people, None without them."""
    if held_out is None:
        return None
    latents, labels = _labelled(now, config, held_out)
    logits = torch.from_numpy(classifier.logits(latents))
    return float(F.binary_cross_entropy_with_logits(logits, torch.from_numpy(labels).double()))


def _state(model: VAE, classifier: Classifier) -> dict[str, Tensor]:
    parts = {"vae": model, "classifier": classifier}
    return {f"{part}.{name}": v.clone() for part, module in parts.items() for name, v in module.state_dict().items()}


def _restored(fitted: Fitted, config: FineTuneConfig, stored: Stored, from_cache: bool) -> FineTuned:
    def part(name: str) -> dict[str, Tensor]:
        return {key.removeprefix(f"{name}."): v for key, v in stored.tensors.items() if key.startswith(f"{name}.")}

    model = new_model(fitted.config, 0)
    model.load_state_dict(part("vae"))
    classifier = Classifier(len(part("classifier")["centre"]), config.classifier)
    classifier.load_state_dict(part("classifier"))
    history = History(**stored.facts["history"])
    return FineTuned(
        model=placed(model, config.training),
        config=fitted.config,
        history=history,
        fit_seconds=history.seconds,
        from_cache=from_cache,
        classifier=classifier.to(fitted.device).eval(),
        representation=config.representation,
        chosen_round=stored.facts["chosen_round"],
    )
