"""What the scanner of a scan does to pictures, whatever the lesion is: point spread, noise, its spectrum.

Values follow the digest of the lesion paper, section "How to simulate credible HU texture".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from disentangle.imaging.lidc import texture
from disentangle.imaging.lidc.texture import uniform

SHARP, STANDARD, SMOOTH = 0, 1, 2
REFERENCE_THICKNESS_MM = 1.25


@dataclass(frozen=True)
class Scanner:
    """How the scanner of each slice blurs and adds noise: all (slice,)."""

    kernel: Tensor
    psf_mm: Tensor
    noise_sd: Tensor


def choose_scanner(scan: Tensor, thickness_mm: Tensor) -> Scanner:
    """Kernel and noise of each scan: sharp, standard or smooth with 30, 40 and 30 %, whatever the lesion is.

    Noise is that of slices of 1.25 mm; thicker slices have less, as 1/sqrt(thickness).
    """
    draw = uniform(scan, "kernel")
    kernel = torch.where(draw < 0.3, SHARP, torch.where(draw < 0.7, STANDARD, SMOOTH))
    psf = torch.tensor([0.35, 0.5, 0.7], device=scan.device)[kernel]
    low = torch.tensor([45.0, 25.0, 14.0], device=scan.device)[kernel]
    high = torch.tensor([60.0, 30.0, 16.0], device=scan.device)[kernel]
    level = low + (high - low) * uniform(scan, "noise")
    return Scanner(kernel, psf, level * (REFERENCE_THICKNESS_MM / thickness_mm).sqrt())


def expose(scene: Tensor, scanner: Scanner, pixel_mm: Tensor, key: Tensor) -> Tensor:
    """The scene (slice, size, size) through the scanner: blurred, with correlated noise of ``noise_sd`` HU.

    The noise of sharp kernels is band-passed (difference of Gaussians), that of the others low-passed.
    """
    size = scene.shape[-1]
    blur = texture.gaussian_transfer(scanner.psf_mm / pixel_mm, size)
    wide = texture.gaussian_transfer(3.5 * scanner.psf_mm / pixel_mm, size)
    shape = blur - 0.75 * (scanner.kernel == SHARP)[:, None, None] * wide
    noise = texture.field(texture.white_spectrum(key, "noise", size), shape)
    return texture.gaussian_filter(scene, scanner.psf_mm / pixel_mm) + scanner.noise_sd[:, None, None] * noise
