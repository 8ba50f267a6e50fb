"""Walks through the latent space and what they change in the decoded lesion.

The paper shows traversals of its Gaussian model as films and leaves single dimensions of the Dirichlet one
open. Here both are walked in the same way: in whitened coordinates w (the latents, or centred log-ratios
of a simplex; mean 0 and sd 1 over lesions) the part of w along a direction is set to -3..3. On the simplex,
a step along one coordinate scales one component and renormalises the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import binary_dilation, label
from scipy.spatial import ConvexHull
from skimage.measure import find_contours
from sklearn.linear_model import LogisticRegression

from disentangle.lesion_vae.latent_space import coordinates

Decode = Callable[[np.ndarray], np.ndarray]

SPAN_SD = 3.0
STEPS = 7
STARTS = 4  # lesions from which every direction is walked
REFERENCES = 200  # decoded lesions that give each feature its spread
RANDOM_DIRECTIONS = 64  # behind the floor of the purity
FEATURES = ("area_px", "solidity", "mean_grey", "roughness")
SMALLEST_SPREAD = np.array([4.0, 0.02, 0.02, 0.02])  # of the features: less than this cannot be seen
LESION_THRESHOLD = (-400 + 1000) / 1400  # -400 HU in a window of -1000..400 HU scaled to 0..1
CENTRE_RADIUS_PX = 8  # the lesion is the region above the threshold that covers most of this disc
_BLOCK = 256


@dataclass(frozen=True)
class Frame:
    """Mean and spread (D,) of the coordinates of a set of latents: whitens them, one dimension at a time."""

    centre: np.ndarray
    spread: np.ndarray
    simplex: bool

    @classmethod
    def of(cls, latents: np.ndarray, *, simplex: bool) -> Frame:
        points = coordinates(latents, simplex=simplex)
        return cls(points.mean(axis=0), points.std(axis=0), simplex)

    def whiten(self, latents: np.ndarray) -> np.ndarray:
        """Latents (n, D) to coordinates of mean 0 and sd 1; a dimension that never varies becomes 0."""
        alive = self.spread > 1e-12
        points = coordinates(latents, simplex=self.simplex) - self.centre
        return np.where(alive, points / np.where(alive, self.spread, 1.0), 0.0)

    def latents(self, whitened: np.ndarray) -> np.ndarray:
        """Whitened coordinates (..., D) to latents: on the simplex their softmax."""
        points = whitened * self.spread + self.centre
        if not self.simplex:
            return points
        shares = np.exp(points - points.max(axis=-1, keepdims=True))
        return shares / shares.sum(axis=-1, keepdims=True)


def step_sizes(steps: int = STEPS, span_sd: float = SPAN_SD) -> np.ndarray:
    """Positions (steps,) along a walk in standard deviations, evenly from -span to span."""
    return np.linspace(-span_sd, span_sd, steps)


def walk(frame: Frame, start: np.ndarray, directions: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Latents along each direction: array (direction, step, D).

    Parameters
    ----------
    start : array (D,)
        A lesion's latent; its own position along the direction is replaced by the step.
    directions : array (directions, D)
        Of length 1 in whitened coordinates; ``np.eye(D)`` walks the single dimensions.
    steps : array (steps,)
        In standard deviations, as from `step_sizes`.
    """
    w = frame.whiten(np.asarray(start)[None])[0]
    rest = w - (directions @ w)[:, None] * directions
    return frame.latents(rest[:, None] + steps[None, :, None] * directions[:, None])


