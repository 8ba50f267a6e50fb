"""The autoencoders: published sizes, posteriors, and which way the loss pulls."""

from dataclasses import replace

import pytest
import torch
from torch.distributions import Dirichlet

from disentangle.device import seeded
from disentangle.lesion_vae.config import PRESETS, VAEConfig
from disentangle.lesion_vae.model import CONCENTRATION_RANGE, VAE
from disentangle.networks.autoencoder import count_parameters

SMALL = VAEConfig(latent=6, base=2)


def model(**changes) -> VAE:
    with seeded("model"):
        return VAE(replace(SMALL, **changes))


def images(count: int = 5) -> torch.Tensor:
    with seeded("images"):
        return torch.rand(count, 1, 64, 64)


@pytest.mark.parametrize(
    ("base", "multiplier", "count"),
    [(128, 16, 310_337_025), (128, 4, 291_459_585), (64, 8, 74_443_521), (32, 8, 18_613_633)],
)
def test_the_published_network_has_the_published_number_of_parameters(base, multiplier, count):
    config = replace(PRESETS["paper"], base=base, latent=multiplier * base)
    with torch.device("meta"):
        assert count_parameters(VAE(config)) == count


def test_the_paper_preset_is_the_published_network():
    with torch.device("meta"):
        assert count_parameters(VAE(PRESETS["paper"])) == 310_337_025


@pytest.mark.parametrize("blocks", ["paper", "compact"])
@pytest.mark.parametrize("prior", ["gaussian", "dirichlet", "none"])
def test_images_come_back_in_range_with_a_latent_each(prior, blocks):
    drawn, posterior = model(prior=prior, blocks=blocks)(images())
    assert drawn.shape == (5, 1, 64, 64) and 0 <= drawn.min() and drawn.max() <= 1
    assert posterior.mean.shape == (5, 6)


def test_a_dirichlet_latent_is_the_mean_on_the_simplex():
    posterior = model(prior="dirichlet").encode(images())
    assert torch.allclose(posterior.mean, Dirichlet(posterior.concentration).mean)
    low, high = CONCENTRATION_RANGE
    assert low <= posterior.concentration.min() and posterior.concentration.max() <= high


@pytest.mark.parametrize("prior", ["gaussian", "dirichlet"])
def test_training_draws_and_evaluation_does_not(prior):
    vae, x = model(prior=prior), images()
    vae.train()
    assert not torch.equal(vae(x)[0], vae(x)[0])
    vae.eval()
    assert torch.equal(vae(x)[0], vae(x)[0])


def test_the_plain_autoencoder_has_no_divergence_and_no_noise():
    vae, x = model(prior="none"), images()
    assert vae.kl(vae.encode(x)).tolist() == [0] * 5
    assert torch.equal(vae(x)[0], vae(x)[0])


def test_the_loss_is_the_documented_sum():
    vae = model(pixel_weight=0.25, beta=3.0).eval()
    terms = {name: float(value.detach()) for name, value in vae.validation_losses({"image": images()}).items()}
    mix = 0.25 * terms["pixel"] + 0.75 * (1 - terms["similarity"])
    assert terms["mix"] == pytest.approx(mix, rel=1e-5)
    assert terms["loss"] == pytest.approx(mix + 3 * terms["kl"] / 4096, rel=1e-5)


def test_beta_warms_up_over_the_first_fifth():
    vae, batch = model(beta=1.0), {"image": images()}
    vae.eval()
    fifth = int(0.2 * vae.config.training.steps)

    def weight(step: int) -> float:
        terms = vae.losses(batch, step, "model")
        return float(((terms["loss"] - terms["mix"]) / terms["kl"] * 4096).detach())

    assert [weight(step) for step in (0, fifth // 2, fifth, 5 * fifth)] == pytest.approx([0, 0.5, 1, 1], abs=1e-2)


@pytest.mark.parametrize("sampler", ["pathwise", "inverse_cdf", "laplace"])
@pytest.mark.parametrize("kl", ["elbo", "reversed"])
def test_every_dirichlet_option_trains_with_finite_gradients(sampler, kl):
    vae = model(prior="dirichlet", sampler=sampler, kl=kl).train()
    vae.losses({"image": images()}, 10**6, "model")["loss"].backward()
    gradients = [p.grad for p in vae.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients)


def test_collapsed_concentrations_still_train():
    vae = model(prior="dirichlet").train()
    with torch.no_grad():
        vae.head[-1].bias.fill_(-50.0)  # softplus gives 2e-22, far below the clamp
    vae.losses({"image": images()}, 10**6, "model")["loss"].backward()
    assert all(p.grad.isfinite().all() for p in vae.parameters() if p.grad is not None)


def test_a_batch_of_one_keeps_its_batch_axis():
    vae = model(prior="dirichlet").eval()
    assert vae(images(1))[0].shape == (1, 1, 64, 64)


def test_an_untrained_decoder_starts_at_the_level_of_the_data():
    vae = model().eval()
    vae.start_at(0.05)
    assert float(vae.decode(torch.zeros(4, 6)).mean().detach()) == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize(
    ("field", "value"),
    [("prior", "beta"), ("blocks", "large"), ("kl", "forward"), ("image_size", 32), ("beta", -1.0), ("latent", 1)],
)
def test_impossible_settings_are_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        VAEConfig(**{field: value})
