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
from disentangle.training import Batches, History, Task, train


@dataclass(frozen=True)
class FineTuned(Fitted):
    """An autoencoder fine-tuned with labels, and the classifier fitted to its latents afterwards.

    ``chosen_round`` counts the autoencoder's fine-tuning rounds that were kept (0: none helped on validation).
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
    """Train on with the loss of the autoencoder plus ``gamma`` times the classifier's; ``fitted`` stays as it is.

    ``labels`` are 0 or 1 for each image; ``validation`` data and labels of other people, by which the alternating
    scheme stops each round early and chooses among rounds (round 0 is the autoencoder as it came).
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
    stored, from_cache = (
        cached("lesion_vae_fine_tuned", parts, __name__, make) if cache else (make(None), False)
    )
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


def _alternate(
    fitted: Fitted, config: FineTuneConfig, seed: int, tensors: dict[str, Tensor], held_out: dict | None
) -> Stored:
    """Rounds of classifier and autoencoder; the last classifier sees the latents of the last autoencoder."""
    model = copy.deepcopy(fitted.model)
    released = config.scheme == "released"
    settings, rounds = config.training, config.rounds
    if released:
        rounds, rate = 1, settings.learning_rate / 2
        settings = replace(settings, steps=settings.steps * config.rounds, learning_rate=rate, patience=None)
    best, total = None, History()
    for number in range(rounds + 1):
        classifier, score, seconds = _fit_on_latents(
            model, fitted.config, config, seed + number, tensors, held_out
        )
        total.seconds += seconds
        total.rows.append(
            {"step": number * settings.steps, "round": number, "validation_classification": score}
        )
        if best is None or released or held_out is None or score < best[0]:
            best = (score, number, _state(model, classifier))
        if number < rounds:
            task = _FineTuning(model, classifier, config)
            batches = Batches(tensors, settings.batch_size, seed + number)
            history = train(task, batches, settings, seed + number, validation=None if released else held_out)
            total.seconds += history.seconds
            total.rows += [row | {"step": row["step"] + number * settings.steps} for row in history.rows]
    return Stored(best[2], {"history": asdict(total), "chosen_round": best[1]})


def _fit_on_latents(
    model, vae_config, config, seed, tensors, held_out
) -> tuple[Classifier, float | None, float]:
    """A fresh classifier on the frozen latents of a model, its validation loss, and the seconds it took."""
    began = time.perf_counter()
    model.eval()
    now = Fitted(model, vae_config, History(), 0.0, False)

    def labelled(part: dict[str, Tensor]) -> tuple[np.ndarray, np.ndarray]:
        latents = mapped(
            now, part["image"], lambda x: representation_of(model.encode(x), config.representation)
        )
        return latents, part["label"].cpu().numpy()

    validation = labelled(held_out) if held_out else None
    device = config.training.device
    settings = replace(config.classifier, training=replace(config.classifier.training, device=device))
    classifier = fit_classifier(*labelled(tensors), config=settings, seed=seed, validation=validation)
    score = None
    if validation:
        logits, labels = torch.from_numpy(classifier.logits(validation[0])), torch.from_numpy(validation[1])
        score = float(F.binary_cross_entropy_with_logits(logits, labels.double()))
    return classifier, score, time.perf_counter() - began


def _state(model: VAE, classifier: Classifier) -> dict[str, Tensor]:
    parts = {"vae": model, "classifier": classifier}
    return {
        f"{part}.{name}": v.clone()
        for part, module in parts.items()
        for name, v in module.state_dict().items()
    }


def _restored(fitted: Fitted, config: FineTuneConfig, stored: Stored, from_cache: bool) -> FineTuned:
    def part(name: str) -> dict[str, Tensor]:
        return {
            key.removeprefix(f"{name}."): v for key, v in stored.tensors.items() if key.startswith(f"{name}.")
        }

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
