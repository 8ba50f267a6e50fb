"""FiLM decoders: published size, what modulation can do, and how far a pixel sees."""

import pytest
import torch

from disentangle.networks.autoencoder import count_parameters
from disentangle.networks.film import ConcatenationDecoder, FiLMBlock, FiLMDecoder, film


def test_the_published_decoder_has_6409_parameters():
    with torch.device("meta"):
        assert count_parameters(FiLMDecoder(8, 8)) == 6_409


def test_gamma_1_and_beta_0_change_nothing():
    maps = torch.randn(3, 4, 5, 5)
    assert torch.equal(film(maps, torch.ones(3, 4), torch.zeros(3, 4)), maps)


def test_modulation_scales_and_shifts_each_channel_of_each_image():
    maps, gamma, beta = torch.randn(2, 3, 4, 4), torch.randn(2, 3), torch.randn(2, 3)
    expected = torch.stack([torch.stack([gamma[i, c] * maps[i, c] + beta[i, c] for c in range(3)]) for i in range(2)])
    assert torch.allclose(film(maps, gamma, beta), expected)


def test_a_block_whose_modulation_is_the_identity_is_a_plain_residual_block():
    block = FiLMBlock(3, 3, 2)
    last = block.modulation[-1]
    torch.nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias.copy_(torch.tensor([1.0, 1, 1, 0, 0, 0]))  # gamma first, then beta
    maps = torch.randn(2, 3, 6, 6)
    start = block.activation(block.first(maps))
    assert torch.allclose(block(maps, torch.randn(2, 2)), start + block.activation(block.second(start)))


@pytest.mark.parametrize("decoder", [FiLMDecoder, ConcatenationDecoder])
def test_images_lie_between_minus_1_and_1_and_follow_the_vector(decoder):
    drawn = decoder(4, 3)(torch.rand(2, 4, 16, 16), torch.tensor([[5.0, -5, 5], [-5, 5, 0]]))
    assert drawn.shape == (2, 1, 16, 16) and drawn.abs().max() <= 1
    assert not torch.allclose(drawn[0], drawn[1])


@pytest.mark.parametrize("decoder", [FiLMDecoder, ConcatenationDecoder])
def test_a_pixel_sees_19_by_19_pixels(decoder):
    maps = torch.rand(1, 4, 41, 41, requires_grad=True)
    decoder(4, 3)(maps, torch.full((1, 3), 2.0))[0, 0, 20, 20].backward()
    rows, columns = maps.grad[0].abs().sum(0).nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (11, 29, 11, 29)
