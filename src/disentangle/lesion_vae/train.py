"""Fit an autoencoder without labels, and move between images and latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from disentangle.batches import Batches
from disentangle.cache import Stored, cached, checksum
from disentangle.device import resolve_device, seeded
from disentangle.imaging.cohort import Cohort
from disentangle.lesion_vae.config import VAEConfig
from disentangle.lesion_vae.losses import region_weight
from disentangle.lesion_vae.model import VAE, Posterior
from disentangle.training import History, Settings, train

Data = Cohort | np.ndarray
_CHUNK = 512


@dataclass(frozen=True)
class Fitted:
    """A trained autoencoder. ``fit_seconds`` is what the training took, also when it came from the cache."""

    model: VAE
    config: VAEConfig
    history: History
    fit_seconds: float
    from_cache: bool

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device


def fit(
    data: Data,
    config: VAEConfig,
    seed: int,
    *,
    validation: Data | None = None,
    settings: Settings | None = None,
    cache: bool = True,
) -> Fitted:
    """Train an autoencoder without labels on a cohort or on images (image, channel, 64, 64) in 0..1.

    With ``validation``, images of other people, training stops early and the best validated weights are
    kept. Equal calls come from the model cache. ``settings`` replaces those of the configuration. A loss
    restricted to the mask (``config.region``) needs cohorts with masks.
    """
    config = replace(config, training=settings) if settings else config
    tensors = training_tensors(data, config)
    held_out = None if validation is None else training_tensors(validation, config)

    def make(checkpoint: Path | None) -> Stored:
        model = new_model(config, seed)
        model.start_at(float(tensors["image"].mean()))
        batches = Batches(tensors, config.training.batch_size, seed)
        history = train(model, batches, config.training, seed, validation=held_out, checkpoint=checkpoint)
        return Stored(model.state_dict(), {"history": asdict(history)})

    parts = model_parts(config) | {
        "seed": seed,
        "data": tensors_checksum(tensors),
        "validation": tensors_checksum(held_out),
    }
    stored, from_cache = cached("lesion_vae", parts, __name__, make) if cache else (make(None), False)
    model = new_model(config, seed)
    model.load_state_dict(stored.tensors)
    history = History(**stored.facts["history"])
    return Fitted(placed(model, config.training), config, history, history.seconds, from_cache)


def encode(fitted: Fitted, data: Data, representation: str = "mean") -> np.ndarray:
    """Latents (image, latent) float32: the posterior's mean, on the simplex for a Dirichlet one.

    ``representation="log_concentration"`` gives the logarithms of a Dirichlet's concentrations instead.
    """
    return mapped(
        fitted,
        checked_images(data, fitted.config.channels),
        lambda x: representation_of(fitted.model.encode(x), representation),
    )


def decode(fitted: Fitted, latents: np.ndarray) -> np.ndarray:
    """Images (image, channel, 64, 64) float32 in 0..1 of latents as `encode` gives them."""
    return mapped(fitted, torch.as_tensor(latents, dtype=torch.float32), fitted.model.decode)


def reconstruct(fitted: Fitted, data: Data) -> np.ndarray:
    """Images decoded from the posterior's mean of each image."""
    return mapped(fitted, checked_images(data, fitted.config.channels), lambda x: fitted.model(x)[0])


def kl_nats(fitted: Fitted, data: Data) -> np.ndarray:
    """Divergence of each image's posterior from the prior, (image,) in nats."""
    return mapped(
        fitted,
        checked_images(data, fitted.config.channels),
        lambda x: fitted.model.kl(fitted.model.encode(x)),
    )


def representation_of(posterior: Posterior, kind: str) -> Tensor:
    """The latent that downstream methods see: ``mean``, or ``log_concentration`` of a Dirichlet posterior."""
    if kind == "mean":
        return posterior.mean
    if kind != "log_concentration" or posterior.concentration is None:
        raise ValueError(f"representation {kind!r}: expected 'mean', or 'log_concentration' of a Dirichlet model")
    return posterior.concentration.log()


def model_parts(config: VAEConfig) -> dict:
    """A configuration as part of a cache key."""
    return asdict(config) | {"training": config.training.numerics()}


def new_model(config: VAEConfig, seed: int) -> VAE:
    """An untrained model, the same for the same seed."""
    with seeded(seed, "model"):
        return VAE(config).eval()


def placed(model: VAE, settings: Settings) -> VAE:
    """The model in evaluation mode on the device that the settings name."""
    return model.to(resolve_device(settings.device)).eval()


def training_tensors(data: Data, config: VAEConfig) -> dict[str, Tensor]:
    """``image`` and, where the loss looks at the mask alone, ``weight`` (image, 1, 64, 64)."""
    tensors = {"image": checked_images(data, config.channels)}
    if config.region == "mask":
        if not isinstance(data, Cohort) or data.masks is None:
            raise ValueError("region='mask' needs a cohort with masks, found images alone")
        tensors["weight"] = region_weight(torch.from_numpy(np.asarray(data.masks)), config.dilation)
    return tensors


def checked_images(data: Data, channels: int) -> Tensor:
    """Images as a tensor; raises ValueError unless they are (image, channels, 64, 64), finite and in 0..1."""
    images = np.asarray(data.images if isinstance(data, Cohort) else data, dtype=np.float32)
    if images.ndim != 4 or images.shape[1:] != (channels, 64, 64) or not len(images):
        raise ValueError(f"images have the shape {images.shape}, expected (images, {channels}, 64, 64)")
    low, high = float(images.min()), float(images.max())
    if not (low >= -1e-4 and high <= 1 + 1e-4):
        raise ValueError(f"image values lie in {low:g}..{high:g}, expected finite values in 0..1")
    return torch.from_numpy(np.ascontiguousarray(images))


def tensors_checksum(tensors: dict[str, Tensor] | None) -> str:
    """Checksum of training tensors, or of their absence."""
    return checksum(*tensors.values()) if tensors else checksum(None)


@torch.no_grad()
def mapped(fitted: Fitted, rows: Tensor, function: Callable[[Tensor], Tensor]) -> np.ndarray:
    """``function`` of all rows, piece by piece on the model's device, in evaluation mode and 32 bit."""
    fitted.model.eval()
    return torch.cat([function(part.to(fitted.device)).cpu() for part in rows.split(_CHUNK)]).numpy()
