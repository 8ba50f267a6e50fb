"""Latent rotation: biological against technical factors of lung texture (Pan et al., AMAI 2025)."""
