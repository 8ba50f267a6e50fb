"""How long turning latents takes: ``python -m pytest benchmarks -o addopts= --benchmark-only``."""

import numpy as np

from disentangle.rotation.latent_rotation import LatentRotation


def test_rotating_a_million_latents(benchmark):
    """1 M latents of 128 dimensions; the bound is 10 s on two cores."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((400, 128)) + np.tile([[0.0], [3.0]], (200, 1))
    rotation = LatentRotation(dropped=1).fit(rows, np.tile(["a", "b"], 200), np.repeat(np.arange(200), 2))
    latents = rng.standard_normal((1_000_000, 128), dtype=np.float32)
    benchmark.pedantic(rotation.transform, args=(latents,), rounds=3)
    assert benchmark.stats["mean"] < 10
