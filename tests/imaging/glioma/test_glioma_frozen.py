"""The cohorts ``brain`` and ``pet_ct`` are what they were when they were calibrated, with published values alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging import datasets
from disentangle.imaging.glioma.heads import LABELS

FROZEN = Path(__file__).with_name("frozen_volumes.csv")
SETS = {
    "brain": {"people": 6},
    "brain_low_field": {"people": 2, "field_t": 1.5, "jitter": 10.0, "scaling": "static"},
    "pet_ct": {"people": 6},
}


def described(which: str) -> pd.DataFrame:
    """A row for each person and modality: means of 4 x 4 x 4 blocks, and the voxels of each label."""
    cohort = datasets.load(which.removesuffix("_low_field"), **SETS[which])
    tables = []
    for at, modality in enumerate(cohort.extra["modalities"]):
        blocks = cohort.images[:, at].reshape(-1, 4, 8, 4, 8, 4, 8).mean(axis=(2, 4, 6), dtype=float).reshape(-1, 64)
        table = pd.DataFrame(blocks, columns=[f"b{z}{row}{column}" for z, row, column in np.ndindex(4, 4, 4)])
        for name, value in LABELS.items():
            table[name] = (cohort.labels == value).sum(axis=(1, 2, 3))
        table.insert(0, "subject", list(cohort.subjects.index))
        table.insert(1, "modality", modality)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize("which", list(SETS))
def test_the_volumes_are_frozen(which):
    """Brightness is 0..1 and rounded to 1/4095; processors of other kinds move some voxels by one step.

    A change that means to alter the cohort must be calibrated anew, without the method.
    """
    frozen = pd.read_csv(FROZEN).query("set == @which").drop(columns="set").reset_index(drop=True)
    found = described(which)
    assert found[["subject", "modality"]].equals(frozen[["subject", "modality"]])
    levels = [name for name in found if name.startswith("b") and name != "background"]
    assert np.allclose(found[levels], frozen[levels], atol=2e-3)
    assert np.allclose(found[list(LABELS)], frozen[list(LABELS)], atol=3)
