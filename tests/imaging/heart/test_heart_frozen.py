"""The cohort ``heart_phantom`` is what it was when it was calibrated, with a U-Net alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging import datasets
from disentangle.imaging.heart.anatomy import LABELS

FROZEN = Path(__file__).with_name("frozen_rendering.csv")
SETS = {
    "both": {"people": 10, "frames": 2, "size": 64, "scanner": "mr_ct"},
    "default": {"people": 2, "frames": 2},
}


def described(options: dict[str, object]) -> pd.DataFrame:
    """A row for the middle slice of each volume: sixteen block means and the pixels of each label."""
    cohort = datasets.load("heart_phantom", **options)
    off = (cohort.samples["level"] - 0.4).abs()
    rows = off.groupby(cohort.samples["volume"]).idxmin().to_numpy()
    side = cohort.images.shape[-1] // 4
    blocks = cohort.images[rows, 0].reshape(-1, 4, side, 4, side).mean(axis=(2, 4), dtype=float).reshape(-1, 16)
    table = pd.DataFrame(blocks, columns=[f"b{row}{column}" for row in range(4) for column in range(4)])
    for name, value in LABELS.items():
        table[name] = (cohort.labels[rows] == value).sum(axis=(1, 2))
    names = cohort.samples.loc[rows, ["subject", "phase"]].reset_index(drop=True)
    return pd.concat([names, table], axis=1)


@pytest.mark.parametrize("which", list(SETS))
def test_the_phantom_is_frozen(which):
    """Brightness is 0..1 and rounded to 1/4095; processors of other kinds move some pixels by one step.

    A change that means to alter the phantom must be calibrated anew, with a U-Net alone (see ``cohort``).
    """
    frozen = pd.read_csv(FROZEN, dtype={"subject": str}).query("set == @which").drop(columns="set")
    found = described(SETS[which])
    assert list(found["subject"]) == list(frozen["subject"]) and list(found["phase"]) == list(frozen["phase"])
    blocks = [name for name in found if name.startswith("b")]
    assert np.allclose(found[blocks], frozen[blocks], atol=1e-3)
    assert np.allclose(found[list(LABELS)], frozen[list(LABELS)], atol=2)
