"""Both sequences of a pair move together, and their intensities apart."""

from dataclasses import replace

import pytest
import torch

from disentangle.anatomy_uad.augment import augmented, plain, random_curves
from disentangle.anatomy_uad.config import Augmentation
from disentangle.anatomy_uad.data import training_tensors

GEOMETRY = Augmentation(gamma=1.0, contrast=0.0, randomised=0.0, bias=0.0, noise=0.0, blur=0.0)
NOTHING = replace(GEOMETRY, rotation=0.0, scale=0.0, shift=0.0, flip=False)


@pytest.fixture(scope="module")
def batch(heads):
    return training_tensors(heads[0], None)[0]


def test_no_augmentation_changes_nothing(batch):
    found, expected = augmented(batch, NOTHING), plain(batch)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=0)


def test_both_sequences_and_the_prior_turn_together(batch):
    same = batch | {"image": batch["prior"].repeat(1, 2, 1, 1)}
    torch.manual_seed(0)
    found = augmented(same, GEOMETRY)
    assert (found.image[:, 0] - batch["prior"][:, 0]).abs().max() > 0.1
    torch.testing.assert_close(found.image[:, 0], found.image[:, 1])
    torch.testing.assert_close(found.image[:, :1], found.prior, atol=2e-5, rtol=0)


def test_intensities_change_in_each_sequence_by_itself(batch):
    same = batch | {"image": batch["prior"].repeat(1, 2, 1, 1)}
    found = augmented(same, replace(NOTHING, gamma=1.5))
    assert (found.target[:, 0] - found.target[:, 1]).abs().amax((1, 2)).min() > 1e-3


def test_noise_and_bias_are_in_the_input_alone(batch):
    found = augmented(batch, replace(NOTHING, noise=0.1, bias=0.1))
    torch.testing.assert_close(found.target, batch["image"], atol=2e-5, rtol=0)
    assert (found.image - found.target).abs().mean() > 1e-3


def test_default_views_are_black_outside_their_own_brain(batch):
    view = augmented(batch, Augmentation())
    for maps in (view.image, view.target, view.prior):
        assert not (maps * (1 - view.brain)).any()
        assert 0 <= maps.min() and maps.max() <= 1


def test_a_random_curve_is_a_function_of_the_grey_value_onto_the_whole_range():
    values = torch.linspace(0, 1, 81).view(1, 1, 9, 9).repeat(30, 1, 1, 1)
    found = random_curves(values).flatten(1)
    torch.testing.assert_close(found.amin(1), torch.zeros(30))
    torch.testing.assert_close(found.amax(1), torch.ones(30))
    rises = (found.diff(dim=1) >= -1e-6).all(1)
    falls = (found.diff(dim=1) <= 1e-6).all(1)
    assert rises.any() and falls.any() and not (rises | falls).all()
    doubled = torch.cat([values[:1], values[:1].flip(-1)], 2)
    curve = random_curves(doubled)
    torch.testing.assert_close(curve[..., :9, :], curve[..., 9:, :].flip(-1))
