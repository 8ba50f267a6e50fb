"""The mask discriminator: published size, least-squares losses, and what restrains its weights."""

import pytest
import torch
from torch import nn

from disentangle.networks.autoencoder import count_parameters
from disentangle.networks.discriminator import (
    MaskDiscriminator,
    lsgan_discriminator_loss,
    lsgan_generator_loss,
    spectral_penalty,
    target_of,
)


def test_the_published_discriminator_has_11_35_million_parameters():
    with torch.device("meta"):
        net = MaskDiscriminator(3, 224)
    assert net.head.in_features == 14 * 14 * 1024 == 200_704
    assert count_parameters(net) == 11_346_881


@pytest.mark.parametrize("head", ["flatten", "mean"])
@pytest.mark.parametrize("spectral", [True, False])
def test_masks_become_one_score_each(head, spectral):
    assert MaskDiscriminator(3, 48, 2, head, spectral)(torch.rand(5, 3, 48, 48)).shape == (5,)


def test_averaging_places_takes_masks_of_any_side():
    net = MaskDiscriminator(3, 48, 2, "mean")
    assert net(torch.rand(2, 3, 96, 96)).shape == (2,)


def test_a_side_that_cannot_be_halved_four_times_is_refused():
    with pytest.raises(ValueError, match="side 40, expected a multiple of 16"):
        MaskDiscriminator(3, 40)


def test_losses_are_those_of_least_squares():
    zeros, ones = torch.zeros(4), torch.ones(4)
    assert lsgan_discriminator_loss(ones, zeros) == 0 and lsgan_discriminator_loss(zeros, ones) == 2
    assert lsgan_generator_loss(ones) == 0 and lsgan_generator_loss(zeros) == 1
    real, fake = torch.tensor([0.5, 2.0]), torch.tensor([-1.0, 0.5])
    assert lsgan_discriminator_loss(real, fake).item() == pytest.approx((0.25 + 1) / 2 + (1 + 0.25) / 2)
    assert lsgan_generator_loss(fake).item() == pytest.approx((4 + 0.25) / 2)


def test_the_least_squares_losses_are_also_monais():
    losses = pytest.importorskip("monai.losses")
    monai = losses.PatchAdversarialLoss(criterion="least_squares")
    real, fake = torch.randn(6, 1, 1, 1), torch.randn(6, 1, 1, 1)
    both = monai(real, True, True) + monai(fake, False, True)
    # MONAI passes scores through a leaky ReLU of slope 0.05 first.
    bent = [nn.functional.leaky_relu(scores, 0.05).flatten() for scores in (real, fake)]
    assert lsgan_discriminator_loss(*bent).item() == pytest.approx(both.item(), rel=1e-5)


def test_spectral_normalisation_holds_four_layers_at_one_and_leaves_the_first_free():
    torch.manual_seed(0)
    net = MaskDiscriminator(3, 32, 4, spectral=True)
    for _ in range(30):
        net(torch.rand(2, 3, 32, 32))
    norms = [torch.linalg.matrix_norm(conv.weight.detach().flatten(1), 2) for conv in net.middle]
    assert len(norms) == 4 and torch.allclose(torch.stack(norms), torch.ones(4), atol=0.05)
    assert isinstance(net.layers[0], nn.Conv2d) and not hasattr(net.layers[0], "parametrizations")


def test_the_released_penalty_is_zero_for_a_largest_singular_value_of_one():
    conv = nn.Conv2d(2, 3, 4, bias=False)
    sigma = torch.linalg.matrix_norm(conv.weight.detach().flatten(1), 2)
    assert torch.allclose(target_of(conv.weight, 200), conv.weight / sigma, atol=1e-5)
    assert spectral_penalty([conv], 200).item() == pytest.approx(
        ((1 / sigma - 1).abs() * conv.weight.abs().mean()).item(), rel=1e-4
    )
    with torch.no_grad():
        conv.weight /= sigma
    assert spectral_penalty([conv], 200) < 1e-5


def test_the_penalty_pulls_weights_towards_that_size():
    conv = nn.Conv2d(2, 3, 4, bias=False)
    with torch.no_grad():
        conv.weight *= 10
    spectral_penalty([conv], 50).backward()
    assert (conv.weight.grad.sign() == conv.weight.sign()).all()  # descent shrinks them
