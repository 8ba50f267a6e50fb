"""The cohort ``brain_sites`` is what it was when it was calibrated.

It was calibrated with published volumes and contrasts, and with baselines alone. Before the freeze one pilot fit had
been seen (AP on T1: the method 0.339, its arm with a mean modality vector 0.415, an intensity threshold 0.122).
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging import datasets
from disentangle.imaging.brain.cohort import LABELS

FROZEN = Path(__file__).with_name("frozen_sections.csv")
SHARED = {"size": 80, "slices": 5}
SETS = {
    "training": {"people": 3, "sites": ("B",), "lesions": ("healthy", "glioma", "ms"), **SHARED},
    "others": {"people": 2, "sites": ("A",), "lesions": ("wmh", "acute_stroke"), **SHARED},
    "held_out": {"people": 1, "sites": ("C",), "lesions": ("chronic_stroke",), "held_out": True, **SHARED},
}


def described(options: dict[str, object]) -> pd.DataFrame:
    """A row for the middle section of each person and modality: sixteen block means and the pixels of each label."""
    cohort = datasets.load("brain_sites", **options)
    rows = np.flatnonzero(cohort.samples["slice"] == 2)
    tables = []
    for at, modality in enumerate(cohort.extra["modalities"]):
        blocks = cohort.images[rows, at].reshape(-1, 4, 20, 4, 20).mean(axis=(2, 4), dtype=float).reshape(-1, 16)
        table = pd.DataFrame(blocks, columns=[f"b{row}{column}" for row in range(4) for column in range(4)])
        table["twin"] = cohort.extra["twins"][rows, at].mean(axis=(1, 2), dtype=float)
        for name, value in LABELS.items():
            table[name] = (cohort.labels[rows] == value).sum(axis=(1, 2))
        table.insert(0, "subject", cohort.samples.loc[rows, "subject"].to_numpy())
        table.insert(1, "modality", modality)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize("which", list(SETS))
def test_the_sections_are_frozen(which):
    """Brightness is 0..1 and rounded to 1/4095; processors of other kinds move some pixels by one step.

    A change that means to alter the cohort must be calibrated anew, without the method.
    """
    frozen = pd.read_csv(FROZEN).query("set == @which").drop(columns="set").reset_index(drop=True)
    found = described(SETS[which])
    assert found[["subject", "modality"]].equals(frozen[["subject", "modality"]])
    levels = [name for name in found if name.startswith("b") and name != "background"] + ["twin"]
    assert np.allclose(found[levels], frozen[levels], atol=1e-3)
    assert np.allclose(found[list(LABELS)], frozen[list(LABELS)], atol=2)
