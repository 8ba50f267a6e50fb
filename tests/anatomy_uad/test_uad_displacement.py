"""Pushed tissue against tissue that stayed: where both lie, and what a score that sees only one of them gets."""

import numpy as np
import pytest

from disentangle.anatomy_uad import displacement
from disentangle.anatomy_uad.config import ScoreConfig
from disentangle.anatomy_uad.experiment import configuration
from disentangle.imaging.brain.sections import FIELD_OF_VIEW_MM


def one_section():
    """A lesion of one pixel of 2.5 mm; left of it tissue is pushed by 5 mm, right of it nothing moves."""
    lesion = np.zeros((1, 41, 41), bool)
    lesion[0, 20, 20] = True
    moved = np.zeros(lesion.shape)
    moved[..., :20] = 5.0
    return lesion, moved


def test_rings_lie_between_their_two_distances_and_do_not_overlap():
    lesion, moved = one_section()
    parts = displacement.rings(moved, lesion, np.ones_like(lesion), 2.5)
    columns = {name: np.flatnonzero(part[0, 20]).tolist() for name, part in parts.items()}
    assert columns == {"pushed": list(range(6, 15)), "still": list(range(26, 35))}
    assert not displacement.rings(moved, np.zeros_like(lesion), np.ones_like(lesion), 2.5)["pushed"].any()


def test_the_ring_begins_beyond_what_the_windows_of_the_score_see_of_the_lesion():
    score: ScoreConfig = configuration().score
    pixel = FIELD_OF_VIEW_MM / 80
    assert pixel * (score.window // 2 + score.median // 2) <= displacement.RING_MM[0]


class Stub:
    """A detector whose score rises in pushed tissue of the picture, and nowhere in the twin."""

    def __init__(self, moved):
        self.moved = moved

    def maps(self, slices, z_mm):
        noise = np.random.default_rng(0).random(self.moved.shape)
        return noise + 2 * (self.moved > 0) * (slices.sequence == "T2")


@pytest.mark.parametrize(("sequence", "pushed"), [("T1", 0.5), ("T2", 1.0)])
def test_a_score_that_sees_displacement_alone_is_at_chance_where_nothing_moved(monkeypatch, sequence, pushed):
    lesion, moved = one_section()

    class Cohort:
        masks = lesion
        extra = {"moved_mm": moved}

    class Slices:
        def __init__(self, name):
            self.sequence = name

    class Marked:
        scored, truth, pixel_mm = np.ones_like(lesion), lesion, 2.5

        def __init__(self, maps):
            self.maps = maps

        def people(self):
            yield "one", np.array([True])

    monkeypatch.setattr(displacement, "slices_of", lambda c, name, twins=False: Slices("twin" if twins else name))
    monkeypatch.setattr(displacement, "heights", lambda c: np.zeros(1))
    monkeypatch.setattr(displacement, "scored", lambda c, maps: Marked(maps))
    found = displacement.ring_aucs(Stub(moved), Cohort(), sequence)
    assert found == {"pushed": [round(1e4 * pushed)], "still": [5000]}
