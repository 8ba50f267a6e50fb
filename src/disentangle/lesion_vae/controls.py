"""Cells that rule out other explanations of what the malignancy chapter finds.

Rendering: the renderer writes ratings into grey values. Where it draws them from other lesions instead, an image
model can only read the outline, and whatever it gained from the texture must vanish.

Schedule: the honest order stops fine-tuning by validation people, the published one cannot. Fine-tuned to the
published order's last step, but inside the training people, only the order is left to explain a difference.
"""

from __future__ import annotations

import numpy as np

from disentangle.imaging import datasets
from disentangle.lesion_vae import splits
from disentangle.lesion_vae.baselines import fit_cnn
from disentangle.lesion_vae.classifier import fit_classifier
from disentangle.lesion_vae.config import ClassifierConfig, CNNConfig, FineTuneConfig
from disentangle.lesion_vae.experiment import labelled_cohort, vae_config
from disentangle.lesion_vae.fine_tuning import fine_tune
from disentangle.lesion_vae.predictions import pack_logits
from disentangle.lesion_vae.train import encode, fit


def rendering_control(render: str, fold: int, seed: int) -> dict:
    """The supervised network on one outer fold of the cohort ``lidc``, rendered as ``render`` says.

    Same people, selection and settings as `prediction.honest`. Returns the packed log odds of the test slices.
    """
    cohort = datasets.load("lidc", render=render)
    split = splits.honest_split(cohort.samples, fold)
    labels = cohort.samples["malignant"].to_numpy(np.float32)
    train, validation, test = (cohort.select(rows) for rows in (split.train, split.validation, split.test))
    held_out = (validation, labels[split.validation])
    cnn = fit_cnn(train, labels[split.train], CNNConfig(), seed, validation=held_out)
    return {
        "fit_seconds": cnn.fit_seconds,
        "lesions": test.samples["lesion"].drop_duplicates().astype(int).tolist(),
        "logits": pack_logits(cnn.logits(test)),
    }


def fixed_schedule(data: str, fold: int, seed: int) -> dict:
    """The fine-tuned model of one outer fold, trained to the last step as in the published order.

    The autoencoder, the training people and the classifier are those of `prediction.honest`. Returns the packed log
    odds of the test slices.
    """
    cohort = labelled_cohort(data)
    split = splits.honest_split(cohort.samples, fold)
    labels = cohort.samples["malignant"].to_numpy(np.float32)
    train, validation = cohort.select(split.train), cohort.select(split.validation)
    fitted = fit(train, vae_config(data, "gvae"), seed, validation=validation)
    tuned = fine_tune(fitted, train, labels[split.train], FineTuneConfig(), seed)
    latents = encode(tuned, cohort)
    held_out = (latents[split.validation], labels[split.validation])
    classifier = fit_classifier(
        latents[split.train], labels[split.train], config=ClassifierConfig(), seed=seed, validation=held_out
    )
    return {
        "fit_seconds": fitted.fit_seconds + tuned.fit_seconds,
        "lesions": cohort.samples["lesion"][split.test].drop_duplicates().astype(int).tolist(),
        "logits": pack_logits(classifier.logits(latents)[split.test]),
    }