def random_directions(dimensions: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """``count`` directions (count, D) of length 1, uniform on the sphere."""
    drawn = rng.normal(size=(count, dimensions))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def malignancy_direction(frame: Frame, latents: np.ndarray, malignant: np.ndarray) -> np.ndarray:
    """Direction (1, D) of length 1 along which a logistic regression's odds of malignancy grow fastest."""
    known = np.isfinite(np.asarray(malignant, float))
    model = LogisticRegression(max_iter=1000).fit(frame.whiten(latents)[known], np.asarray(malignant)[known])
    return model.coef_ / np.linalg.norm(model.coef_)


def decode_in_blocks(decode: Decode, latents: np.ndarray) -> np.ndarray:
    """Images (n, height, width) of latents (n, D); ``decode`` takes float32 arrays of at most 256 rows."""
    rows = np.asarray(latents, np.float32)
    blocks = [np.asarray(decode(rows[at : at + _BLOCK])) for at in range(0, len(rows), _BLOCK)]
    images = np.concatenate(blocks)
    return images.reshape(len(images), *images.shape[-2:])


def measure(images: np.ndarray, *, threshold: float = LESION_THRESHOLD) -> pd.DataFrame:
    """Features of the lesion in the middle of each image (n, height, width), one row an image.

    ``area_px``; ``solidity`` (area over that of the convex hull); ``mean_grey`` inside; ``roughness``
    (outline's length over the hull's, minus 1: 0 for a convex lesion). Outlines are traced between pixels,
    so that small lesions are not all corners. Without a region above ``threshold`` in the middle: area 0,
    the others NaN.
    """
    return pd.DataFrame([_measure(image, threshold) for image in images], columns=FEATURES)


def feature_changes(measured: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Change of each feature along each walk in units of its spread between lesions: (..., F).

    Parameters
    ----------
    measured : array (..., step, F)
    spread : array (F,)

    Returns
    -------
    array (..., F)
        Standard deviation over the steps; 0 where fewer than two steps show a lesion, or nothing varies.
    """
    known = np.isfinite(measured)
    count = known.sum(axis=-2)
    mean = np.where(known, measured, 0).sum(axis=-2) / np.maximum(count, 1)
    squares = np.where(known, measured - mean[..., None, :], 0) ** 2
    deviation = np.sqrt(squares.sum(axis=-2) / np.maximum(count, 1))
    usable = (count > 1) & (spread > 0)
    return np.where(usable, deviation / np.where(spread > 0, spread, 1), 0.0)


def traversal_purity(changes: np.ndarray) -> float:
    """Share of all change that falls on each walk's main feature, walks weighed by their change.

    ``changes`` (walks, F), non-negative. 1: every walk changes one feature; 1/F: all alike. NaN where
    nothing changes at all.
    """
    total = changes.sum()
    return float(changes.max(axis=1).sum() / total) if total > 0 else float("nan")


def traversals(
    latents: np.ndarray,
    decode: Decode,
    *,
    seed: int,
    simplex: bool = False,
    threshold: float = LESION_THRESHOLD,
    starts: int = STARTS,
) -> dict:
    """Walks every single dimension, and random directions as a floor, and measures what changes.

    Parameters
    ----------
    latents : array (n, D)
        Of all lesions: they give mean, spread and the starts.
    decode : callable
        float32 array (m, D) to images (m, 1, height, width) or (m, height, width).

    Returns
    -------
    dict
        ``purity``; ``purity_random`` with ``purity_random_low`` and ``…_high`` (95 % of sets of D random
        directions: a purity inside is no better than any rotation); ``features``; ``changes`` (D, F) in
        spreads between decoded lesions, mean over starts; ``trends`` (D, F), mean last minus first step in
        the same unit.
    """
    rng = np.random.default_rng(seed)
    latents = np.asarray(latents, float)
    frame, dimensions = Frame.of(latents, simplex=simplex), latents.shape[1]
    some = rng.permutation(len(latents))[:REFERENCES]
    lesions = measure(decode_in_blocks(decode, latents[some]), threshold=threshold)
    spread = np.maximum(lesions.std().fillna(0).to_numpy(), SMALLEST_SPREAD)
    directions = np.vstack([np.eye(dimensions), random_directions(dimensions, RANDOM_DIRECTIONS, rng)])
    paths = np.stack([walk(frame, latents[row], directions, step_sizes()) for row in some[:starts]])
    images = decode_in_blocks(decode, paths.reshape(-1, dimensions))
    measured = measure(images, threshold=threshold).to_numpy().reshape(*paths.shape[:3], len(FEATURES))
    changes = feature_changes(measured, spread).mean(axis=0)
    single, floor = changes[:dimensions], changes[dimensions:]
    resampled = [traversal_purity(floor[rng.integers(len(floor), size=dimensions)]) for _ in range(500)]
    low, high = np.percentile(resampled, [2.5, 97.5])
    return {
        "purity": traversal_purity(single),
        "purity_random": traversal_purity(floor),
        "purity_random_low": float(low),
        "purity_random_high": float(high),
        "features": list(FEATURES),
        "changes": single.round(4).tolist(),
        "trends": _trends(measured[:, :dimensions], spread).round(4).tolist(),
    }


def _trends(measured: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Last minus first step in spreads, mean over the starts where both show a lesion; else 0."""
    steps = (measured[:, :, -1] - measured[:, :, 0]) / np.where(spread > 0, spread, np.inf)
    known = np.isfinite(steps)
    return np.where(known, steps, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def _measure(image: np.ndarray, threshold: float) -> tuple[float, float, float, float]:
    nothing = (0.0, np.nan, np.nan, np.nan)
    region = _central_region(image > threshold)
    if region is None:
        return nothing
    alone = np.where(binary_dilation(region, np.ones((3, 3))), image, min(0.0, float(image.min())))
    outline = max(find_contours(np.pad(alone, 1), threshold), key=_polygon_area, default=None)
    area = 0.0 if outline is None else _polygon_area(outline)
    if area < 1.0:
        return nothing
    hull = ConvexHull(outline)  # in two dimensions its "volume" is the area and its "area" the length
    length = np.linalg.norm(np.diff(outline, axis=0), axis=1).sum()
    return area, min(area / hull.volume, 1.0), float(image[region].mean()), max(length / hull.area - 1, 0.0)


def _central_region(above: np.ndarray) -> np.ndarray | None:
    """The connected region that covers most of a disc in the middle; None where none touches it."""
    rows, columns = np.ogrid[: above.shape[0], : above.shape[1]]
    middle = (above.shape[0] - 1) / 2, (above.shape[1] - 1) / 2
    disc = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 <= CENTRE_RADIUS_PX**2
    numbers, _ = label(above, np.ones((3, 3)))
    covered = np.bincount(numbers[disc])
    covered[0] = 0
    return numbers == covered.argmax() if covered.any() else None


def _polygon_area(outline: np.ndarray) -> float:
    y, x = outline[:, 0], outline[:, 1]
    return float(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2)
