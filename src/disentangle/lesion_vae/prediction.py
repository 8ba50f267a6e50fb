"""Cells of the malignancy chapter: one training a call, and its predictions for people it never saw.

Predictions of slices are stored packed; intervals are computed later, from many cells together. Every choice
(early stopping, the round of fine-tuning) is made on the validation people of a split, never on its test people.
"""

from __future__ import annotations

import numpy as np

from disentangle.imaging.cohort import Cohort
from disentangle.lesion_vae import splits
from disentangle.lesion_vae.baselines import fit_cnn, fit_pca
from disentangle.lesion_vae.classifier import fit_classifier
from disentangle.lesion_vae.config import ClassifierConfig, CNNConfig, FineTuneConfig, VAEConfig
from disentangle.lesion_vae.experiment import labelled_cohort, reconstruction, vae_config
from disentangle.lesion_vae.fine_tuning import fine_tune
from disentangle.lesion_vae.predictions import lesion_logits, pack_logits
from disentangle.lesion_vae.train import Fitted, encode, fit
from disentangle.metrics.auc import auc


def representation(model: str) -> str:
    """What the classifier sees: means, for a Dirichlet model log concentrations, as in the released code."""
    return "log_concentration" if model == "dirvae" else "mean"


def honest(data: str, method: str, fold: int, seed: int, draw: int | None = None) -> dict:
    """Everything fitted inside the training people of an outer fold; predictions for its test people.

    ``draw`` is None for the true labels, else the number of a shuffling of labels among lesions.
    """
    cohort, split = labelled_cohort(data), splits.honest_split(labelled_cohort(data).samples, fold)
    labels = _labels(cohort, draw)
    logits, facts = METHODS[method](data, method, split, labels, seed)
    held_out = cohort.samples[split.validation]
    return facts | {
        "lesions": cohort.samples["lesion"][split.test].drop_duplicates().astype(int).tolist(),
        "logits": pack_logits(logits[split.test]),
        "validation_auc": _lesion_auc(logits[split.validation], labels[split.validation], held_out["lesion"]),
    }


def published_order(data: str, split_seed: int, seed: int, draw: int | None = None) -> dict:
    """The order of the released code: fine-tune with labels on 70 % of all people, then cross-validate over all.

    Model, fine-tuning, classifier and folds are those of `honest`, but fine-tuning runs to its last step, since this
    order has no validation people to stop it; `controls.fixed_schedule` does the same inside the training people.
    """
    cohort = labelled_cohort(data)
    labels = _labels(cohort, draw)
    rows = splits.published_training_people(cohort.samples, split_seed)
    part = cohort.select(rows)
    fitted = fit(part, vae_config(data, "gvae"), seed)
    tuned = fine_tune(fitted, part, labels[rows], FineTuneConfig(), seed)
    return {
        "logits": pack_logits(_cross_validated(encode(tuned, cohort), labels, cohort, seed)),
        "fit_seconds": fitted.fit_seconds + tuned.fit_seconds,
    }


def _unsupervised(data: str, model: str, split: splits.Split, seed: int) -> Fitted:
    """The autoencoder of a fold: the same for every labelling and for fine-tuning, which start from it."""
    cohort = labelled_cohort(data)
    train, validation = cohort.select(split.train), cohort.select(split.validation)
    return fit(train, vae_config(data, model), seed, validation=validation)


def _by_latents(data: str, model: str, split: splits.Split, labels: np.ndarray, seed: int):
    cohort = labelled_cohort(data)
    fitted = _unsupervised(data, model, split, seed)
    logits = _classified(encode(fitted, cohort, representation(model)), split, labels, seed)
    return logits, {"fit_seconds": fitted.fit_seconds} | reconstruction(fitted, cohort.select(split.test))


def _by_fine_tuning(data: str, method: str, split: splits.Split, labels: np.ndarray, seed: int):
    cohort = labelled_cohort(data)
    fitted = _unsupervised(data, method.removesuffix("_finetuned"), split, seed)
    train, validation = cohort.select(split.train), cohort.select(split.validation)
    held_out = (validation, labels[split.validation])
    tuned = fine_tune(fitted, train, labels[split.train], FineTuneConfig(), seed, validation=held_out)
    facts = {"fit_seconds": fitted.fit_seconds + tuned.fit_seconds, "chosen_round": tuned.chosen_round}
    return tuned.logits(cohort), facts | reconstruction(tuned, cohort.select(split.test))


def _by_components(data: str, method: str, split: splits.Split, labels: np.ndarray, seed: int):
    cohort = labelled_cohort(data)
    components = fit_pca(cohort.select(split.train), VAEConfig().latent, seed)
    return _classified(components.encode(cohort), split, labels, seed), {"fit_seconds": 0.0}


def _by_pixels(data: str, method: str, split: splits.Split, labels: np.ndarray, seed: int):
    cohort = labelled_cohort(data)
    train, validation = cohort.select(split.train), cohort.select(split.validation)
    held_out = (validation, labels[split.validation])
    cnn = fit_cnn(train, labels[split.train], CNNConfig(), seed, validation=held_out)
    return cnn.logits(cohort), {"fit_seconds": cnn.fit_seconds}


METHODS = {
    "pca": _by_components,
    "autoencoder": _by_latents,
    "gvae": _by_latents,
    "dirvae": _by_latents,
    "gvae_finetuned": _by_fine_tuning,
    "cnn": _by_pixels,
}


def _classified(latents: np.ndarray, split: splits.Split, labels: np.ndarray, seed: int) -> np.ndarray:
    held_out = (latents[split.validation], labels[split.validation])
    classifier = fit_classifier(
        latents[split.train], labels[split.train], config=ClassifierConfig(), seed=seed, validation=held_out
    )
    return classifier.logits(latents)


def _cross_validated(latents: np.ndarray, labels: np.ndarray, cohort: Cohort, seed: int) -> np.ndarray:
    """Log odds of each slice from classifiers of other people's latents, validated as in `honest`."""
    logits = np.empty(len(latents))
    for fold in range(splits.FOLDS):
        split = splits.honest_split(cohort.samples, fold)
        logits[split.test] = _classified(latents, split, labels, seed)[split.test]
    return logits


def _labels(cohort: Cohort, draw: int | None) -> np.ndarray:
    if draw is None:
        return cohort.samples["malignant"].to_numpy(np.float32)
    return splits.random_labels(cohort.samples, draw)


def _lesion_auc(logits: np.ndarray, labels: np.ndarray, lesions: np.ndarray) -> float:
    by_lesion = lesion_logits(logits, lesions)
    return round(auc(by_lesion.to_numpy(), lesion_logits(labels, lesions).to_numpy()), 4)
