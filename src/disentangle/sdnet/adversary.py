"""The mask discriminator with what SDNet and the GAN baseline both do with it: its losses and its memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from disentangle.networks.discriminator import (
    MaskDiscriminator,
    lsgan_discriminator_loss,
    lsgan_generator_loss,
    spectral_penalty,
)
from disentangle.sdnet.config import AdversaryConfig

PENALTY_WEIGHT = 10.0


class MaskAdversary(nn.Module):
    """Judges masks (batch, classes, side, side) without a background channel."""

    def __init__(self, config: AdversaryConfig, classes: int, side: int):
        super().__init__()
        self.config = config
        self.discriminator = MaskDiscriminator(
            classes, side, config.base, config.head, spectral=config.spectral == "norm"
        )
        # A buffer, so that an interrupted training goes on with the same memory.
        self.register_buffer("history", torch.zeros(config.history, classes, side, side))

    def generator_loss(self, masks: Tensor) -> Tensor:
        """What the segmentation pays for predicted masks; the discriminator's own weights get no gradient."""
        with frozen(self.discriminator):
            scores = self.discriminator(masks)
        return lsgan_generator_loss(scores) if self.config.generator == "least_squares" else -scores.square().mean()

    def losses(self, real: Tensor, fake: Tensor, turn: int) -> dict[str, Tensor]:
        """The discriminator's terms at its ``turn`` (0: its first), from real masks and detached predictions."""
        real_scores = self.discriminator(real)
        fake_scores = self.discriminator(self._drawn_from_history(fake, turn))
        terms = {"loss": lsgan_discriminator_loss(real_scores, fake_scores)}
        terms |= {"real_score": real_scores.mean(), "fake_score": fake_scores.mean()}
        if self.config.spectral == "penalty":
            terms["spectral"] = spectral_penalty(self.discriminator.middle)
            terms["loss"] = terms["loss"] + PENALTY_WEIGHT * terms["spectral"]
        return terms

    def _drawn_from_history(self, fake: Tensor, turn: int) -> Tensor:
        """Add masks to the memory, forget the oldest, and draw as many at random without replacement.

        How much of the memory is filled follows from ``turn``, every turn adding one batch of equal size.
        """
        if not self.config.history:
            return fake
        size = self.config.history
        self.history.copy_(torch.cat([self.history, fake.detach().float()])[-size:])
        filled = min(size, (turn + 1) * len(fake))
        chosen = torch.randperm(filled, device=fake.device)[: len(fake)]
        return self.history[size - filled + chosen]


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Inside, a forward pass records no gradient for the module's own weights, but passes it on to its input."""
    wanted = {parameter: parameter.requires_grad for parameter in module.parameters()}
    module.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, state in wanted.items():
            parameter.requires_grad_(state)


@contextmanager
def inference(*modules: nn.Module) -> Iterator[None]:
    """Inside, the modules are in evaluation mode and nothing records a gradient."""
    before = [module.training for module in modules]
    for module in modules:
        module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in zip(modules, before, strict=True):
            module.train(training)
        # Autocast would hand low-precision copies of weights made here, without gradient, to later passes.
        torch.clear_autocast_cache()
