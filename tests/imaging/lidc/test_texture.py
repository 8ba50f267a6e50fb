"""Draws by hash, Gaussian filters by cosines and distances, against published numbers and scipy."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.special
import scipy.stats
import torch

from disentangle.imaging.lidc import texture

KEYS = texture.join(7, torch.arange(400))


def test_scramble_gives_the_published_first_numbers_of_splitmix64():
    golden = texture._signed(0x9E3779B97F4A7C15)
    state = torch.tensor([1234567]) + torch.arange(1, 6) * golden
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert [int(value) % 2**64 for value in texture.scramble(state)] == expected


def test_uniform_draws_are_uniform_and_stay_inside_their_bounds():
    draws = texture.uniform(KEYS, "here", 2.0, 5.0, count=50).flatten()
    assert draws.min() >= 2 and draws.max() <= 5
    assert scipy.stats.kstest(draws, scipy.stats.uniform(2, 3).cdf).pvalue > 0.01


def test_normal_draws_are_normal():
    draws = texture.normal(KEYS, "here", -860.0, 30.0, count=50).flatten()
    assert scipy.stats.kstest(draws, scipy.stats.norm(-860, 30).cdf).pvalue > 0.01


def test_draws_belong_to_key_and_name_and_not_to_the_batch():
    alone = texture.uniform(KEYS[17:18], "vessel", count=3)
    assert torch.equal(alone, texture.uniform(KEYS, "vessel", count=3)[17:18])
    correlation = np.corrcoef(texture.uniform(KEYS, "vessel"), texture.uniform(KEYS, "wall"))[0, 1]
    assert abs(correlation) < 0.15


def test_white_spectrum_gives_white_normal_noise_of_unit_variance():
    noise = texture.to_image(texture.white_spectrum(KEYS[:50], "noise", 64))
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert scipy.stats.kurtosis(noise.flatten()) == pytest.approx(0, abs=0.05)
    assert np.corrcoef(noise[:, :, 1:].flatten(), noise[:, :, :-1].flatten())[0, 1] == pytest.approx(0, abs=0.01)


def test_drifting_noise_is_alike_nearby_foreign_far_off_and_of_one_variance():
    at = {z: texture.drifting_spectrum(KEYS[:20], "x", torch.full((20,), z), 4.0, 64) for z in (1.0, 1.5, 30.0)}
    near, far = (np.corrcoef(at[1.0].flatten(), at[z].flatten())[0, 1] for z in (1.5, 30.0))
    assert near > 0.95 and abs(far) < 0.02
    assert all(field.std() == pytest.approx(1, abs=0.01) for field in at.values())


@pytest.mark.parametrize("sigma", [0.5, 2.5, 4.0])
def test_gaussian_filter_is_the_discrete_gaussian_of_bessel_functions_with_mirrored_borders(sigma):
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32))
    kernel = scipy.special.ive(np.abs(np.arange(-63, 64)), sigma**2)
    expected = scipy.ndimage.convolve1d(scipy.ndimage.convolve1d(image, kernel, 0), kernel, 1)
    assert np.allclose(texture.gaussian_filter(image[None], torch.tensor([sigma]))[0], expected, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.0, 0.4, 0.7, 1.3])
def test_gaussian_filter_has_its_variance_even_below_a_pixel(sigma):
    dot = torch.zeros(1, 64, 64)
    dot[0, 32, 32] = 1
    profile = texture.gaussian_filter(dot, torch.tensor([sigma]))[0].sum(0).double()
    place = torch.arange(64) - 32
    assert profile.sum() == pytest.approx(1, abs=1e-5)
    assert (profile * place**2).sum() == pytest.approx(sigma**2, abs=1e-3)


def test_fields_vary_as_much_at_the_border_as_in_the_middle():
    transfer = texture.gaussian_transfer(torch.tensor([3.0]), 64)
    fields = texture.field(texture.white_spectrum(KEYS, "x", 64), transfer)
    assert fields.std() == pytest.approx(1, abs=0.02)
    assert fields[:, 0, :].std() == pytest.approx(1, abs=0.05)


def test_depth_equals_scipys_distance_transform():
    inside = np.random.default_rng(1).random((3, 32, 32)) < 0.9
    inside[2] = True
    for mine, mask in zip(texture.depth(torch.from_numpy(inside)), inside, strict=True):
        assert np.allclose(mine, scipy.ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1], atol=1e-5)
