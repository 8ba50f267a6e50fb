"""Random numbers that belong to a lesion and not to a batch, and fields of grey values made from them.

Every draw is a hash of *who it is for* (a scan, a lesion, a slice) and *what it is for* (a name), so that a
picture depends neither on the batch that it is computed in, nor on its neighbours, nor on the device.
Gaussian filters act on the cosine spectrum with one sigma per image. Numbers follow the digest of the lesion
paper, section "How to simulate credible HU texture".
"""

from __future__ import annotations

import math
import zlib
from functools import cache

import torch
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def _signed(value: int) -> int:
    """A 64-bit pattern as the signed integer that torch stores."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _shift_right(x: Tensor, bits: int) -> Tensor:
    """Logical shift; torch shifts signed integers arithmetically."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def scramble(x: Tensor) -> Tensor:
    """The output function of SplitMix64 (Steele et al., OOPSLA 2014) on int64 patterns."""
    for bits, factor in _MIX:
        x = (x ^ _shift_right(x, bits)) * _signed(factor)
    return x ^ _shift_right(x, 31)


def join(*parts: Tensor | int) -> Tensor:
    """One int64 key per image from several whole numbers per image; the order of the parts counts."""
    key: Tensor | int = 0
    for part in parts:
        key = scramble(torch.as_tensor(part) + key * 3 + _signed(_GOLDEN))
    return key


@cache
def _counters(count: int, name: str, device: torch.device) -> Tensor:
    start = zlib.crc32(name.encode()) << 31
    steps = [_signed((start + i + 1) * _GOLDEN) for i in range(count)]
    return torch.tensor(steps, dtype=torch.int64, device=device)


def _hashes(keys: Tensor, name: str, count: int) -> Tensor:
    return scramble(keys[:, None] + _counters(count, name, keys.device))


def uniform(keys: Tensor, name: str, low: float = 0.0, high: float = 1.0, count: int = 1) -> Tensor:
    """``count`` numbers per key between ``low`` and ``high``: (key, count), or (key,) where count is 1.

    ``name`` says what the draw is for: other names are independent, the same name gives the same numbers.
    """
    unit = _shift_right(_hashes(keys, name, count), 40).float() * 2.0**-24
    values = low + (high - low) * unit
    return values[:, 0] if count == 1 else values


def normal(keys: Tensor, name: str, mean: float = 0.0, sd: float = 1.0, count: int = 1) -> Tensor:
    """Like ``uniform``, normally distributed."""
    unit = uniform(keys, name, 2.0**-25, 1 - 2.0**-25, count)
    return mean + sd * torch.special.ndtri(unit)


def white_spectrum(keys: Tensor, name: str, size: int) -> Tensor:
    """Cosine coefficients of white noise of unit variance, (key, size, size).

    The coefficients are evenly distributed; each pixel sums thousands of them and is normal for all purposes.
    """
    lanes = _hashes(keys, name, size * size // 4).view(torch.int16)
    return lanes.view(-1, size, size).float() * (math.sqrt(12) / 65536)


def drifting_spectrum(keys: Tensor, name: str, position_mm: Tensor, length_mm: float, size: int) -> Tensor:
    """White noise that changes slowly along z: (key, size, size) with unit variance at every position.

    Independent noise stands every ``length_mm``; in between, cosine and sine weights keep the variance.
    """
    steps = position_mm / length_mm
    below = steps.floor()
    angle = ((steps - below) * (math.pi / 2))[:, None, None]
    first = white_spectrum(join(keys, below.long()), name, size)
    second = white_spectrum(join(keys, below.long() + 1), name, size)
    return angle.cos() * first + angle.sin() * second


@cache
def cosine_basis(size: int, device: torch.device) -> Tensor:
    """Orthonormal cosines (DCT-II) as rows: ``basis @ signal`` is the spectrum of a mirrored signal."""
    k, i = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    basis = torch.cos(math.pi * k.double() * (2 * i + 1) / (2 * size)) * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    return basis.float().to(device)


def to_spectrum(images: Tensor) -> Tensor:
    """Cosine coefficients of images (image, row, column)."""
    basis = cosine_basis(images.shape[-1], images.device)
    return basis @ (images @ basis.T)


def to_image(spectrum: Tensor) -> Tensor:
    """Inverse of ``to_spectrum``."""
    basis = cosine_basis(spectrum.shape[-1], spectrum.device)
    return basis.T @ (spectrum @ basis)


def gaussian_transfer(sigma_px: Tensor, size: int) -> Tensor:
    """What a Gaussian of ``sigma_px`` (image,) leaves of each cosine: (image, size, size).

    It is the heat kernel of the pixel grid, exp(-sigma^2 (1 - cos w)): its variance is exactly sigma^2 even
    where sigma is below a pixel, it keeps the mean, and borders are mirrored.
    """
    frequency = math.pi * torch.arange(size, device=sigma_px.device) / size
    line = torch.exp(-(sigma_px[:, None] ** 2) * (1 - frequency.cos()))
    return line[:, :, None] * line[:, None, :]


def gaussian_filter(images: Tensor, sigma_px: Tensor) -> Tensor:
    """Images (image, row, column) blurred with one sigma each."""
    return to_image(to_spectrum(images) * gaussian_transfer(sigma_px, images.shape[-1]))


def spread(transfer: Tensor) -> Tensor:
    """Standard deviation per pixel of white noise after ``transfer``: mirrored borders vary more."""
    power = cosine_basis(transfer.shape[-1], transfer.device) ** 2
    return (power.T @ (transfer**2 @ power)).sqrt()


def field(spectrum: Tensor, transfer: Tensor) -> Tensor:
    """Noise with the given transfer and a standard deviation of 1 in every pixel."""
    return to_image(spectrum * transfer) / spread(transfer)


def depth(inside: Tensor) -> Tensor:
    """Exact Euclidean distance in pixels to the nearest pixel outside: bool (image, size, size) -> float.

    The square of a distance is separable: first the nearest outside pixel of each column, then over columns
    (Felzenszwalb and Huttenlocher 2012; here as two minima over all offsets). Beyond the border is outside.
    """
    size = inside.shape[-1] + 2
    framed = torch.nn.functional.pad(inside, (1, 1, 1, 1))
    line = torch.arange(size, device=inside.device, dtype=torch.float32)
    offsets = (line[:, None] - line[None, :]) ** 2
    far = framed.float() * float(4 * size * size)
    columns = (offsets[None, :, :, None] + far[:, None, :, :]).amin(dim=2)
    squared = (offsets[None, None, :, :] + columns[:, :, None, :]).amin(dim=3)
    return squared.sqrt()[:, 1:-1, 1:-1]
