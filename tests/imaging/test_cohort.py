"""What every cohort holds to: its parts follow the images, and what cannot be one is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging.cohort import Cohort, Provenance


@pytest.fixture
def cohort() -> Cohort:
    """Two people with three images of 4 x 4 pixels each; the images, and the masks in ``extra``, hold their number."""
    numbers = np.arange(6, dtype=np.float32)
    return Cohort(
        name="numbers",
        images=np.tile(numbers[:, None, None, None], (1, 2, 4, 4)),
        samples=pd.DataFrame({"subject": list("aaabbb")}),
        subjects=pd.DataFrame({"age": [40, 50]}, index=pd.Index(["a", "b"], name="subject")),
        spacing_mm=np.ones((6, 2), np.float32),
        provenance=Provenance(real=False, source="-", licence="-", citation="-"),
        extra={"brain_masks": np.tile(numbers[:, None, None], (1, 4, 4)), "modalities": list("T1T2ab"), "draw": 3},
    )


def test_arrays_of_extra_follow_their_images(cohort: Cohort):
    for chosen in (cohort.select(np.arange(6)[::-1]), cohort.of_people(["b"]), cohort.select(np.arange(6) % 2 == 1)):
        assert (chosen.extra["brain_masks"] == chosen.images[:, 0]).all()
        assert chosen.extra["modalities"] == list("T1T2ab") and chosen.extra["draw"] == 3
    assert len(cohort.extra["brain_masks"]) == 6


def test_images_without_a_channel_and_people_who_stand_twice_are_refused(cohort: Cohort):
    with pytest.raises(ValueError, match=r"numbers: images have the shape \(6, 4, 4\), expected \(image, channel"):
        replace(cohort, images=cohort.images[:, 0])
    with pytest.raises(ValueError, match="'a' stands twice in subjects"):
        replace(cohort, subjects=pd.concat([cohort.subjects, cohort.subjects.iloc[:1]]))
