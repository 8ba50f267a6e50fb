"""Cohorts become pairs and slices, and what does not fit is refused by name."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from drawn_heads import SIDE, drawn_heads

from disentangle.anatomy_uad.data import (
    checked_slices,
    pairs_of,
    slices_of,
    standardised,
    tissue_means,
    training_tensors,
)
from disentangle.imaging.cohort import Cohort, Provenance


def cohort_of(pairs, **changes) -> Cohort:
    samples = pd.DataFrame({"subject": pairs.first.subject})
    found = Cohort(
        name="drawn",
        images=np.stack([pairs.first.images, pairs.second.images], 1),
        samples=samples,
        subjects=pd.DataFrame(index=pd.Index(samples["subject"].unique(), name="subject")),
        spacing_mm=pairs.first.spacing_mm,
        provenance=Provenance(False, "drawn", "none", "none"),
        extra={"modalities": ("T1", "T2"), "brain_masks": pairs.first.brain},
    )
    return replace(found, **changes)


def test_a_cohort_and_its_pairs_hold_the_same_pixels(heads):
    found = pairs_of(cohort_of(heads[0]), ("T1", "T2"))
    assert found.sha256 == heads[0].sha256
    assert np.array_equal(slices_of(cohort_of(heads[0]), "T2").images, heads[0].second.images)


def test_an_absent_sequence_a_lesion_and_absent_twins_are_refused(heads):
    cohort = cohort_of(heads[0])
    with pytest.raises(ValueError, match="no sequence 'FLAIR'"):
        slices_of(cohort, "FLAIR")
    with pytest.raises(ValueError, match="twins"):
        slices_of(cohort, "T1", twins=True)
    masks = np.zeros(heads[0].first.brain.shape, bool)
    masks[3, 20, 20] = True
    with pytest.raises(ValueError, match="1 people have lesions, such as 's0_1'"):
        pairs_of(replace(cohort, masks=masks), ("T1", "T2"))


@pytest.mark.parametrize(
    ("images", "brain", "message"),
    [
        (np.zeros((2, 8, 8)), np.zeros((2, 8, 9)), r"masks have the shape \(2, 8, 9\)"),
        (np.full((1, 8, 8), -0.2), np.ones((1, 8, 8)), r"values lie in -0.2..-0.2"),
        (np.full((1, 8, 8), np.nan), np.ones((1, 8, 8)), "expected finite"),
        (np.zeros((8, 8)), np.ones((8, 8)), "expected"),
    ],
)
def test_bad_slices_are_refused_with_what_was_found(images, brain, message):
    with pytest.raises(ValueError, match=message):
        checked_slices(images, brain, "T1")


def test_a_mask_of_0_99999997_is_a_mask_and_nothing_stays_outside_it():
    brain = np.zeros((1, 4, 4))
    brain[0, 1:3, 1:3] = 0.99999997
    found = checked_slices(np.ones((1, 4, 4)), brain, "T1")
    assert found.brain.sum() == found.images.sum() == 4


def test_tissue_means_are_the_drawn_grey_levels():
    pairs, tissues = drawn_heads(people=3, seed=4)
    for person, means in tissue_means(pairs.first).items():
        rows = pairs.first.subject == person
        drawn = [np.median(pairs.first.images[rows][tissues[rows] == k]) for k in (1, 2, 3)]
        assert np.abs(means - drawn).max() < 0.05


def test_standardised_tissues_lie_at_the_levels(heads):
    levels = (0.29, 0.48, 0.72)
    found = standardised(heads[0].first, tissue_means(heads[0].first), levels)
    for number, level in enumerate(levels, 1):
        assert abs(np.median(found[heads[1] == number]) - level) < 0.03
    assert not found[~heads[0].first.brain].any()


def test_a_constant_image_has_no_tissues(heads):
    flat = replace(heads[0].first, images=heads[0].first.brain * np.float32(0.5))
    with pytest.raises(ValueError, match="1 grey values"):
        tissue_means(flat)


def test_levels_of_none_are_the_means_over_people(heads):
    tensors, levels = training_tensors(heads[0], None)
    expected = np.mean(list(tissue_means(heads[0].first).values()), 0)
    np.testing.assert_allclose(levels, expected, rtol=1e-6)
    assert tensors["image"].shape == (12, 2, SIDE, SIDE)


def test_the_labels_of_a_set_that_was_read_give_the_brain(heads):
    known = cohort_of(heads[0])
    labels = heads[0].first.brain.astype(np.uint8)
    read = replace(known, labels=labels, extra={"modalities": ("T1", "T2"), "labels": {"background": 0, "brain": 1}})
    assert np.array_equal(slices_of(read, "T1").images, slices_of(known, "T1").images)
    with pytest.raises(ValueError, match="no extra.'brain_masks'., nor a label 'brain' among"):
        slices_of(replace(read, labels=None), "T1")
