"""Samplers against moments known in closed form."""

import pytest
import torch

from disentangle.device import seeded
from disentangle.lesion_vae.samplers import DIRICHLET_SAMPLERS, gaussian, inverse_cdf, laplace, pathwise

CONCENTRATION = torch.tensor([0.3, 0.9, 1.5, 4.0])


def draws(sampler, concentration=CONCENTRATION, count=200_000, seed=0) -> torch.Tensor:
    with seeded(seed):
        return sampler(concentration.expand(count, -1))


def moments(a: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    total = a.sum()
    return a / total, a * (total - a) / (total**2 * (total + 1))


def test_gaussian_draws_have_their_mean_and_variance():
    mean, logvar = torch.tensor([-1.0, 2.0]), torch.tensor([0.5, -1.0])
    with seeded(0):
        z = gaussian(mean.expand(200_000, -1), logvar.expand(200_000, -1))
    assert torch.allclose(z.mean(0), mean, atol=0.01)
    assert torch.allclose(z.var(0), logvar.exp(), rtol=0.02)


def test_pathwise_draws_have_the_moments_of_the_dirichlet():
    z = draws(pathwise)
    mean, variance = moments(CONCENTRATION)
    assert torch.allclose(z.mean(0), mean, atol=2e-3)
    assert torch.allclose(z.var(0), variance, rtol=0.02)


def test_inverse_cdf_is_close_for_small_concentrations_and_off_for_large_ones():
    def ratios(a: torch.Tensor) -> torch.Tensor:
        return draws(inverse_cdf, a).var(0) / moments(a)[1]

    assert (ratios(torch.tensor([0.05, 0.1, 0.2])) > 0.95).all()
    assert (ratios(torch.tensor([2.0, 5.0, 10.0])) < 0.4).all()  # draws huddle around the mean


def test_laplace_is_close_for_large_concentrations():
    large = torch.tensor([5.0, 10.0, 20.0])
    z = draws(laplace, large)
    assert torch.allclose(z.mean(0), moments(large)[0], atol=0.01)


def test_laplace_log_ratios_have_the_published_mean_and_variance():
    a = torch.tensor([3.0, 3.0, 6.0])
    log = draws(laplace, a).log()
    ratio = log[:, 0] - log[:, 2]
    # 1/a (1 - 2/3) + (1/9)(1/3 + 1/3 + 1/6) for a = 3 and a = 6
    expected = (1 / 9 + 5 / 54) + (1 / 18 + 5 / 54)
    assert float(ratio.mean()) == pytest.approx(float((a[0] / a[2]).log()), abs=0.01)
    assert float(ratio.var()) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("name", DIRICHLET_SAMPLERS)
@pytest.mark.parametrize("value", [1e-2, 1e2])
def test_extreme_concentrations_stay_on_the_simplex_with_finite_gradients(name, value):
    a = torch.full((500, 32), value, requires_grad=True)
    with seeded(1):
        z = DIRICHLET_SAMPLERS[name](a)
    (z * torch.linspace(0, 1, 32)).sum().backward()
    assert z.isfinite().all() and torch.allclose(z.sum(1), torch.ones(500), atol=1e-4)
    assert (z >= 0).all() and a.grad.isfinite().all()


def test_pathwise_gradients_agree_with_the_derivative_of_the_mean():
    a = CONCENTRATION.clone().requires_grad_()
    with seeded(2):
        z = pathwise(a.expand(200_000, -1))
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0])
    (z @ weights).mean().backward()
    exact = torch.autograd.functional.jacobian(lambda c: (c / c.sum()) @ weights, CONCENTRATION)
    assert torch.allclose(a.grad, exact, atol=0.02)


@pytest.mark.parametrize("name", DIRICHLET_SAMPLERS)
def test_the_seed_decides_the_draw(name):
    sampler = DIRICHLET_SAMPLERS[name]
    assert torch.equal(draws(sampler, count=9, seed=4), draws(sampler, count=9, seed=4))
    assert not torch.equal(draws(sampler, count=9, seed=4), draws(sampler, count=9, seed=5))
