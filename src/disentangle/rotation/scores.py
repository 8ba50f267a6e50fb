"""Scores of a clustering on people it was not fitted on: consistency over settings, and its guards.

Digest, section 6. A person is a unit; where there is one person only, blocks of places are units, each with its
part in the person's score (delete-one jackknife).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from disentangle.metrics.consistency import (
    ari_of,
    consistency_per_person,
    contingency,
    dice_of,
    nmi_of,
    paired_labels,
)
from disentangle.rotation.latents import Part
from disentangle.rotation.probes import balanced_accuracy, fit_probe

CONSISTENCY = ("ari", "nmi", "dice")


def unit_of(part: Part) -> str:
    """The column whose values are independent: ``subject``, or ``block`` where there is one person."""
    return "block" if "block" in part.samples and part.samples["subject"].nunique() == 1 else "subject"


def unit_scores(labels: np.ndarray, part: Part, clusters: int) -> pd.DataFrame:
    """``ari``, ``nmi``, ``dice`` between settings and, where tissue is known, ``tissue_ari``; one row a unit.

    ``labels`` (row,) are clusters of the part's rows. ``tissue_ari`` compares them, all settings together, with the
    true tissue: a clustering that follows the setting cannot do well.
    """
    unit = unit_of(part)
    matrix, places, _ = paired_labels(labels, part.column("location"), part.column("setting"))
    first = part.samples.drop_duplicates("location").set_index("location").loc[places]
    units = first[unit].to_numpy()
    if unit == "block":
        return block_scores(matrix, units, clusters)
    table = consistency_per_person(matrix, units.astype(str), clusters)[list(CONSISTENCY)]
    if "tissue" in part.samples:
        table["tissue_ari"] = agreement_per_unit(labels, part.column("tissue"), part.column(unit))
    return table


def unseen_ari(
    labels: np.ndarray, part: Part, unseen_labels: np.ndarray, unseen: Part, reference: str, clusters: int
) -> pd.Series:
    """ARI between all pairs of the unseen settings and the reference setting of ``part``, one value a unit."""
    here = part.column("setting") == reference
    if not here.any():
        raise ValueError(f"no row has the reference setting {reference!r}, found {np.unique(part.column('setting'))}")
    samples = pd.concat([part.samples[here], unseen.samples], ignore_index=True)
    both = Part(np.zeros((len(samples), 1)), samples)
    return unit_scores(np.concatenate([labels[here], unseen_labels]), both, clusters)["ari"]


def agreement_per_unit(labels: np.ndarray, truth: np.ndarray, units: np.ndarray) -> pd.Series:
    """Adjusted Rand index of clusters and true classes (row,) among the rows of each unit."""
    names, groups = np.unique(units, return_inverse=True)
    classes, codes = np.unique(truth, return_inverse=True)
    tables = contingency(labels, codes.ravel(), (int(labels.max()) + 1, len(classes)), groups.ravel())
    return pd.Series(ari_of(tables), index=names)


def block_scores(matrix: np.ndarray, blocks: np.ndarray, clusters: int) -> pd.DataFrame:
    """Consistency of one person as pseudo-values, one row a block of places.

    n * score(all) - (n - 1) * score(all but the block): their mean is the jackknife estimate of the score of all
    places, their spread its uncertainty (Tukey 1958). Within a block few places are compared, so that the score of
    a block alone would say little.

    Parameters
    ----------
    matrix : int array (location, setting)
    blocks : array (location,)
    """
    names, groups = np.unique(blocks, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"{len(names)} block of places, expected at least two")
    tables = np.stack(
        [
            contingency(matrix[:, a], matrix[:, b], (clusters, clusters), groups.ravel())
            for a, b in combinations(range(matrix.shape[1]), 2)
        ],
        axis=1,
    )
    everywhere, count = tables.sum(0), len(names)
    rest = everywhere - tables
    found = {}
    for name, score in (("ari", ari_of), ("nmi", nmi_of), ("dice", dice_of)):
        found[name] = count * score(everywhere).mean() - (count - 1) * score(rest).mean(-1)
    return pd.DataFrame(found, index=pd.Index(names.astype(str), name="block"))


def probe_scores(
    train: np.ndarray,
    train_part: Part,
    test: np.ndarray,
    test_part: Part,
    *,
    kinds: Sequence[str],
    rows: int,
    seed: int,
) -> dict[str, float]:
    """Balanced accuracy on test people of probes for the setting and, where it is known, the tissue.

    ``train``, ``test`` are latents (row, component) of the parts' rows; at most ``rows`` of each are used. ``kinds``
    are those of `probes.fit_probe`; results of "mlp" are named ``setting_mlp`` and ``tissue_mlp``.
    """
    some = np.random.default_rng(seed).permutation(len(test))[:rows]
    found = {}
    for target in ("setting", *(["tissue"] if "tissue" in test_part.samples else [])):
        truth = test_part.column(target)[some]
        for kind in kinds:
            probe = fit_probe(train, train_part.column(target), kind, seed=seed, rows=rows)
            found[target if kind == "linear" else f"{target}_mlp"] = balanced_accuracy(truth, probe.predict(test[some]))
    return {name: round(value, 4) for name, value in found.items()}
