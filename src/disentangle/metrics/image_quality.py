"""How near a decoded image is to its original: SSIM, MSE and MAE, over the whole image and around the mask.

A patch that is nearly all air is matched well by an empty image: the measures inside the dilated mask, and
the row of the empty image (`empty_image_quality`), show what a number is worth.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.ndimage import binary_dilation, gaussian_filter

SSIM_SIGMA_PX = 1.5  # Wang et al. 2004, IEEE TIP 13:600; window cut at 3.5 sigma, 11 pixels wide
SSIM_K1, SSIM_K2 = 0.01, 0.03
_RADIUS_PX = 5
MASK_DILATION_PX = 3
_BLOCK = 256  # images filtered at once


def ssim_map(images: np.ndarray, decoded: np.ndarray, *, data_range: float) -> np.ndarray:
    """Structural similarity at each pixel, Gaussian windows, as Wang et al. 2004.

    ``images``, ``decoded`` (n, height, width); the result has their shape.
    """

    def blur(pixels: np.ndarray) -> np.ndarray:
        return gaussian_filter(pixels, (0, SSIM_SIGMA_PX, SSIM_SIGMA_PX), truncate=3.5)

    x, y = np.asarray(images, float), np.asarray(decoded, float)
    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    cov = blur(x * y) - mean_x * mean_y
    c1, c2 = (SSIM_K1 * data_range) ** 2, (SSIM_K2 * data_range) ** 2
    return ((2 * mean_x * mean_y + c1) * (2 * cov + c2)) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))


def image_quality(
    images: np.ndarray, decoded: np.ndarray, masks: np.ndarray | None = None, *, data_range: float = 1.0
) -> pd.DataFrame:
    """One row an image: ``ssim``, ``mse``, ``mae`` and, with masks, the same with the suffix ``_mask``.

    Parameters
    ----------
    images, decoded : array (n, height, width) or (n, 1, height, width)
    masks : bool array of the same shape or None
        Dilated by 3 pixels, so that the border counts. An empty mask gives NaN.
    data_range : float
        Difference of the largest and smallest possible value: 1 for images scaled to 0..1.
    """
    images, decoded = _flat(images), _flat(decoded)
    if images.shape != decoded.shape:
        raise ValueError(f"images are {images.shape} but decoded ones {decoded.shape}")
    regions = None if masks is None else dilate(_flat(masks) > 0, MASK_DILATION_PX)
    if regions is not None and regions.shape != images.shape:
        raise ValueError(f"images are {images.shape} but masks {regions.shape}")
    blocks = []
    for start in range(0, len(images), _BLOCK):
        part = slice(start, start + _BLOCK)
        region = None if regions is None else regions[part]
        blocks.append(_quality(images[part], decoded[part], region, data_range))
    return pd.concat(blocks, ignore_index=True)


def empty_image_quality(
    images: np.ndarray, masks: np.ndarray | None = None, *, data_range: float = 1.0
) -> pd.DataFrame:
    """`image_quality` of an image that is 0 everywhere: what a decoder gets for nothing."""
    return image_quality(images, np.zeros_like(_flat(images)), masks, data_range=data_range)


def dilate(masks: np.ndarray, pixels: int) -> np.ndarray:
    """Bool masks (n, height, width), each grown by ``pixels`` in its own plane (city-block steps)."""
    cross = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], bool)
    return binary_dilation(masks, cross, iterations=pixels) if pixels else masks


def _quality(x: np.ndarray, y: np.ndarray, region: np.ndarray | None, data_range: float) -> pd.DataFrame:
    maps = {"ssim": ssim_map(x, y, data_range=data_range), "mse": (x - y) ** 2, "mae": np.abs(x - y)}
    inner = slice(_RADIUS_PX, -_RADIUS_PX)  # where the whole window lies inside the image
    table = {name: values.mean((1, 2)) for name, values in maps.items()}
    table["ssim"] = maps["ssim"][:, inner, inner].mean((1, 2))
    if region is not None:
        size = region.sum((1, 2))
        with np.errstate(invalid="ignore"):
            table |= {f"{name}_mask": (values * region).sum((1, 2)) / size for name, values in maps.items()}
    return pd.DataFrame(table)


def _flat(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim != 3:
        raise ValueError(f"expected (image, height, width), perhaps with 1 channel, found {images.shape}")
    return images if images.dtype == bool else images.astype(float)
