"""SDNet's networks: image -> anatomy, (anatomy, image) -> modality, anatomy -> masks, both factors -> image.

Chartsias et al. 2019, section 3, with the layers of the authors' release. Images are (batch, 1, side, side) in
-1..1, the anatomy s is (batch, anatomy channel, side, side), the modality z (batch, modality size).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from disentangle.networks.film import SLOPE, ConcatenationDecoder, FiLMDecoder
from disentangle.networks.initialisation import glorot_
from disentangle.networks.unet import NORM_EPSILON, UNet
from disentangle.sdnet.config import SDNetConfig
from disentangle.sdnet.rounding import binarised

MODALITY_FEATURES = 32


class Posterior(NamedTuple):
    """What the modality encoder says of each image: ``mean`` and ``logvar``, (batch, modality size), 32 bit."""

    mean: Tensor
    logvar: Tensor

    def sample(self) -> Tensor:
        """mean + exp(logvar / 2) * noise."""
        return self.mean + (0.5 * self.logvar).exp() * torch.randn_like(self.mean)


class Output(NamedTuple):
    """``anatomy`` s, ``posterior`` of z, ``drawn`` image in -1..1, ``probabilities`` (batch, 1 + classes, ...)."""

    anatomy: Tensor
    posterior: Posterior
    drawn: Tensor
    probabilities: Tensor


class AnatomyEncoder(nn.Module):
    """The U-Net with binarised channels. ``temperature`` is of Gumbel noise while training, None for none."""

    def __init__(self, config: SDNetConfig):
        super().__init__()
        self.kind, self.temperature = config.rounding, 1.0
        self.unet = UNet(1, config.anatomy_channels, config.base, momentum=config.norm_momentum)

    def forward(self, images: Tensor) -> Tensor:
        return binarised(self.unet(images), self.kind, temperature=self.temperature if self.training else None)


class ModalityEncoder(nn.Module):
    """Four strided 'valid' convolutions over anatomy and image, two linear layers: the posterior of z."""

    def __init__(self, config: SDNetConfig):
        super().__init__()
        width, side, layers = config.modality_base, config.image_size, []
        for inputs in (config.anatomy_channels + 1, width, width, width):
            norm = nn.BatchNorm2d(width, eps=NORM_EPSILON, momentum=config.norm_momentum)
            layers += [nn.Conv2d(inputs, width, 3, stride=2), norm, nn.LeakyReLU(SLOPE)]
            side = (side - 3) // 2 + 1
        self.features = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Linear(width * side**2, MODALITY_FEATURES),
            nn.BatchNorm1d(MODALITY_FEATURES, eps=NORM_EPSILON, momentum=config.norm_momentum),
            nn.LeakyReLU(SLOPE),
        )
        self.mean = nn.Linear(MODALITY_FEATURES, config.modality_size)
        self.logvar = nn.Linear(MODALITY_FEATURES, config.modality_size)
        glorot_(self)

    def forward(self, anatomy: Tensor, images: Tensor) -> Posterior:
        features = self.features(torch.cat([anatomy, images], 1))
        return Posterior(self.mean(features).float(), self.logvar(features).float().clamp(-10, 10))


class Segmentor(nn.Sequential):
    """Anatomy -> logits of background and classes (batch, 1 + classes, side, side), background first."""

    def __init__(self, config: SDNetConfig):
        width, layers = config.segmentor_base, []
        for inputs in (config.anatomy_channels, width):
            norm = nn.BatchNorm2d(width, eps=NORM_EPSILON, momentum=config.norm_momentum)
            layers += [nn.Conv2d(inputs, width, 3, padding=1), norm, nn.LeakyReLU(SLOPE)]
        super().__init__(*layers, nn.Conv2d(width, config.classes + 1, 1))
        glorot_(self)


class SDNet(nn.Module):
    """The four networks together."""

    def __init__(self, config: SDNetConfig):
        super().__init__()
        self.config = config
        self.anatomy, self.modality = AnatomyEncoder(config), ModalityEncoder(config)
        self.segmentor = Segmentor(config)
        decoder = FiLMDecoder if config.decoder == "film" else ConcatenationDecoder
        self.decoder = decoder(config.anatomy_channels, config.modality_size)

    def probabilities_of(self, anatomy: Tensor) -> Tensor:
        """Probabilities (batch, 1 + classes, side, side), background first, from the anatomy alone."""
        return self.segmentor(anatomy).float().softmax(1)

    def probabilities(self, images: Tensor) -> Tensor:
        """Probabilities (batch, 1 + classes, side, side), background first."""
        return self.probabilities_of(self.anatomy(images))

    def forward(self, images: Tensor) -> Output:
        """Everything of images; they are drawn from a sample of z while training, else from its mean."""
        anatomy = self.anatomy(images)
        posterior = self.modality(anatomy, images)
        drawn = self.decoder(anatomy, posterior.sample() if self.training else posterior.mean)
        return Output(anatomy, posterior, drawn, self.probabilities_of(anatomy))
