"""What PUIR is compared with: copies of the source, polynomials of it, and networks of as many parameters.

The networks are trained by `train.fit` with the same data, steps and reconstruction loss: ``matched``,
``without_prior`` and ``random_prior`` of `config`, and `unet_like`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from disentangle.puir.config import PUIRConfig, matched, random_prior, without_prior
from disentangle.puir.data import Images, People, people
from disentangle.puir.model import PUIR

DEGREE = 5


def copy_source(images: Images | People, modalities: tuple[str, ...], **facts: np.ndarray | None) -> np.ndarray:
    """Every modality is said to look like the source: (person, source, target, ...), NaN for absent sources."""
    data = people(images, modalities, None, **facts)
    values = np.where(data.present.numpy()[:, :, None, None, None], data.images.numpy(), np.nan).astype(np.float32)
    return np.repeat(values[:, :, None], len(modalities), axis=2)


@dataclass(frozen=True)
class Polynomials:
    """A polynomial of the voxel's value for each pair; ``coefficients`` (source, target, degree + 1), constant first.

    A pair that no person of the training had has NaN.
    """

    modalities: tuple[str, ...]
    coefficients: np.ndarray

    def predict(self, images: Images | People, **facts: np.ndarray | None) -> np.ndarray:
        """All modalities from each, (person, source, target, ...) in 0..1, 0 where the source is not above 0.

        NaN for absent sources and for pairs without coefficients.
        """
        data = people(images, self.modalities, None, **facts)
        values, there = data.images.numpy(), data.present.numpy()
        drawn = np.full((*there.shape, len(self.modalities), *values.shape[2:]), np.nan, np.float32)
        for source, target in np.ndindex(self.coefficients.shape[:2]):
            found = values[there[:, source], source]
            predicted = np.polynomial.polynomial.polyval(found, self.coefficients[source, target])
            drawn[there[:, source], source, target] = np.where(found > 0, np.clip(predicted, 0, 1), 0)
        return drawn


def fit_polynomials(
    images: Images | People, modalities: tuple[str, ...], degree: int = DEGREE, **facts: np.ndarray | None
) -> Polynomials:
    """Least squares over the foreground voxels of all people who have both modalities of a pair."""
    data = people(images, modalities, None, **facts)
    values, there, inside = data.images.numpy(), data.present.numpy(), data.foreground.numpy()
    number = len(modalities)
    coefficients = np.full((number, number, degree + 1), np.nan)
    for source, target in np.ndindex(number, number):
        both = there[:, source] & there[:, target]
        region = inside[both]
        if region.any():
            x, y = (values[both, modality][region].astype(float) for modality in (source, target))
            coefficients[source, target] = _least_squares(x, y, degree)
    return Polynomials(tuple(modalities), coefficients)


def _least_squares(x: np.ndarray, y: np.ndarray, degree: int) -> np.ndarray:
    """Coefficients of a polynomial, constant first, by way of Chebyshev's, which are better conditioned."""
    fitted = np.polynomial.Chebyshev.fit(x, y, degree, domain=[0, 1]).convert(kind=np.polynomial.Polynomial).coef
    return np.pad(fitted, (0, degree + 1 - len(fitted)))


def unet_like(config: PUIRConfig) -> PUIRConfig:
    """The U-Net without prior, attention, transfer block and fusion, as wide at its deepest level as it takes.

    Its parameters are as near to those of ``config`` as the width allows, and it is trained as the matched network
    is: on the reconstruction alone, in as many steps as both stages have.
    """
    if config.backbone != "unet":
        raise ValueError(f"backbone is {config.backbone!r}: only the small U-Net has a width to fit, expected 'unet'")
    wanted = parameters(config)["all"]
    plain = replace(matched(config), completion=False)
    low, high = config.channels, 32 * config.channels
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _of_width(plain, middle) <= wanted else (low, middle)
    nearest = min((low, high), key=lambda width: abs(_of_width(plain, width) - wanted))
    return replace(plain, widths=(*config.widths[:-1], nearest))


def parameters(config: PUIRConfig) -> dict[str, int]:
    """Numbers of the network's parameters: ``all`` and ``trainable``; heads for training alone are not counted."""
    # MONAI's transformer cannot be built without memory.
    with torch.device("meta" if config.backbone == "unet" else "cpu"):
        found = list(PUIR(config).parameters())
    return {
        "all": sum(parameter.numel() for parameter in found),
        "trainable": sum(parameter.numel() for parameter in found if parameter.requires_grad),
    }


def networks(config: PUIRConfig) -> dict[str, PUIRConfig]:
    """The method and the networks that it is compared with, by the names of the findings."""
    return {
        "puir": config,
        "matched": matched(config),
        "unet": unet_like(config),
        "no_prior": without_prior(config),
        "random_prior": random_prior(config),
    }


def _of_width(config: PUIRConfig, width: int) -> int:
    return parameters(replace(config, widths=(*config.widths[:-1], width)))["all"]
