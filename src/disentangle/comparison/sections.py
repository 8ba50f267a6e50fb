"""What the number of a section says about biology without a look at the picture: the floor of all probes of biology."""

from __future__ import annotations

import numpy as np
import pandas as pd

from disentangle.comparison.people import Part


def section_alone(training: Part, test: Part) -> pd.Series:
    """R2 of each test head, by subject, where every target is guessed as its mean in that section of training heads.

    On the scale of `scores.biology_r2`: about the mean of the training heads, mean of the targets.
    """
    known, truth = (_by_section(part) for part in (training, test))
    wrong = ((known.mean(0) - truth) ** 2).mean(1)
    spread = ((truth - known.mean((0, 1))) ** 2).mean((0, 1))
    return pd.Series((1 - wrong / spread).mean(1), index=pd.Index(test.subjects, name="subject"))


def _by_section(part: Part) -> np.ndarray:
    """Targets (head, section, target); they are the same in every style."""
    return part.targets.reshape(*part.grid, -1)[:, :, 0]
