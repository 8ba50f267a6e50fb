"""Loss terms against torch's own divergences, Monte Carlo, scikit-image, a brute-force twin and published values."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch.distributions import Dirichlet, Normal, kl_divergence

from disentangle.device import seeded
from disentangle.lesion_vae import losses


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth images in 0..1 and noisy copies, (3, 1, 64, 64)."""
    with seeded("pair"):
        rough = torch.rand(3, 1, 9, 9)
        image = torch.nn.functional.interpolate(rough, size=(64, 64), mode="bicubic").clamp(0, 1)
        return image, (image + 0.1 * torch.randn_like(image)).clamp(0, 1)


def test_gaussian_kl_is_torchs():
    with seeded(0):
        mean, logvar = torch.randn(6, 4), torch.randn(6, 4)
    expected = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(0.0, 1.0)).sum(1)
    assert torch.allclose(losses.gaussian_kl(mean, logvar), expected, rtol=1e-5)


def test_dirichlet_kl_is_torchs_in_both_directions():
    with seeded(0):
        a = torch.rand(6, 5) * 3 + 0.05
    posterior, prior = Dirichlet(a), Dirichlet(torch.full((6, 5), 0.95))
    assert torch.allclose(losses.dirichlet_kl(a, 0.95), kl_divergence(posterior, prior), rtol=1e-4)
    assert torch.allclose(losses.dirichlet_kl(a, 0.95, "reversed"), kl_divergence(prior, posterior), rtol=1e-4)


def test_dirichlet_kl_is_what_monte_carlo_finds():
    a = torch.tensor([0.5, 1.5, 3.0])
    posterior, prior = Dirichlet(a), Dirichlet(torch.full((3,), 0.95))
    with seeded(0):
        z = posterior.sample((200_000,))
    expected = (posterior.log_prob(z) - prior.log_prob(z)).mean()
    assert losses.dirichlet_kl(a[None], 0.95).item() == pytest.approx(float(expected), rel=0.02)


@pytest.mark.parametrize(("value", "reversed_nats", "elbo_nats"), [(0.1, 529, 2736), (2.0, 115, 68)])
def test_the_two_directions_punish_differently_in_512_dimensions(value, reversed_nats, elbo_nats):
    a = torch.full((1, 512), value)
    assert losses.dirichlet_kl(a, 0.95, "reversed").item() == pytest.approx(reversed_nats, abs=0.6)
    assert losses.dirichlet_kl(a, 0.95, "elbo").item() == pytest.approx(elbo_nats, abs=0.6)


def test_kl_is_zero_at_the_prior():
    assert losses.gaussian_kl(torch.zeros(1, 7), torch.zeros(1, 7)).item() == 0
    assert losses.dirichlet_kl(torch.full((1, 7), 0.95), 0.95).item() == pytest.approx(0, abs=1e-5)


def test_ssim_is_scikit_images(pair):
    image, drawn = pair
    expected = [
        structural_similarity(
            x[0].numpy().astype(np.float64),
            y[0].numpy().astype(np.float64),
            win_size=7,
            use_sample_covariance=False,
            data_range=1.0,
        )
        for x, y in zip(image, drawn, strict=True)
    ]
    assert losses.ssim(image, drawn).numpy() == pytest.approx(np.array(expected), abs=1e-4)


def brute_ms_ssim(x: np.ndarray, y: np.ndarray, window: int = 3) -> float:
    """Windows visited one by one in double precision, scales by averaging four pixels."""
    result = 1.0
    for scale, exponent in enumerate(losses.SCALE_WEIGHTS):
        if scale:
            x, y = (v.reshape(len(v) // 2, 2, len(v) // 2, 2).mean((1, 3)) for v in (x, y))
        full, contrast = [], []
        for i in range(len(x) - window + 1):
            for j in range(len(x) - window + 1):
                a, b = (v[i : i + window, j : j + window].ravel() for v in (x, y))
                covariance = ((a - a.mean()) * (b - b.mean())).mean()
                cs = (2 * covariance + 0.03**2) / (a.var() + b.var() + 0.03**2)
                brightness = (2 * a.mean() * b.mean() + 0.01**2) / (a.mean() ** 2 + b.mean() ** 2 + 0.01**2)
                contrast.append(cs)
                full.append(cs * brightness)
        result *= float(np.mean(full if scale == 4 else contrast)) ** exponent
    return result


def test_ms_ssim_is_its_brute_force_twin(pair):
    image, drawn = (part[:1] for part in pair)
    expected = brute_ms_ssim(image[0, 0].double().numpy(), drawn[0, 0].double().numpy())
    assert losses.ms_ssim(image, drawn).item() == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("measure", [losses.ssim, losses.ms_ssim])
def test_similarity_of_an_image_with_itself_is_one(measure, pair):
    image, drawn = pair
    assert measure(image, image).tolist() == pytest.approx([1, 1, 1], abs=1e-4)
    assert (measure(image, drawn) < 0.95).all()


@pytest.mark.parametrize("measure", [losses.ssim, losses.ms_ssim])
def test_similarity_has_finite_gradients_on_black_and_inverted_images(measure, pair):
    for image in (torch.zeros(1, 1, 64, 64), pair[0][:1]):
        drawn = (1 - image).requires_grad_()
        measure(image, drawn).sum().backward()
        assert drawn.grad.isfinite().all()


def test_pixel_errors_are_means():
    zero, half = torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), 0.5)
    assert losses.pixel_error(zero, half, "l1").tolist() == [0.5, 0.5]
    assert losses.pixel_error(zero, half, "mse").tolist() == [0.25, 0.25]


def test_a_region_ignores_what_lies_outside(pair):
    image, _ = pair
    mask = torch.zeros(3, 64, 64, dtype=torch.bool)
    mask[:, 20:40, 20:40] = True
    weight = losses.region_weight(mask, dilation=2)
    far = image.clone()
    far[..., :4, :] = 0
    for measure in (losses.pixel_error, losses.ssim):
        kept = measure(image, far, weight=weight)
        assert torch.allclose(kept, measure(image, image, weight=weight), atol=1e-4)
        assert not torch.allclose(measure(image, far), measure(image, image), atol=1e-3)


def test_a_region_of_everything_changes_nothing(pair):
    image, drawn = pair
    weight = torch.ones(3, 1, 64, 64)
    for measure in (losses.pixel_error, losses.ssim, losses.ms_ssim):
        assert torch.allclose(measure(image, drawn, weight=weight), measure(image, drawn), atol=1e-5)


def test_the_region_is_the_mask_and_its_surroundings():
    mask = torch.zeros(1, 9, 9, dtype=torch.bool)
    mask[0, 4, 4] = True
    assert losses.region_weight(mask, 2).sum() == 25
