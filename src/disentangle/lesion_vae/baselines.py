"""What the autoencoders are compared with: a supervised network on pixels, and principal components."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA
from torch import Tensor, nn

from disentangle.batches import Batches
from disentangle.cache import Stored, cached
from disentangle.device import resolve_device, seeded
from disentangle.lesion_vae.classifier import checked_labels
from disentangle.lesion_vae.config import CNNConfig
from disentangle.lesion_vae.train import Data, checked_images, tensors_checksum
from disentangle.networks.autoencoder import compact_encoder, feature_count, paper_encoder
from disentangle.training import History, Task, train


class CNN(Task):
    """(batch, channel, 64, 64) -> logit of malignancy, (batch,), by the autoencoder's encoder."""

    def __init__(self, config: CNNConfig):
        super().__init__()
        self.config = config
        encoder = paper_encoder if config.blocks == "paper" else compact_encoder
        self.encoder = encoder(config.channels, config.base)
        self.head = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(feature_count(config.blocks, config.base), 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.encoder(images)).squeeze(-1)

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        images = _flipped(batch["image"]) if self.training and self.config.flips else batch["image"]
        return {"loss": F.binary_cross_entropy_with_logits(self(images).float(), batch["label"])}


@dataclass(frozen=True)
class FittedCNN:
    """A trained supervised network."""

    model: CNN
    history: History
    fit_seconds: float
    from_cache: bool

    @torch.no_grad()
    def logits(self, data: Data) -> np.ndarray:
        """Log odds of malignancy of each image, (image,)."""
        device = self.model.head[1].weight.device
        parts = checked_images(data, self.model.config.channels).split(512)
        return torch.cat([self.model(part.to(device)).cpu() for part in parts]).double().numpy()

    def predict_proba(self, data: Data) -> np.ndarray:
        """Probability of malignancy of each image, (image,)."""
        return 1 / (1 + np.exp(-self.logits(data)))


def fit_cnn(
    data: Data,
    labels: np.ndarray,
    config: CNNConfig,
    seed: int,
    *,
    validation: tuple[Data, np.ndarray] | None = None,
    cache: bool = True,
) -> FittedCNN:
    """Train on images and 0/1 labels, stopped early on ``validation`` (images and labels of other people)."""
    tensors = _labelled(data, labels, config)
    held_out = _labelled(*validation, config) if validation else None

    def make(checkpoint: Path | None) -> Stored:
        model = _new_cnn(config, seed)
        batches = Batches(tensors, config.training.batch_size, seed)
        history = train(model, batches, config.training, seed, validation=held_out, checkpoint=checkpoint)
        return Stored(model.state_dict(), {"history": asdict(history)})

    parts = asdict(config) | {"training": config.training.numerics(), "seed": seed}
    parts |= {"data": tensors_checksum(tensors), "validation": tensors_checksum(held_out)}
    stored, from_cache = cached("lesion_cnn", parts, __name__, make) if cache else (make(None), False)
    model = _new_cnn(config, seed)
    model.load_state_dict(stored.tensors)
    model = model.to(resolve_device(config.training.device)).eval()
    history = History(**stored.facts["history"])
    return FittedCNN(model, history, history.seconds, from_cache)


@dataclass(frozen=True)
class Components:
    """Principal components with the interface of an autoencoder: images to latents and back."""

    pca: PCA
    shape: tuple[int, int, int]

    def encode(self, data: Data) -> np.ndarray:
        """Scores (image, latent) float32."""
        return self.pca.transform(_rows(data, self.shape[0])).astype(np.float32)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Images (image, channel, 64, 64) float32, clipped to 0..1."""
        images = self.pca.inverse_transform(latents).reshape(-1, *self.shape)
        return images.clip(0, 1).astype(np.float32)


def fit_pca(data: Data, latent: int, seed: int, channels: int = 1) -> Components:
    """The leading ``latent`` principal components of images (image, channel, 64, 64)."""
    rows = _rows(data, channels)
    if latent > min(rows.shape):
        raise ValueError(f"{latent} components asked of {rows.shape[0]} images of {rows.shape[1]} pixels")
    pca = PCA(latent, svd_solver="randomized", random_state=seed).fit(rows)
    return Components(pca, (channels, 64, 64))


def _rows(data: Data, channels: int) -> np.ndarray:
    return checked_images(data, channels).flatten(1).numpy()


def _labelled(data: Data, labels: np.ndarray, config: CNNConfig) -> dict[str, Tensor]:
    return {"image": checked_images(data, config.channels), "label": checked_labels(labels, len(data))}


def _new_cnn(config: CNNConfig, seed: int) -> CNN:
    with seeded(seed, "cnn"):
        return CNN(config).eval()


def _flipped(images: Tensor) -> Tensor:
    """Each image flipped left to right, and top to bottom, with probability one half each."""
    for axis in (2, 3):
        chosen = torch.rand(len(images), device=images.device) < 0.5
        images = torch.where(chosen[:, None, None, None], images.flip(axis), images)
    return images
