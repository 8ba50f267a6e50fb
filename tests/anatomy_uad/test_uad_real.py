"""Real people as the detectors take them; without the original files these tests are skipped."""

import numpy as np
import pytest

from disentangle.anatomy_uad.baselines import threshold_score
from disentangle.anatomy_uad.config import ScoreConfig
from disentangle.anatomy_uad.people import Plan
from disentangle.anatomy_uad.real import SECTION_MM, real_people
from disentangle.anatomy_uad.scores import Scored, average_precisions, prevalences

PLAN = Plan()


def scored(person) -> Scored:
    maps = threshold_score(person.slices, ScoreConfig())
    return Scored(maps, person.truth, person.scored, person.slices.subject, person.pixel_mm)


def test_the_ms_patient_lies_at_the_heights_of_the_training(shared_data, monkeypatch):
    """Values below zero after skull stripping are black, and a threshold on T2 is hardly better than chance."""
    monkeypatch.setenv("DISENTANGLE_DATA", str(shared_data))
    people = real_people("ms_lesions", PLAN)
    assert [person.slices.sequence for person in people] == ["T1", "T2"]
    for person in people:
        assert person.slices.images.shape[1:] == (80, 64) and person.slices.images.min() == 0
        assert np.diff(person.z_mm) == pytest.approx(SECTION_MM) and -12 <= person.z_mm[0] < person.z_mm[-1] <= 58
        assert not person.truth[~person.scored].any()
        assert prevalences(scored(person))[0] == pytest.approx(0.007, abs=0.0005)
    assert average_precisions(scored(people[1]))[0] < 0.1


def test_a_missing_sequence_is_refused_with_those_that_there_are(shared_data, monkeypatch):
    monkeypatch.setenv("DISENTANGLE_DATA", str(shared_data))
    monkeypatch.setitem(real_people.__globals__["SETS"], "brats2013", ("T2",))
    with pytest.raises(ValueError, match="nobody in the folder has 'T2', there are"):
        real_people("brats2013", PLAN)
