"""The U-Net: its published size, its shapes, and how its weights begin."""

import math

import pytest
import torch
from torch import nn

from disentangle.networks.autoencoder import count_parameters
from disentangle.networks.unet import UNet


def test_the_published_anatomy_encoder_has_34_5_million_parameters():
    with torch.device("meta"):
        assert count_parameters(UNet(1, 8)) == 34_526_344


@pytest.mark.parametrize("size", [(48, 48), (32, 80)])
def test_images_keep_their_size(size):
    assert UNet(1, 5, base=2)(torch.rand(2, 1, *size)).shape == (2, 5, *size)


def test_sides_that_cannot_be_halved_four_times_are_refused():
    with pytest.raises(ValueError, match=r"\(40, 48\), expected both sides divisible by 16"):
        UNet(1, 2, base=2)(torch.rand(1, 1, 40, 48))


def test_the_skip_at_full_size_carries_what_the_bottleneck_cannot():
    net = UNet(1, 1, base=2).eval()
    image = torch.zeros(1, 1, 32, 32)
    image[..., 16, 16] = 1
    changed = (net(image) - net(torch.zeros_like(image))).abs()[0, 0]
    assert changed[14:19, 14:19].max() > 0
    assert changed[16, 16] > 0


def test_weights_begin_glorot_uniform_with_zero_bias():
    for conv in [part for part in UNet(1, 3, base=8).modules() if isinstance(part, nn.Conv2d)]:
        bound = math.sqrt(6 / (conv.weight[0].numel() + conv.weight[:, 0].numel()))
        assert 0.8 * bound < conv.weight.abs().max() <= bound
        assert not conv.bias.any()
