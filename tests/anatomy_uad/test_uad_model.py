"""The networks: one-hot with a gradient, a vector without places, codes that know anatomy alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from disentangle.anatomy_uad.losses import consistency, dissimilarity, l1, masked_mean, similarity
from disentangle.anatomy_uad.model import ModalityExtractor, differentiable_one_hot
from disentangle.anatomy_uad.objective import dropped_edges, level_image, stacked
from disentangle.anatomy_uad.train import new_model


@pytest.fixture(scope="module")
def model(small):
    model = new_model(small, 0)
    model.levels.copy_(torch.tensor([0.29, 0.48, 0.72]))
    return model


@pytest.fixture(scope="module")
def images(heads):
    return torch.from_numpy(heads[0].first.images[:4])[:, None], torch.from_numpy(heads[0].first.brain[:4])[
        :, None
    ].float()


def test_the_one_hot_is_exact_and_its_gradient_is_the_softmaxs():
    logits = torch.randn(2, 3, 5, 5, requires_grad=True)
    weights = torch.randn(2, 3, 5, 5)
    found = differentiable_one_hot(logits, 0.5)
    torch.testing.assert_close(found.detach(), F.one_hot(logits.argmax(1), 3).movedim(-1, 1).float())
    (gradient,) = torch.autograd.grad((found * weights).sum(), logits)
    (expected,) = torch.autograd.grad(((logits / 0.5).softmax(1) * weights).sum(), logits)
    torch.testing.assert_close(gradient, expected)


def test_the_anatomical_image_has_the_three_levels_inside_and_zero_outside(model, images):
    found = model.anatomy(*images).image
    values = found[images[1] > 0].unique()
    assert torch.isin(values, model.levels).all()
    assert not found[images[1] == 0].any()


def test_the_extractor_learns_through_the_one_hot(model, images):
    model.zero_grad()
    l1(model.anatomy(*images).image, images[0], images[1]).backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.extractor.parameters())
    assert model.extractor.unet.head.weight.grad.abs().sum() > 0
    model.zero_grad()


def test_shapes_of_code_vector_and_image(model, images, small):
    x, brain = images
    code = model.code(model.anatomy(x, brain).image)
    assert code.shape == (4, small.code_channels, x.shape[2] // small.stem, x.shape[3] // small.stem)
    z = model.modality(x, brain)
    assert z.shape == (4, small.modality_size)
    drawn = model.combine(code, z, brain)
    assert drawn.shape == x.shape and not drawn[brain == 0].any() and 0 <= drawn.min() and drawn.max() <= 1


def test_edges_lie_in_the_brain_and_carry_no_gradient(model, images):
    found = model.edges(model.anatomy(*images).image, images[1])
    assert not found.requires_grad
    assert set(found.unique().tolist()) == {0.0, 1.0}
    assert not found[images[1] == 0].any()


def test_the_pseudo_healthy_image_depends_on_the_input_through_edges_and_vector_alone(model, images):
    x, brain = images
    given = torch.zeros(4, 3)
    brighter = x * 0.9  # other grey values, other vector
    conditions = model.conditions(x, model.anatomy(x, brain).image, brain)
    drawn = model.combine(model.restored_code(conditions, brain), given, brain)
    torch.testing.assert_close(model.pseudo_healthy(x, brain, given), drawn)
    same_edges = torch.equal(model.edges(model.anatomy(brighter, brain).image, brain), conditions)
    equal = torch.equal(model.pseudo_healthy(brighter, brain, given), drawn)
    assert equal == same_edges


@pytest.mark.parametrize("kind", ["image", "anatomy"])
def test_the_arms_feed_the_restorer_with_more_than_edges(small, images, kind):
    arm = new_model(replace(small, restorer_input=kind), 0)
    arm.levels.copy_(torch.tensor([0.2, 0.5, 0.9]))
    anatomy = arm.anatomy(*images).image
    found = arm.conditions(images[0], anatomy, images[1])
    torch.testing.assert_close(found, images[0] if kind == "image" else anatomy.detach())
    assert dropped_edges(found, arm.config) is found


def test_trimming_leaves_out_the_places_of_the_largest_features():
    extractor = ModalityExtractor(3, 4).eval()
    x, brain = torch.rand(2, 1, 64, 64) * 0.2, torch.ones(2, 1, 64, 64)
    sick = x.clone()
    sick[..., 24:40, 24:40] = 4.0
    shift = [(extractor(sick, brain, trim) - extractor(x, brain, trim)).norm() for trim in (0.0, 0.6)]
    assert shift[1] < 0.7 * shift[0]


def test_the_vector_ignores_what_lies_outside_the_brain():
    extractor = ModalityExtractor(3, 4).eval()
    brain = torch.zeros(1, 1, 64, 64)
    brain[..., :16, :16] = 1
    dark = torch.zeros(1, 1, 64, 64)
    far = dark.clone()
    far[..., 56:, 56:] = 1
    torch.testing.assert_close(extractor(dark, brain), extractor(far, brain))


def test_dropped_edges_are_at_most_the_stated_part(small):
    edges = torch.ones(200, 1, 20, 20)
    kept = dropped_edges(edges, small).mean((1, 2, 3))
    assert 0.6 < kept.min() and abs(kept.mean() - 0.85) < 0.02


def test_stored_tissue_numbers_give_back_the_anatomical_image(model, images):
    found = model.anatomy(*images)
    numbers = ((found.logits.argmax(1, keepdim=True) + 1) * images[1]).to(torch.uint8)
    torch.testing.assert_close(level_image(numbers, model.levels), found.image.detach())


def test_stacking_puts_all_first_sequences_before_the_second():
    pairs = torch.arange(6.0).view(3, 2, 1, 1)
    assert stacked(pairs).flatten().tolist() == [0, 2, 4, 1, 3, 5]


def test_means_are_over_the_brain_alone():
    brain = torch.zeros(1, 1, 2, 2)
    brain[0, 0, 0] = 1
    values = torch.tensor([[[[1.0, 3.0], [100.0, 100.0]]]])
    assert masked_mean(values, brain) == 2
    assert masked_mean(values.repeat(1, 5, 1, 1), brain) == 2
    assert masked_mean(values, torch.zeros_like(brain)) == 0
    assert l1(values, values + 1, brain) == 1


def test_consistency_of_sure_and_equal_anatomies_is_zero_and_has_its_closed_form():
    labels = torch.randint(3, (1, 6, 6))
    sure = 40 * F.one_hot(labels, 3).movedim(-1, 1).float()
    image, brain = labels[:, None].float(), torch.ones(1, 1, 6, 6)
    assert consistency(image, image, (sure, sure), brain) < 1e-6
    even = torch.zeros(1, 3, 6, 6)  # cross-entropy log 3, of both
    value = consistency(image, image + 0.25, (even, even), brain)
    assert float(value) == pytest.approx(0.25 + np.log(3), rel=1e-5)


def test_equal_images_are_not_dissimilar(images):
    assert dissimilarity(images[0], images[0], images[1]).abs() < 1e-5
    assert dissimilarity(images[0], 1 - images[0], images[1]) > 0.5


def test_similarity_is_the_distance_to_the_prior_and_the_cross_entropy_with_its_nearest_level():
    levels, brain = torch.tensor([0.2, 0.5, 0.9]), torch.ones(1, 1, 1, 3)
    prior = torch.tensor([0.3, 0.6, 0.8]).view(1, 1, 1, 3)
    sure = 40 * torch.eye(3).view(1, 3, 1, 3)
    anatomy = levels.view(1, 1, 1, 3)
    assert float(similarity(anatomy, sure, prior, levels, brain)) == pytest.approx(0.1, abs=1e-5)
    even = torch.zeros(1, 3, 1, 3)
    assert float(similarity(anatomy, even, prior, levels, brain)) == pytest.approx(0.1 + np.log(3), rel=1e-5)
