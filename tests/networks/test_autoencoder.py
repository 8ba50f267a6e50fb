"""Shapes of the encoders and decoders, and what the compact ones are for."""

import pytest
import torch

from disentangle.networks import autoencoder
from disentangle.networks.blocks import FullyConnectedBlock, conv_block, resize_block, transposed_block


@pytest.mark.parametrize("blocks", ["paper", "compact"])
@pytest.mark.parametrize("channels", [1, 2])
def test_images_become_features_and_images_again(blocks, channels):
    encoder = getattr(autoencoder, f"{blocks}_encoder")(channels, 2)
    decoder = getattr(autoencoder, f"{blocks}_decoder")(5, channels, 2)
    assert encoder(torch.rand(3, channels, 64, 64)).shape == (3, autoencoder.feature_count(blocks, 2))
    drawn = decoder(torch.randn(3, 5))
    assert drawn.shape == (3, channels, 64, 64) and 0 <= drawn.min() and drawn.max() <= 1


def test_flattening_and_back_is_the_identity():
    maps = torch.rand(2, 3, 8, 8)
    there = autoencoder.FlattenChannelsLast()(maps)
    assert torch.equal(autoencoder.UnflattenChannelsLast(3, 8)(there), maps)


@pytest.mark.parametrize(("block", "side"), [(conv_block, 8), (transposed_block, 16), (resize_block, 16)])
def test_blocks_keep_or_double_the_side(block, side):
    assert block(3, 4)(torch.rand(2, 3, 8, 8)).shape == (2, 4, side, side)


def test_a_block_normalises_last():
    maps = conv_block(1, 4)(torch.rand(8, 1, 16, 16))
    assert maps.mean((0, 2, 3)).abs().max() < 1e-5


def test_a_fully_connected_block_activates_last():
    assert FullyConnectedBlock(3, 4)(torch.randn(50, 3)).min() >= -0.171  # the minimum of GELU


def test_counting_needs_no_memory():
    with torch.device("meta"):
        assert autoencoder.count_parameters(torch.nn.Linear(10**6, 10**6)) == 10**12 + 10**6
