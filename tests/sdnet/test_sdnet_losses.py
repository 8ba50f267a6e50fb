"""Overlap, divergence and rounding against closed forms."""

import pytest
import torch

from disentangle.sdnet.losses import kl_nats, one_hot, pooled_dice_loss
from disentangle.sdnet.rest import Rests
from disentangle.sdnet.rounding import binarised, straight_through


def test_the_divergence_is_the_closed_form_of_two_gaussians():
    mean, logvar = torch.randn(5, 3), torch.randn(5, 3)
    expected = -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum(1).mean()
    assert kl_nats(mean, logvar).item() == pytest.approx(expected.item(), rel=1e-5)
    assert kl_nats(torch.zeros(2, 8), torch.zeros(2, 8)) == 0


def test_labels_become_masks_without_background_and_unknown_pixels_are_none():
    masks, known = one_hot(torch.tensor([[[0, 1], [2, -1]]], dtype=torch.int8), 2)
    assert masks.tolist() == [[[[0, 1], [0, 0]], [[0, 0], [1, 0]]]]
    assert known.tolist() == [[[[1, 1], [1, 0]]]]


@pytest.mark.parametrize(("released", "constant"), [(False, 0.1), (True, 0.2)])
def test_dice_is_pooled_over_classes_in_each_image(released, constant):
    torch.manual_seed(0)
    predicted, masks = torch.rand(3, 2, 4, 4), (torch.rand(3, 2, 4, 4) > 0.5).float()
    losses = []
    for p, m in zip(predicted, masks, strict=True):
        losses.append(1 - (2 * (p * m).sum() + constant) / (p.sum() + m.sum() + 0.1))
    found = pooled_dice_loss(predicted, masks, released=released)
    assert found.item() == pytest.approx((sum(losses) / 3).item(), rel=1e-5)


def test_empty_and_rightly_so_costs_nothing_and_minus_one_as_released():
    empty = torch.zeros(2, 3, 4, 4)
    assert pooled_dice_loss(empty, empty).item() == pytest.approx(0, abs=1e-6)
    assert pooled_dice_loss(empty, empty, released=True).item() == pytest.approx(-1)


def test_unknown_pixels_do_not_count():
    masks, known = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    masks[..., 0, 0], known[..., 1, 1] = 1, 0
    right = masks.clone()
    right[..., 1, 1] = 1
    assert pooled_dice_loss(right, masks, known) < 1e-6 < pooled_dice_loss(right, masks)


def test_the_straight_through_gradient_is_the_identity():
    soft = torch.rand(2, 3, 4, 4, requires_grad=True)
    weight = torch.randn(2, 3, 4, 4)
    hard = straight_through(soft, soft.detach().round())
    assert set(hard.unique().tolist()) <= {0.0, 1.0}
    (hard * weight).sum().backward()
    assert torch.equal(soft.grad, weight)


@pytest.mark.parametrize("kind", ["round", "argmax"])
def test_the_gradient_through_rounding_is_that_of_the_softmax(kind):
    logits, weight = torch.randn(2, 3, 4, 4, requires_grad=True), torch.randn(2, 3, 4, 4)
    (binarised(logits, kind) * weight).sum().backward()
    rounded, logits.grad = logits.grad, None
    (logits.softmax(1) * weight).sum().backward()
    assert torch.allclose(rounded, logits.grad)


def test_rounding_may_leave_a_pixel_on_no_channel_and_argmax_never_does():
    logits = torch.tensor([0.2, 0.1, 0.0])[None, :, None, None]
    assert binarised(logits, "round").flatten().tolist() == [0, 0, 0]
    assert binarised(logits, "argmax").flatten().tolist() == [1, 0, 0]
    halves = torch.zeros(1, 2, 1, 1)
    assert binarised(halves, "round").sum() == 0  # 0.5 rounds to the even 0, as in the release


def test_gumbel_noise_falls_with_the_share_of_probability_and_is_off_in_evaluation():
    torch.manual_seed(0)
    logits = torch.tensor([0.7, 0.2, 0.1]).log()[None, :, None, None].expand(1, 3, 100, 100)
    drawn = binarised(logits, "gumbel", temperature=1.0)
    assert torch.equal(drawn.sum(1), torch.ones(1, 100, 100))
    assert torch.allclose(drawn.mean((0, 2, 3)), torch.tensor([0.7, 0.2, 0.1]), atol=0.02)
    assert binarised(logits, "gumbel")[:, 0].min() == 1


def test_no_rounding_leaves_probabilities():
    logits = torch.randn(1, 3, 2, 2)
    assert torch.equal(binarised(logits, "none"), logits.softmax(1))


def test_a_group_that_rests_keeps_its_weights_and_its_last_terms():
    rests = Rests(3)
    assert [rests.at(step) for step in range(4)] == [False, True, True, False]
    assert rests.turn(5) == 1
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([weight], lr=1.0, fused=True)
    for step in range(3):
        optimizer.zero_grad()
        if rests.at(step):
            terms = rests.losses("unsupervised")
        else:
            terms = rests.remembered("unsupervised", {"loss": weight.sum(), "kl": weight.sum()})
        terms["loss"].backward()
        optimizer.step()
        assert set(terms) == {"loss", "kl"}
        # One step of Adam is as long as its rate; the two that follow move nothing.
        assert torch.allclose(weight, torch.full((2,), 0.0), atol=0.02)
