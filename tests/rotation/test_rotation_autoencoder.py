"""The patch autoencoder on drawn stripes: what is learned, kept and refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from disentangle.device import seeded
from disentangle.rotation.config import PRESETS, AutoencoderConfig
from disentangle.rotation.model import Autoencoder, turned
from disentangle.rotation.train import decode, detail, encode, fit, reconstruct, unexplained

CONFIG = AutoencoderConfig(latent=8, base=8).with_training(
    steps=80, batch_size=32, learning_rate=1e-2, device="cpu", precision="32", validate_every=40
)


def stripes(count: int = 96, seed: int = 0) -> np.ndarray:
    """Stripes of random grey level and contrast, level or upright, (image, 1, 32, 32) in 0..1."""
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(32) * 2 * np.pi / 8)
    images = np.where(rng.random((count, 1, 1)) < 0.5, wave[None, None], wave[None, :, None])
    images = rng.uniform(0.3, 0.7, (count, 1, 1)) + rng.uniform(0.05, 0.25, (count, 1, 1)) * images
    return images[:, None].astype(np.float32)


@pytest.fixture(scope="module")
def fitted():
    return fit(stripes(), CONFIG, 0, validation=stripes(32, 1))


def test_training_explains_unseen_images(fitted):
    untrained = fit(stripes(), CONFIG.with_training(steps=1), 0, cache=False)
    unseen = stripes(32, 1)
    assert unexplained(untrained, unseen) > 0.7
    assert unexplained(fitted, unseen) < 0.5
    assert fitted.fit_seconds > 0 and fitted.history.frame()["validation"].notna().sum() == 2


def test_the_loss_counts_in_the_variance_of_the_images():
    """A network that draws the mean grey value leaves exactly 1."""
    images = torch.from_numpy(stripes(400))
    model = Autoencoder(CONFIG).eval()
    model.measure(images)
    for parameter in (*model.decoder[-1].parameters(), *model.texture.parameters()):
        torch.nn.init.zeros_(parameter)
    terms = model.losses(model.batch_of(images), 0, "model")
    assert terms["pixel"].item() == pytest.approx(1, abs=1e-3)
    assert terms["texture"].item() == pytest.approx(1, abs=1e-3)


def test_an_equal_fit_comes_from_the_cache_and_an_uncached_one_is_equal(fitted):
    again = fit(stripes(), CONFIG, 0, validation=stripes(32, 1))
    assert again.from_cache and again.fit_seconds == fitted.fit_seconds
    anew = fit(stripes(), CONFIG, 0, validation=stripes(32, 1), cache=False)
    for other in (again, anew):
        assert np.array_equal(encode(other, stripes()), encode(fitted, stripes()))


def test_data_seed_and_settings_each_change_what_is_found(fitted):
    short = CONFIG.with_training(steps=2)
    fit(stripes(), short, 0)
    assert not fit(stripes(), short, 1).from_cache
    assert not fit(stripes()[::-1], short, 0).from_cache
    assert not fit(stripes(), replace(short, texture_weight=0.0), 0).from_cache
    assert fit(stripes(), short, 0).from_cache


def test_latents_and_images_map_both_ways(fitted):
    latents = encode(fitted, stripes(7))
    assert latents.shape == (7, 8) and latents.dtype == np.float32
    drawn = decode(fitted, latents)
    assert drawn.shape == (7, 1, 32, 32) and 0 <= drawn.min() and drawn.max() <= 1
    assert np.array_equal(drawn, reconstruct(fitted, stripes(7)))


def test_white_noise_has_the_energy_that_boxes_leave_of_it():
    """A 3x3 mean takes 1/9 of the variance of white noise out of what it smooths: 1 - 2/9 + 1/9 = 8/9 remain."""
    model = Autoencoder(CONFIG)
    model.spread.fill_(0.1)
    with seeded("noise"):
        noise = 0.1 * torch.randn(200, 1, 32, 32)
    fine = model.log_energy(noise).exp().mean(0)
    assert fine[0].item() == pytest.approx(8 / 9, rel=0.03)  # the mirrored edge adds 2 %
    assert fine[0] > fine[1] > fine[2]
    louder = model.log_energy(3 * noise).exp().mean(0)
    assert louder[0].item() == pytest.approx(9 * fine[0].item(), rel=0.01)


def noisy(level: np.ndarray, seed: int) -> np.ndarray:
    """The same blobs under noise of the given standard deviations, (image, 1, 32, 32)."""
    rng = np.random.default_rng(seed)
    blobs = np.kron(rng.uniform(0.3, 0.7, (len(level), 4, 4)), np.ones((8, 8)))
    images = blobs + level[:, None, None] * rng.standard_normal(blobs.shape)
    return images[:, None].clip(0, 1).astype(np.float32)


def test_the_latent_holds_how_much_noise_there_is_only_with_the_texture_term():
    """Pixels alone leave noise out: no small vector can reproduce it."""
    level = np.random.default_rng(5).uniform(0.01, 0.1, 300)
    train, test = noisy(level[:200], 0), noisy(level[200:], 1)
    config = replace(CONFIG, latent=16).with_training(steps=120)
    model = fit(train, config, 0)
    found = detail(model, encode(model, test))[:, 0]
    assert found.shape == (100,) and np.corrcoef(found, level[200:])[0, 1] > 0.9

    def read(weight: float) -> float:
        """How well a line reads the noise from latents."""
        fitted = fit(train, replace(config, texture_weight=weight), 0)
        x, y = (np.column_stack([encode(fitted, images), np.ones(len(images))]) for images in (train, test))
        return float(np.corrcoef(y @ np.linalg.lstsq(x, level[:200], rcond=None)[0], level[200:])[0, 1])

    assert read(1.0) > read(0.0) + 0.2


def test_the_eight_turns_are_all_symmetries_of_a_square():
    with seeded("turns"):
        image = torch.rand(1, 1, 32, 32)
    views = [turned(image, number) for number in range(8)]
    assert torch.equal(views[0], image)
    assert len({view.numpy().tobytes() for view in views}) == 8
    energy = [Autoencoder(CONFIG).log_energy(view) for view in views]
    assert all(torch.allclose(found, energy[0], atol=1e-5) for found in energy)


@pytest.mark.parametrize("profile", list(PRESETS))
def test_the_network_of_every_profile_keeps_shapes(profile):
    config = PRESETS[profile]
    with torch.device("meta"):
        model = Autoencoder(config).eval()
        latents = model.encode(torch.zeros(2, 1, 32, 32))
        assert latents.shape == (2, config.latent) and model.decode(latents).shape == (2, 1, 32, 32)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 32, 32)), r"\(4, 32, 32\), expected \(images, 1, 32, 32\)"),
        (np.zeros((0, 1, 32, 32)), r"\(0, 1, 32, 32\)"),
        (np.full((4, 1, 32, 32), -950.0), r"-950\.\.-950, expected finite values in 0\.\.1"),
        (np.full((4, 1, 32, 32), np.nan), "nan"),
    ],
)
def test_wrong_images_are_refused_with_what_was_found(images, message):
    with pytest.raises(ValueError, match=message):
        fit(images, CONFIG, 0)


def test_latents_of_another_size_and_wrong_options_are_refused(fitted):
    with pytest.raises(ValueError, match=r"\(3, 5\), expected \(images, 8\)"):
        decode(fitted, np.zeros((3, 5)))
    with pytest.raises(ValueError, match="latent 1"):
        AutoencoderConfig(latent=1)
