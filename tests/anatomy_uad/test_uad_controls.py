"""Controls: what two different heads score, and a reader's own people beside a threshold."""

import numpy as np
import pytest

from disentangle.anatomy_uad.config import ScoreConfig
from disentangle.anatomy_uad.controls import other_head_dice
from disentangle.anatomy_uad.data import checked_slices
from disentangle.anatomy_uad.detectors import Detector
from disentangle.anatomy_uad.own import scores_of
from disentangle.anatomy_uad.probes import tissue_dice
from disentangle.anatomy_uad.real import RealPerson


def test_other_heads_are_compared_and_the_same_head_is_not():
    """Left halves grey and right halves white in one person, the other way round in the other."""
    one = np.where(np.arange(8) < 4, 2, 3) * np.ones((2, 8, 1), int)
    maps, subject = np.concatenate([one, 5 - one]), np.array(["a", "a", "b", "b"])
    assert tissue_dice(maps, maps)["gm"] == 1.0
    assert other_head_dice(maps, maps, subject) == {"csf": 1.0, "gm": 0.0, "wm": 0.0}
    with pytest.raises(ValueError, match=r"people have \[2, 1\] sections"):
        other_head_dice(maps[:3], maps[:3], subject[:3])


def test_own_people_get_a_row_each_with_the_threshold_and_the_prevalence():
    images = np.full((1, 20, 20), 0.5)
    truth = np.zeros(images.shape, bool)
    truth[0, 5:10, 5:10] = True
    images[truth] = 0.9
    slices = checked_slices(images, np.ones_like(truth), "T2", subject=np.array(["p1"]))
    person = RealPerson(slices, np.zeros(1), truth, np.ones_like(truth), 1.0)
    blind = Detector("dal", lambda s, z: np.zeros(s.images.shape), ScoreConfig(median=1, erosion_mm=0))
    row = scores_of(blind, [person]).loc[0]
    assert row["prevalence"] == 25 / 400 == row["dal"] and row["threshold"] == 1.0
    assert (row["person"], row["sequence"]) == ("p1", "T2")
    healthy = RealPerson(slices, np.zeros(1), np.zeros_like(truth), np.ones_like(truth), 1.0)
    assert np.isnan(scores_of(blind, [healthy]).loc[0, "dal"])
