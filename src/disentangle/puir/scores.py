"""What drawn modalities are worth person by person, ready for JSON: all ordered pairs, in the volume and in regions.

Digest section 6. Cross pairs (source and target differ) are averaged for each person; a target drawn from itself is
kept apart. What has no value, such as the enhancing part of a tumour without one, is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from disentangle.metrics.volume_quality import nmse, psnr, quality, released_scores

REGIONS = ("volume", "brain", "tumour", "enhancing")
METRICS = ("psnr", "nmse", "ssim")
DIGITS = {"psnr": 3, "nmse": 5, "ssim": 4}
Regions = Mapping[str, np.ndarray | None]


def transfer_scores(
    truth: np.ndarray, drawn: np.ndarray, regions: Sequence[Regions], subjects: Sequence[str], modalities: Sequence[str]
) -> dict:
    """Scores of ``drawn`` (person, source, target, side, side, side) against ``truth`` (person, modality, ...).

    Returns
    -------
    ``people``: a list with a value a person of ``subject``; ``<region>.<metric>``, means over cross pairs; ``psnr_own``
    (brain, a modality from itself); ``to_<modality>``, PSNR in the enhancing tumour of that target, mean over sources;
    ``released_psnr`` and ``released_ssim``, means over all pairs. ``pairs``: PSNR of each pair and region, mean over
    people, ``"T1>T2"`` -> [volume, brain, tumour, enhancing].
    """
    tables = [_pair_table(*case) for case in zip(truth, drawn, regions, strict=True)]
    people = [
        {"subject": str(subject)} | _of_person(table, modalities) | _released(true, found)
        for subject, table, true, found in zip(subjects, tables, truth, drawn, strict=True)
    ]
    columns = {name: [person[name] for person in people] for name in people[0]}
    return {"people": columns, "pairs": _of_pairs(np.stack(tables), modalities)}


def region_psnr(
    truth: np.ndarray, drawn: np.ndarray, regions: Sequence[Regions], names: Sequence[str] = ("brain", "tumour")
) -> dict[str, list[float | None]]:
    """PSNR in some regions of each person, mean over cross pairs: region -> a value a person."""
    cross = _cross(truth.shape[1])
    return {
        name: [
            rounded(_mean([psnr(true[t], found[s, t], region[name]) for s, t in cross]), 3)
            for true, found, region in zip(truth, drawn, regions, strict=True)
        ]
        for name in names
    }


def pair_scores(truth: np.ndarray, drawn: np.ndarray, region: Regions, modalities: Sequence[str]) -> dict:
    """Of one person: pair -> region -> PSNR and NMSE, for a set that is too small to average."""
    return {
        f"{modalities[s]}>{modalities[t]}": {
            name: [rounded(psnr(truth[t], drawn[s, t], where), 3), rounded(nmse(truth[t], drawn[s, t], where), 4)]
            for name, where in region.items()
        }
        for s, t in _cross(len(modalities))
    }


def rounded(value: float, digits: int = 4) -> float | None:
    """A number for JSON; None for what is not finite."""
    return round(float(value), digits) if np.isfinite(value) else None


def _pair_table(true: np.ndarray, drawn: np.ndarray, regions: Regions) -> np.ndarray:
    """(source, target, region, metric) of one person."""
    number = len(true)
    table = np.full((number, number, len(REGIONS), len(METRICS)), np.nan)
    for source, target in np.ndindex(number, number):
        found = quality(true[target], drawn[source, target], regions)
        table[source, target] = [[found[region][metric] for metric in METRICS] for region in REGIONS]
    return table


def _of_person(table: np.ndarray, modalities: Sequence[str]) -> dict:
    cross = ~np.eye(len(table), dtype=bool)
    scores = {
        f"{region}.{metric}": rounded(_mean(table[cross][:, r, m]), DIGITS[metric])
        for r, region in enumerate(REGIONS)
        for m, metric in enumerate(METRICS)
    }
    brain, enhancing = REGIONS.index("brain"), REGIONS.index("enhancing")
    scores["psnr_own"] = rounded(_mean(np.diagonal(table[:, :, brain, 0])), 3)
    for target, name in enumerate(modalities):
        scores[f"to_{name}"] = rounded(_mean(np.delete(table[:, target, enhancing, 0], target)), 3)
    return scores


def _released(true: np.ndarray, drawn: np.ndarray) -> dict:
    """The released test script over all pairs of one person."""
    found = np.array([released_scores(true, from_one) for from_one in drawn])
    return {"released_psnr": rounded(found[:, 0].mean(), 3), "released_ssim": rounded(found[:, 1].mean(), 4)}


def _of_pairs(tables: np.ndarray, modalities: Sequence[str]) -> dict[str, list[float | None]]:
    """Mean PSNR over people of each pair in each region; ``tables`` (person, source, target, region, metric)."""
    return {
        f"{modalities[s]}>{modalities[t]}": [rounded(_mean(tables[:, s, t, r, 0]), 2) for r in range(len(REGIONS))]
        for s, t in np.ndindex(len(modalities), len(modalities))
    }


def _cross(number: int) -> list[tuple[int, int]]:
    return [(s, t) for s, t in np.ndindex(number, number) if s != t]


def _mean(values: np.ndarray | Sequence[float]) -> float:
    """Mean of the finite values, NaN without any."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")
