"""Do the factors hold what they should, and only that? Dependence of s and z, probes, collapse, unassigned pixels.

Digest section 10: distance correlation after Liu et al. 2021 (arXiv 2008.12378) with permuted pairs for comparison,
probes of style from s and of anatomy from z. For errors of swapped styles and the consistency of s see ``swaps``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from disentangle.imaging.cardiac.labels import NAMES
from disentangle.imaging.cohort import Cohort
from disentangle.metrics.distance_correlation import distance_correlation, unbiased_distance_correlation
from disentangle.sdnet.fitted import Fitted
from disentangle.sdnet.probes import PROBES, SHUFFLES, ProbeScore, probe_scores
from disentangle.sdnet.train import Factors, factors

ROWS = 300
PERMUTATIONS = 50
POOLED = 4
STYLE_CLASSES = ("modality", "scanner")
STYLE_NUMBERS = ("tr_ms", "flip_deg", "snr", "blood_to_myocardium", "bias_left")
_BLOCK = 16_384
_DIGITS = 4


def dependence(
    first: np.ndarray,
    second: np.ndarray,
    subjects: Sequence,
    *,
    seed: int,
    rows: int = ROWS,
    permutations: int = PERMUTATIONS,
) -> dict[str, float]:
    """Distance correlation of two representations of the same images, beside what independence would give.

    At most ``rows`` images are drawn (Liu et al.: about 300). The statistic is biased upwards, so it is set beside
    pairs exchanged among images (``permuted``) and among people (``permuted_people``, the fairer one: images of a
    person resemble each other in both factors without any leak). Each is a mean over ``permutations``; ``p_people``
    is the share of exchanges among people that reach the value. ``unbiased_squared`` is the bias-corrected square.
    """
    rng, subjects = np.random.default_rng([seed, 29]), np.asarray(subjects)
    if not len(first) == len(second) == len(subjects):
        raise ValueError(f"{len(first)} and {len(second)} rows of {len(subjects)} images")
    chosen = np.sort(rng.permutation(len(first))[:rows])
    a, b, subjects = isometric(first[chosen]), isometric(second[chosen]), subjects[chosen]
    value = distance_correlation(a, b)
    images = [distance_correlation(a, b[rng.permutation(len(b))]) for _ in range(permutations)]
    people = [distance_correlation(a, b[exchanged_people(subjects, rng)]) for _ in range(permutations)]
    return {
        "value": round(value, _DIGITS),
        "permuted": round(float(np.mean(images)), _DIGITS),
        "permuted_people": round(float(np.mean(people)), _DIGITS),
        "p_people": round((1 + sum(drawn >= value for drawn in people)) / (1 + permutations), _DIGITS),
        "unbiased_squared": round(unbiased_distance_correlation(a, b), _DIGITS),
        "rows": len(chosen),
    }


def factor_dependence(
    found: Factors, images: np.ndarray, subjects: Sequence, *, seed: int, rows: int = ROWS
) -> dict[str, dict[str, float]]:
    """`dependence` of ``s_z`` (should be low), and of ``image_s`` and ``image_z``, what each keeps of the image."""
    pairs = {"s_z": (found.anatomy, found.modality), "image_s": (images, found.anatomy)}
    pairs["image_z"] = (images, found.modality)
    return {name: dependence(*pair, subjects, seed=seed, rows=rows) for name, pair in pairs.items()}


def isometric(values: np.ndarray) -> np.ndarray:
    """Rows (n, ...) as points (n, at most n) with the very same distances: cheap to compare where rows are pictures."""
    flat = np.asarray(values).reshape(len(values), -1)
    if flat.shape[1] <= len(flat):
        return flat.astype(float)
    products = np.zeros((len(flat), len(flat)))
    for start in range(0, flat.shape[1], _BLOCK):
        part = flat[:, start : start + _BLOCK].astype(float)
        part -= part.mean(axis=0)
        products += part @ part.T
    size, axes = np.linalg.eigh(products)
    return axes * np.sqrt(np.maximum(size, 0))


def exchanged_people(subjects: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each image one of the person who takes its own's place: row numbers (n,), repeated as little as may be."""
    people, code = np.unique(subjects, return_inverse=True)
    rows_of = [np.flatnonzero(code == person) for person in range(len(people))]
    taken = np.empty(len(code), int)
    for mine, other in zip(rows_of, rng.permutation(len(people)), strict=True):
        taken[mine] = np.resize(rng.permutation(rows_of[other]), len(mine))
    return taken


