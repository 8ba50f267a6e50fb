"""Fit the patch autoencoder on all settings pooled, and move between images and latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from disentangle.batches import Batches
from disentangle.cache import Stored, cached, checksum
from disentangle.device import resolve_device, seeded
from disentangle.imaging.cohort import Cohort
from disentangle.rotation.config import AutoencoderConfig
from disentangle.rotation.model import IMAGE_SIZE, Autoencoder
from disentangle.training import History, train

Data = Cohort | np.ndarray
_CHUNK = 2048


@dataclass(frozen=True)
class Fitted:
    """A trained autoencoder. ``fit_seconds`` is what the training took, also when it came from the cache."""

    model: Autoencoder
    config: AutoencoderConfig
    history: History
    fit_seconds: float
    from_cache: bool

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device


def fit(
    data: Data, config: AutoencoderConfig, seed: int, *, validation: Data | None = None, cache: bool = True
) -> Fitted:
    """Train on a cohort or on images (image, 1, 32, 32) in 0..1; setting, tissue and person are never looked at.

    With ``validation``, images of other people, the best validated weights are kept. Equal calls come from the model
    cache. Raises ValueError for images of another shape or range.
    """
    images = checked_images(data)
    held_out = None if validation is None else checked_images(validation)

    def make(checkpoint: Path | None) -> Stored:
        model = new_model(config, seed)
        model.measure(images)
        batches = Batches(model.batch_of(images), config.training.batch_size, seed)
        unseen = None if held_out is None else model.batch_of(held_out)
        history = train(model, batches, config.training, seed, validation=unseen, checkpoint=checkpoint)
        return Stored(model.state_dict(), {"history": asdict(history)})

    parts = asdict(config) | {
        "training": config.training.numerics(),
        "seed": seed,
        "data": checksum(images),
        "validation": checksum(held_out),
    }
    stored, from_cache = cached("rotation", parts, __name__, make) if cache else (make(None), False)
    model = new_model(config, seed)
    model.load_state_dict(stored.tensors)
    history = History(**stored.facts["history"])
    return Fitted(model.to(resolve_device(config.training.device)).eval(), config, history, history.seconds, from_cache)


def encode(fitted: Fitted, data: Data) -> np.ndarray:
    """Latents (image, latent) float32."""
    return _mapped(fitted, checked_images(data), fitted.model.encode)


def decode(fitted: Fitted, latents: np.ndarray) -> np.ndarray:
    """Images (image, 1, 32, 32) float32, clipped to 0..1, of latents as `encode` gives them."""
    return _mapped(fitted, _checked_latents(fitted, latents), lambda part: fitted.model.decode(part).clamp(0, 1))


def reconstruct(fitted: Fitted, data: Data) -> np.ndarray:
    """Each image after a way through the latent, clipped to 0..1."""
    return decode(fitted, encode(fitted, data))


def detail(fitted: Fitted, latents: np.ndarray) -> np.ndarray:
    """Standard deviation of the grey values in three octaves of detail, finest first, (image, 3) float32.

    What `decode` cannot draw: a small vector holds how much noise and fine texture there is, not where.
    """
    return _mapped(fitted, _checked_latents(fitted, latents), fitted.model.detail)


def unexplained(fitted: Fitted, data: Data) -> float:
    """Squared reconstruction error over the variance of the images: 0 is perfect, 1 their mean grey value."""
    images = checked_images(data).numpy()
    return float(np.square(reconstruct(fitted, data) - images).mean() / images.var())


def new_model(config: AutoencoderConfig, seed: int) -> Autoencoder:
    """An untrained model, the same for the same seed."""
    with seeded(seed, "rotation"):
        return Autoencoder(config).eval()


def checked_images(data: Data) -> Tensor:
    """Images as a tensor; raises ValueError unless they are (image, 1, 32, 32), finite and in 0..1."""
    images = np.asarray(data.images if isinstance(data, Cohort) else data, dtype=np.float32)
    if images.ndim != 4 or images.shape[1:] != (1, IMAGE_SIZE, IMAGE_SIZE) or not len(images):
        raise ValueError(f"images have the shape {images.shape}, expected (images, 1, {IMAGE_SIZE}, {IMAGE_SIZE})")
    low, high = float(images.min()), float(images.max())
    if not (low >= -1e-4 and high <= 1 + 1e-4):
        raise ValueError(f"image values lie in {low:g}..{high:g}, expected finite values in 0..1")
    return torch.from_numpy(np.ascontiguousarray(images))


def _checked_latents(fitted: Fitted, latents: np.ndarray) -> Tensor:
    latents = torch.as_tensor(np.asarray(latents, np.float32))
    if latents.ndim != 2 or latents.shape[1] != fitted.config.latent:
        raise ValueError(f"latents have the shape {tuple(latents.shape)}, expected (images, {fitted.config.latent})")
    return latents


@torch.no_grad()
def _mapped(fitted: Fitted, rows: Tensor, function: Callable[[Tensor], Tensor]) -> np.ndarray:
    """``function`` of all rows, piece by piece on the model's device, in evaluation mode and 32 bit."""
    fitted.model.eval()
    return torch.cat([function(part.to(fitted.device)).cpu() for part in rows.split(_CHUNK)]).numpy()
