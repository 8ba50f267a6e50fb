"""The lesion autoencoders: Gaussian, Dirichlet and plain, on the published or the compact network."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from disentangle.lesion_vae import losses, samplers
from disentangle.lesion_vae.config import VAEConfig
from disentangle.networks.autoencoder import (
    compact_decoder,
    compact_encoder,
    feature_count,
    paper_decoder,
    paper_encoder,
)
from disentangle.networks.blocks import FullyConnectedBlock
from disentangle.training import Task

CONCENTRATION_RANGE = (1e-2, 1e2)
"""Below, pathwise gradients of a Dirichlet turn NaN; above, its draws hardly differ from the mean."""


class Posterior(NamedTuple):
    """What the encoder says of each image.

    Gaussian: ``mean`` and ``logvar``, (batch, latent). Dirichlet: ``concentration``; ``mean`` is its point
    on the simplex. Plain: ``mean`` alone.
    """

    mean: Tensor
    logvar: Tensor | None = None
    concentration: Tensor | None = None


class VAE(Task):
    """Images (batch, channel, 64, 64) in 0..1 -> latent (batch, latent) -> images."""

    def __init__(self, config: VAEConfig):
        super().__init__()
        self.config = config
        features = feature_count(config.blocks, config.base)
        paper = config.blocks == "paper"
        dirichlet = config.prior == "dirichlet"
        self.encoder = (paper_encoder if paper else compact_encoder)(config.channels, config.base)
        self.head = _dirichlet_head(features, config) if dirichlet else nn.Linear(features, config.latent)
        self.logvar = nn.Linear(features, config.latent) if config.prior == "gaussian" else None
        # Points of a large simplex are tiny numbers: batch normalisation lifts them before the decoder.
        self.lift = FullyConnectedBlock(config.latent, features, config.norm_momentum) if dirichlet else nn.Identity()
        decoder = paper_decoder if paper else compact_decoder
        self.decoder = decoder(features if dirichlet else config.latent, config.channels, config.base)

    def start_at(self, level: float) -> None:
        """Let an untrained decoder draw images of the mean value ``level``, which saves the first steps."""
        level = min(max(level, 0.01), 0.99)
        nn.init.constant_(self.decoder[-2].bias, math.log(level / (1 - level)))

    def encode(self, images: Tensor) -> Posterior:
        """The posterior of each image, in 32 bit whatever the precision of the network."""
        features = self.encoder(images)
        head = self.head(features).float()
        if self.config.prior == "none":
            return Posterior(head)
        if self.config.prior == "gaussian":
            return Posterior(head, logvar=self.logvar(features).float().clamp(-10, 10))
        concentration = nn.functional.softplus(head).clamp(*CONCENTRATION_RANGE)
        return Posterior(concentration / concentration.sum(-1, keepdim=True), concentration=concentration)

    def sample(self, posterior: Posterior) -> Tensor:
        """A latent drawn from each posterior; the plain autoencoder has nothing to draw."""
        if posterior.logvar is not None:
            return samplers.gaussian(posterior.mean, posterior.logvar)
        if posterior.concentration is not None:
            return samplers.DIRICHLET_SAMPLERS[self.config.sampler](posterior.concentration)
        return posterior.mean

    def decode(self, latents: Tensor) -> Tensor:
        """Images in 0..1 of latents; Dirichlet latents are points of the simplex."""
        return self.decoder(self.lift(latents)).float()

    def forward(self, images: Tensor) -> tuple[Tensor, Posterior]:
        """Reconstructions, from a draw while training and from the posterior's mean in evaluation."""
        posterior = self.encode(images)
        return self.decode(self.sample(posterior) if self.training else posterior.mean), posterior

    def kl(self, posterior: Posterior) -> Tensor:
        """Divergence from the prior of each image in nats, (batch,)."""
        if posterior.logvar is not None:
            return losses.gaussian_kl(posterior.mean, posterior.logvar)
        if posterior.concentration is not None:
            return losses.dirichlet_kl(posterior.concentration, self.config.concentration, self.config.kl)
        return posterior.mean.new_zeros(len(posterior.mean))

    def losses(self, batch: dict[str, Tensor], step: int, group: str) -> dict[str, Tensor]:
        config = self.config
        warmup = config.warmup * config.training.steps
        return self.terms(batch, config.beta * (min(1.0, step / warmup) if warmup else 1.0))[0]

    def validation_losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.terms(batch, self.config.beta)[0]

    def terms(self, batch: dict[str, Tensor], beta: float) -> tuple[dict[str, Tensor], Posterior]:
        """The loss of `VAEConfig` with its parts, means over the batch ``image`` (and ``weight``)."""
        drawn, posterior = self(batch["image"])
        with torch.autocast(drawn.device.type, enabled=False):
            terms = reconstruction_terms(batch["image"], drawn, batch.get("weight"), self.config)
            kl = self.kl(posterior).mean()
        loss = terms["mix"] + beta * kl / self.config.image_size**2
        return {"loss": loss, **terms, "kl": kl}, posterior


def reconstruction_terms(image: Tensor, drawn: Tensor, weight: Tensor | None, config: VAEConfig) -> dict[str, Tensor]:
    """``pixel``, ``similarity`` and their weighted ``mix``, means over the batch."""
    pixel = losses.pixel_error(image, drawn, config.pixel_loss, weight).mean()
    if config.similarity == "none":
        return {"mix": pixel, "pixel": pixel}
    measure = losses.ssim if config.similarity == "ssim" else losses.ms_ssim
    similarity = measure(image, drawn, weight=weight).mean()
    mix = config.pixel_weight * pixel + (1 - config.pixel_weight) * (1 - similarity)
    return {"mix": mix, "pixel": pixel, "similarity": similarity}


def _dirichlet_head(features: int, config: VAEConfig) -> nn.Sequential:
    return nn.Sequential(
        FullyConnectedBlock(features, config.latent, config.norm_momentum),
        nn.Linear(config.latent, config.latent),
    )
