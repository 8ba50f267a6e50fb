"""A small network that predicts malignancy from latents, with early stopping on other people."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentangle.batches import Batches
from disentangle.device import seeded
from disentangle.lesion_vae.config import ClassifierConfig
from disentangle.training import Task, train

Labelled = tuple[np.ndarray, np.ndarray]


class Classifier(Task):
    """(batch, latent) -> logit of malignancy, (batch,). Latents are standardised inside."""

    def __init__(self, latent: int, config: ClassifierConfig):
        super().__init__()
        self.register_buffer("centre", torch.zeros(latent))
        self.register_buffer("scale", torch.ones(latent))
        layers: list[nn.Module] = []
        for inputs, outputs in zip((latent, *config.hidden[:-1]), config.hidden, strict=True):
            layers += [
                nn.Linear(inputs, outputs),
                nn.GELU(),
                nn.BatchNorm1d(outputs),
                nn.Dropout(config.dropout),
            ]
        self.layers = nn.Sequential(*layers, nn.Linear((latent, *config.hidden)[-1], 1))

    def standardise_by(self, latents: Tensor) -> None:
        """Take centre and scale from training latents; a constant latent stays zero."""
        self.centre.copy_(latents.mean(0))
        scale = latents.std(0, correction=0)
        self.scale.copy_(torch.where(scale > 1e-8, scale, torch.ones_like(scale)))

    def forward(self, latents: Tensor) -> Tensor:
        return self.layers((latents - self.centre) / self.scale).squeeze(-1)

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        return {"loss": F.binary_cross_entropy_with_logits(self(batch["latent"]).float(), batch["label"])}

    @torch.no_grad()
    def logits(self, latents: np.ndarray) -> np.ndarray:
        """Log odds of malignancy, (image,) float64."""
        self.eval()
        values = torch.as_tensor(latents, dtype=torch.float32, device=self.centre.device)
        return self(values).double().cpu().numpy()

    def predict_proba(self, latents: np.ndarray) -> np.ndarray:
        """Probability of malignancy, (image,)."""
        return 1 / (1 + np.exp(-self.logits(latents)))


def fit_classifier(
    latents: np.ndarray,
    labels: np.ndarray,
    *,
    config: ClassifierConfig | None = None,
    seed: int,
    validation: Labelled | None = None,
) -> Classifier:
    """Train on (image, latent) and 0/1 labels; ``validation`` are latents and labels of other people.

    With validation the best validated weights are kept, without it those of the last step.
    """
    config = config or ClassifierConfig()
    tensors = _labelled(latents, labels)
    with seeded(seed, "classifier"):
        classifier = Classifier(latents.shape[1], config)
    classifier.standardise_by(tensors["latent"])
    batches = Batches(tensors, config.training.batch_size, seed)
    train(classifier, batches, config.training, seed, validation=_labelled(*validation) if validation else None)
    return classifier


def checked_labels(labels: np.ndarray, images: int) -> Tensor:
    """Labels as a float tensor; raises ValueError unless there is a 0 or 1 for every image."""
    labels = np.asarray(labels, dtype=np.float32)
    if labels.shape != (images,):
        raise ValueError(f"labels have the shape {labels.shape}, expected ({images},): one for each image")
    if not np.isin(labels, (0, 1)).all():
        found = np.unique(labels[~np.isin(labels, (0, 1))])[:3]
        raise ValueError(f"labels contain {found.tolist()}, expected 0 (benign) or 1 (malignant)")
    return torch.from_numpy(labels)


def _labelled(latents: np.ndarray, labels: np.ndarray) -> dict[str, Tensor]:
    values = torch.as_tensor(latents, dtype=torch.float32)
    return {"latent": values, "label": checked_labels(labels, len(values))}
