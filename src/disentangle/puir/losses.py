"""The terms of PUIR: reconstruction (decomposition), invariance, equivariance, contrast; and the spread of features.

Features are (person, source, channel, depth, height, width), in one orientation: un-rotated before they come here.
``valid`` (person, source) says which sources a person really has. All terms are in 32 bit and 0 on perfect input.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def reconstruction(
    predicted: Tensor,
    targets: Tensor,
    known: Tensor,
    foreground: Tensor,
    *,
    foreground_weight: float = 10.0,
    whole_weight: float = 1.0,
) -> Tensor:
    """10 x mean square error of the foreground + mean square error of all, as in the release (L_decom).

    ``predicted``, ``targets`` (volume, modality, depth, height, width); ``known`` (volume, modality), false where a
    target is absent and does not count; ``foreground`` bool (volume, depth, height, width).
    """
    error = (predicted.float() - targets).square()
    counted = known[:, :, None, None, None].float()
    inside = foreground[:, None].float() * counted
    voxels = error[0, 0].numel()
    of_foreground = (error * inside).sum() / inside.sum().clamp(min=1)
    of_whole = (error * counted).sum() / (voxels * counted.sum()).clamp(min=1)
    return foreground_weight * of_foreground + whole_weight * of_whole


def invariance(features: Tensor, valid: Tensor) -> Tensor:
    """Mean square distance of each source's features to the mean of the person's other sources (L_inv).

    The mean leaves the source out and has no gradient. Persons with one source do not count. (The release visits
    modalities in random order and anchors each on a running, exponentially weighted mean.)
    """
    features, counted = features.float(), _spread_over(valid, features)
    total, number = (features * counted).sum(1, keepdim=True), counted.sum(1, keepdim=True)
    others = ((total - features * counted) / (number - counted).clamp(min=1)).detach()
    paired = valid & (valid.sum(1, keepdim=True) > 1)
    return _mean_over((features - others).square(), paired)


def equivariance(features: Tensor, others: Tensor, valid: Tensor) -> Tensor:
    """Mean square distance of features of two rotations of one volume, both turned back; ``others`` without gradient.

    The feature level of L_equ, ours: the release never compares E(Rx) with R E(x).
    """
    return _mean_over((features.float() - others.detach().float()).square(), valid)


def rotation_class(logits: Tensor, numbers: Tensor, valid: Tensor) -> Tensor:
    """Cross-entropy of the rotation that a view has (L_equ, released part a); logits (view, class)."""
    found = F.cross_entropy(logits.float(), numbers.to(logits.device), reduction="none")
    counted = valid.flatten().float()
    return (found * counted).sum() / counted.sum().clamp(min=1)


def contrast(first: Tensor, second: Tensor, valid: Tensor, temperature: float = 0.1) -> Tensor:
    """InfoNCE of two views, (person, source, embedding) each, normalised here; ``second`` has no gradient (L_contr).

    The positive of a view is the other view of the same person and source; negatives are the same source slot of the
    other persons. Raises ValueError for a single person, for whom the term would be zero whatever the features, as it
    is in the released command.
    """
    if len(first) < 2:
        raise ValueError(f"contrast over {len(first)} person, expected at least 2: alone, the loss is always 0")
    first, second = (F.normalize(views.float(), dim=-1) for views in (first, second.detach()))
    logits = torch.einsum("psd,qsd->spq", first, second) / temperature
    logits = logits.masked_fill(~valid.T[:, None, :], -1e4)
    log_shares = logits.log_softmax(-1).diagonal(dim1=1, dim2=2)  # (source, person)
    # Where the slot is filled for nobody else there is nothing to tell apart.
    counted = (valid & (valid.sum(0, keepdim=True) > 1)).T.float()
    return -(log_shares * counted).sum() / counted.sum().clamp(min=1)


def spread(features: Tensor, valid: Tensor) -> Tensor:
    """Standard deviation over persons, of each channel at each place, of the mean over sources; then the mean.

    0 where everybody has the same features: collapse.
    """
    counted = _spread_over(valid, features)
    mean = (features.float() * counted).sum(1) / counted.sum(1).clamp(min=1)
    return mean.std(0, correction=0).mean()


def _spread_over(valid: Tensor, features: Tensor) -> Tensor:
    return valid.reshape(*valid.shape, *[1] * (features.ndim - 2)).float()


def _mean_over(errors: Tensor, valid: Tensor) -> Tensor:
    """Mean of errors (person, source, ...) of valid sources, 0 without any."""
    counted = valid.float()
    return (errors.flatten(2).mean(-1) * counted).sum() / counted.sum().clamp(min=1)