def anatomy_features(anatomy: np.ndarray, pooled: int = POOLED) -> np.ndarray:
    """What probes see of s (image, channel, height, width): (image, channel * (2 + pooled squared)).

    Area and length of border of each channel, as shares of the pixels, and the mean in ``pooled`` x ``pooled`` fields.
    Borders tell a ragged channel that follows noise from a smooth one.
    """
    s = np.asarray(anatomy, np.float32)
    count, channels, height, width = s.shape
    if height % pooled or width % pooled:
        raise ValueError(f"anatomies of {height} x {width} pixels do not divide into {pooled} x {pooled} fields")
    border = np.abs(np.diff(s, axis=2)).mean((2, 3)) + np.abs(np.diff(s, axis=3)).mean((2, 3))
    fields = s.reshape(count, channels, pooled, height // pooled, pooled, width // pooled).mean((3, 5))
    return np.concatenate([s.mean((2, 3)), border, fields.reshape(count, -1)], axis=1)


def image_mean_sd(images: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of each image (image, ...): (image, 2)."""
    flat = np.asarray(images, float).reshape(len(images), -1)
    return np.column_stack([flat.mean(1), flat.std(1)])


def style_targets(cohort: Cohort) -> pd.DataFrame:
    """What is known of how each image was made: modality, scanner, settings of MR (NaN for others); may be empty."""
    classes = {name: cohort.samples[name].astype(object) for name in STYLE_CLASSES if name in cohort.samples}
    subjects = cohort.subjects.loc[cohort.samples["subject"]]
    numbers = {name: subjects[name].to_numpy(float) for name in STYLE_NUMBERS if name in subjects}
    return pd.DataFrame(classes | numbers, index=cohort.samples.index)


def anatomy_targets(cohort: Cohort) -> pd.DataFrame:
    """What is true of the heart in each image: area of RV, MYO and LV in pixels, its centre (row, column), diagnosis.

    NaN where labels are unknown (255 or -1), and for the centre where no heart is seen.
    """
    labels = np.asarray(cohort.labels)
    known = np.isin(labels, [0, *NAMES]).all(axis=(1, 2))
    areas = {f"{n.lower()}_area": np.where(known, (labels == v).sum((1, 2)), np.nan) for v, n in NAMES.items()}
    heart = np.isin(labels, list(NAMES)) & known[:, None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        places = {
            "heart_row": (heart.sum(2) * np.arange(labels.shape[1])).sum(1) / heart.sum((1, 2)),
            "heart_column": (heart.sum(1) * np.arange(labels.shape[2])).sum(1) / heart.sum((1, 2)),
        }
    table = pd.DataFrame(areas | places, index=cohort.samples.index)
    diagnosed = "diagnosis" in cohort.samples
    return table.assign(diagnosis=cohort.samples["diagnosis"].astype(object)) if diagnosed else table


def factor_probes(
    fitted: Fitted,
    training: Cohort,
    test: Cohort,
    *,
    seed: int,
    probes: Sequence[str] = PROBES,
    shuffles: int = SHUFFLES,
) -> list[ProbeScore]:
    """Probes of style and of anatomy from ``z``, ``s`` and ``image_mean_sd``, with the controls of `probe_scores`.

    The probes learn from the people of ``training``, those the model saw, and are tested on other people, as in the
    paper. Targets: see `style_targets` and `anatomy_targets`.
    """
    sides = [(cohort, factors(fitted, cohort)) for cohort in (training, test)]
    features = {
        "z": np.concatenate([found.modality for _, found in sides]),
        "s": np.concatenate([anatomy_features(found.anatomy) for _, found in sides]),
        "image_mean_sd": np.concatenate([image_mean_sd(cohort.images) for cohort, _ in sides]),
    }
    targets = [pd.concat([style_targets(cohort), anatomy_targets(cohort)], axis=1) for cohort, _ in sides]
    subjects = np.concatenate([cohort.samples["subject"].to_numpy(str) for cohort, _ in sides])
    is_training = np.arange(len(subjects)) < len(training)
    table = pd.concat(targets, ignore_index=True)
    return probe_scores(features, table, subjects, is_training, seed=seed, probes=probes, shuffles=shuffles)


def posterior_variance(found: Factors) -> np.ndarray:
    """Mean variance of each dimension of z over images (modality size,): near 1 says nothing of the image (5.6)."""
    return np.exp(found.logvar).mean(axis=0)


def unassigned_share(anatomy: np.ndarray) -> np.ndarray:
    """Share of the pixels of each image (image,) that no channel of s claims with more than one half."""
    return (np.asarray(anatomy).max(axis=1) <= 0.5).mean(axis=(1, 2))


def disentanglement_scores(
    fitted: Fitted, training: Cohort, test: Cohort, *, seed: int, draws: int, probes: Sequence[str] = PROBES
) -> dict[str, object]:
    """All of the above on the people of ``test``, ready for JSON.

    Keys: ``distance_correlation`` (see `factor_dependence`), ``probes`` (list of records), ``posterior_variance`` (one
    a dimension), ``unassigned`` (mean share of pixels), ``channel_area`` (mean share of pixels of each channel).
    """
    found = factors(fitted, test)
    subjects = test.samples["subject"].to_numpy(str)
    scores = factor_probes(fitted, training, test, seed=seed, probes=probes)
    return {
        "distance_correlation": factor_dependence(found, test.images, subjects, seed=seed),
        "probes": [score.record(draws=draws, seed=seed) for score in scores],
        "posterior_variance": [round(float(v), _DIGITS) for v in posterior_variance(found)],
        "unassigned": round(float(unassigned_share(found.anatomy).mean()), _DIGITS),
        "channel_area": [round(float(v), _DIGITS) for v in found.anatomy.mean((0, 2, 3))],
    }
