"""Batches of labelled and unlabelled images: what is withheld, what turns together, what is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from discs import SIDE, discs

from disentangle.sdnet.data import Streams, rotated, training_data, validation_tensors


def data(cohort, labelled=(0, 1, 2), unlabelled=None, masks="labelled"):
    return training_data(cohort, 2, SIDE, np.array(labelled), unlabelled, masks)


def test_labels_of_other_images_are_withheld_unless_the_discriminator_may_see_all(cohort):
    fair, all_masks = data(cohort), data(cohort, masks="all")
    assert (fair.labels[3:] == -1).all() and (fair.labels[:3] >= 0).all()
    assert fair.rows["masks"].tolist() == [0, 1, 2]
    assert (all_masks.labels >= 0).all() and all_masks.rows["masks"].tolist() == list(range(12))
    assert all_masks.rows["labelled"].tolist() == [0, 1, 2]
    assert fair.sha256 != all_masks.sha256


def test_every_image_is_unlabelled_by_default_and_rows_may_be_booleans(cohort):
    assert data(cohort).rows["unlabelled"].tolist() == list(range(12))
    booleans = np.arange(12) >= 8
    assert data(cohort, unlabelled=booleans).rows["unlabelled"].tolist() == [8, 9, 10, 11]
    assert data(cohort, unlabelled=booleans).rows["pool"].tolist() == [0, 1, 2, 8, 9, 10, 11]


def test_a_batch_has_one_part_a_purpose_and_is_a_function_of_seed_and_step(cohort):
    def at(step: int, seed: int = 0) -> dict[str, torch.Tensor]:
        return Streams(data(cohort), 2, seed, rotation=90).at(step)

    batch = at(3)
    assert set(batch) == {"labelled_image", "labelled_label", "unlabelled_image", "masks_label", "pool_image"}
    assert batch["labelled_image"].shape == (2, 1, SIDE, SIDE) and batch["labelled_label"].shape == (2, SIDE, SIDE)
    assert all(torch.equal(batch[name], at(3)[name]) for name in batch)
    assert not torch.equal(batch["labelled_image"], at(3, seed=1)["labelled_image"])
    assert not torch.equal(batch["unlabelled_image"], batch["pool_image"])


def test_without_unlabelled_images_or_discriminator_their_streams_are_absent(cohort):
    supervised = data(cohort, unlabelled=np.array([], int))
    assert set(Streams(supervised, 2, 0).at(0)) == {"labelled_image", "labelled_label"}
    assert "pool" not in data(cohort, masks=None).rows


def test_a_quarter_turn_is_that_of_the_array():
    torch.manual_seed(0)
    images, labels = torch.rand(2, 1, 8, 8), torch.randint(-1, 3, (2, 8, 8)).to(torch.int8)
    angles = torch.full((2,), math.pi / 2)
    turned, turned_labels = rotated(images, angles), rotated(labels, angles)
    assert torch.allclose(turned, images.rot90(1, (2, 3)), atol=1e-5)
    assert torch.equal(turned_labels, labels.rot90(1, (1, 2))) and turned_labels.dtype == torch.int8


def test_an_image_and_its_labels_turn_together(cohort):
    batch = Streams(data(cohort), 3, 0, rotation=90).at(0)
    dark, ring = batch["labelled_image"][:, 0] < -0.4, batch["labelled_label"] == 1  # the ring alone is that dark
    assert (dark & ring).sum() > 0.8 * (dark | ring).sum()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: replace(c, labels=None), "has no labels"),
        (lambda c: replace(c, labels=c.labels + 5), r"unknown labels \[5, 6, 7\], expected -1 \(unknown\) to 2"),
        (lambda c: replace(c, labels=c.labels[:, :, :9]), r"labels have the shape \(12, 48, 9\), expected"),
        (lambda c: replace(c, images=c.images * 255), r"expected finite values in 0\.\.1"),
        (lambda c: replace(c, images=c.images[..., :32]), r"\(12, 1, 48, 32\), expected \(images, 1, 48, 48\)"),
        (lambda c: replace(c, labels=np.full_like(c.labels, -1)), "image 0 is to be labelled but has no labels"),
    ],
)
def test_data_that_do_not_fit_are_refused(cohort, change, message):
    with pytest.raises(ValueError, match=message):
        data(change(cohort))


@pytest.mark.parametrize(
    ("labelled", "message"),
    [((), "0 images are labelled"), ((3,), "1 images"), ((0, 12), r"0\.\.12, expected 0\.\.11")],
)
def test_too_few_or_absent_rows_are_refused(cohort, labelled, message):
    with pytest.raises(ValueError, match=message):
        data(cohort, labelled=np.array(labelled, int))
    with pytest.raises(ValueError, match="expected one for each of 12 images"):
        data(cohort, labelled=np.ones(5, bool))


def test_a_person_in_training_and_validation_is_refused(cohort):
    with pytest.raises(ValueError, match="6 people are in training and in validation, such as 'p0'"):
        validation_tensors(cohort, discs(seed=1), 2, SIDE)
    assert validation_tensors(cohort, discs(seed=1, first_person=50), 2, SIDE)["labelled_image"].shape[0] == 12


@pytest.mark.parametrize(
    "rows, message",
    [
        (np.arange(12) % 2, "12 zeros and ones"),
        (np.array([True, False] * 6, object), "type object"),
        (np.array([0.0, 1.0, 2.5]), "type float64"),
    ],
)
def test_flags_that_would_pass_for_row_numbers_are_refused(cohort, rows, message):
    with pytest.raises(ValueError, match=f"labelled: .*{message}"):
        data(cohort, labelled=rows)
