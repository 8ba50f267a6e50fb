"""Does a representation know whose it is? Find a person's picture in one modality by that in another.

Digest D13. A high score alone proves little: the outline of a brain gives its owner away. Hence the controls: the mask,
the plain correlation of grey values, and the same with heads that were scaled and moved to one common size and place,
and with what lies inside of all brains alone, where nobody has an outline of their own.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import affine_transform


def retrieved(found: np.ndarray, asked: np.ndarray | None = None) -> np.ndarray:
    """For each person the share of ordered pairs of modalities in which the nearest other picture is the person's own.

    Parameters
    ----------
    found : array (person, modality, ...)
        Representations; what everybody shares in a modality is subtracted first, then cosines are compared.
    asked : array like ``found`` or None
        Representations to look up instead of ``found`` itself.

    Returns
    -------
    array (person,) in 0..1; a representation without any content gets 1 / people.
    """
    keys = _centred(found)
    queries = keys if asked is None else _centred(asked)
    people, modalities = keys.shape[:2]
    hits = np.zeros((people, modalities, modalities))
    for source, target in np.ndindex(modalities, modalities):
        similarity = queries[:, source] @ keys[:, target].T
        best = similarity >= similarity.max(1, keepdims=True) - 1e-9
        hits[:, source, target] = np.diagonal(best) / best.sum(1)
    return hits[:, ~np.eye(modalities, dtype=bool)].mean(1)


def representations(images: np.ndarray, masks: np.ndarray) -> dict[str, np.ndarray]:
    """What needs no network, (person, modality, voxel) each: ``mask`` alone, and ``correlation`` of the grey values.

    ``images`` (person, modality, side, side, side), ``masks`` (person, side, side, side).
    """
    outline = np.repeat(masks[:, None].astype(np.float32), images.shape[1], axis=1)
    return {
        name: values.reshape(*images.shape[:2], -1) for name, values in (("mask", outline), ("correlation", images))
    }


def to_common_frame(images: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heads moved and scaled along the three axes so that all masks have the mean centre and the mean extent.

    Extents are the standard deviations of the mask's voxels. Images by linear, masks by nearest interpolation; grey
    values outside of the new mask are 0. What is left of the outline are its finer shapes.
    """
    centres, extents = zip(*(_moments(mask) for mask in masks), strict=True)
    centre, extent = np.mean(centres, 0), np.mean(extents, 0)
    moved, outlines = np.empty_like(images), np.empty_like(masks)
    for person, (own_centre, own_extent) in enumerate(zip(centres, extents, strict=True)):
        scale = own_extent / extent
        offset = own_centre - scale * centre
        outlines[person] = affine_transform(masks[person].astype(np.float32), scale, offset, order=1) > 0.5
        for modality, volume in enumerate(images[person]):
            moved[person, modality] = affine_transform(volume, scale, offset, order=1) * outlines[person]
    return moved, outlines


def inside_all(images: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images that are 0 outside of what all masks share, and that one mask for everybody.

    Raises ValueError where the masks share nothing.
    """
    shared = masks.all(0)
    if not shared.any():
        raise ValueError(f"{len(masks)} masks have no voxel in common")
    return images * shared, np.repeat(shared[None], len(masks), axis=0)


def _moments(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and standard deviation of a mask's voxels along each axis."""
    places = np.argwhere(mask)
    return places.mean(0), places.std(0)


def _centred(found: np.ndarray) -> np.ndarray:
    """(person, modality, number), mean 0 over people, each of length 1 (or 0)."""
    flat = np.asarray(found, np.float64).reshape(*found.shape[:2], -1)
    flat = flat - flat.mean(0, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-9)
