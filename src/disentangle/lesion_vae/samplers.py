"""Differentiable draws from a Gaussian and, in three ways, from a Dirichlet distribution.

All take and give 32-bit tensors (batch, latent); concentrations are those of `model.VAE`, within 1e-2..1e2.
"""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = torch.finfo(torch.float32).tiny


def gaussian(mean: Tensor, logvar: Tensor) -> Tensor:
    """mean + exp(logvar / 2) * noise."""
    return mean + (0.5 * logvar).exp() * torch.randn_like(mean)


def pathwise(concentration: Tensor) -> Tensor:
    """Exact draws with implicit (pathwise) gradients (Jankowiak and Obermeyer, 2018), torch's own."""
    return torch.distributions.Dirichlet(concentration, validate_args=False).rsample()


def inverse_cdf(concentration: Tensor) -> Tensor:
    """Gamma draws by (u a Gamma(a))^(1/a), normalised (Joo et al., arXiv 1901.02739, eq. 4).

    Good for concentrations up to about 1. Computed as a softmax of logarithms, which cannot underflow.
    """
    uniform = torch.rand_like(concentration).clamp_min(SMALLEST)
    return torch.softmax((uniform.log() + torch.lgamma(concentration + 1)) / concentration, dim=-1)


def laplace(concentration: Tensor) -> Tensor:
    """Softmax of the Gaussian that fits the Dirichlet in its basis (Srivastava and Sutton, arXiv 1703.01488)."""
    k = concentration.shape[-1]
    log = concentration.log()
    mean = log - log.mean(-1, keepdim=True)
    inverse = 1 / concentration
    variance = inverse * (1 - 2 / k) + inverse.sum(-1, keepdim=True) / k**2
    return torch.softmax(mean + variance.sqrt() * torch.randn_like(mean), dim=-1)


DIRICHLET_SAMPLERS = {"pathwise": pathwise, "inverse_cdf": inverse_cdf, "laplace": laplace}
