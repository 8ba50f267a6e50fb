"""Adapters of the methods whose code is a vector: autoencoders with nuisance dimensions, and the latent rotation."""

from __future__ import annotations

import numpy as np

from disentangle.comparison.effort import Effort
from disentangle.comparison.maps import curve
from disentangle.comparison.people import STYLES, Part, donors
from disentangle.comparison.protocol import Codes, TwoCodes, parameters_of
from disentangle.comparison.scores import swap_errors
from disentangle.lesion_vae import train as vae
from disentangle.lesion_vae.config import VAEConfig
from disentangle.metrics.mutual_information import discretise, mutual_information_matrix
from disentangle.rotation.latent_rotation import LatentRotation
from disentangle.rotation.whitening import Whitening

PRIORS = {"autoencoder": "none", "gvae": "gaussian", "dirvae": "dirichlet"}
COUNTS = (1, 2, 4, 8, 16)
"""How many dimensions may be called nuisance; the one with the least swap error on validation heads is taken."""
BINS = 20
POWER = 0.5
"""Scale of the rotated latents, as in the rotation's chapter."""


def fit_autoencoder(training: Part, validation: Part, seed: int, effort: Effort) -> TwoCodes:
    """The plain autoencoder; dimensions that know most of the style are nuisance."""
    return _with_nuisance_dimensions("autoencoder", training, validation, seed, effort)


def fit_gvae(training: Part, validation: Part, seed: int, effort: Effort) -> TwoCodes:
    """The Gaussian variational autoencoder, in the same way."""
    return _with_nuisance_dimensions("gvae", training, validation, seed, effort)


def fit_dirvae(training: Part, validation: Part, seed: int, effort: Effort) -> TwoCodes:
    """The Dirichlet variational autoencoder; after an exchange the code is brought back to the simplex."""
    return _with_nuisance_dimensions("dirvae", training, validation, seed, effort)


def fit_rotation(training: Part, validation: Part, seed: int, effort: Effort) -> TwoCodes:
    """The rotation of the plain autoencoder's latents, told which images are of one place, and their styles."""
    fitted = _fitted("autoencoder", training, seed, effort)
    latents = vae.encode(fitted, training.flat[:, None])
    scale = Whitening.fit(latents, POWER)
    names = np.array(STYLES)[training.style]
    rotation = LatentRotation(seed=seed).fit(
        scale.transform(latents), names, training.place, subject=training.subjects[training.head]
    )

    def encode(images: np.ndarray, brain: np.ndarray) -> Codes:
        found = scale.transform(vae.encode(fitted, images[:, None]))
        return Codes(rotation.transform(found), rotation.technical(found))

    def decode(biology: np.ndarray, nuisance: np.ndarray, brain: np.ndarray) -> np.ndarray:
        return vae.decode(fitted, scale.inverse(rotation.inverse(nuisance, biology)))[:, 0]

    facts = {"dropped": int(rotation.dropped_), "curve": curve(fitted.history.rows, "mix")}
    used = parameters_of(fitted.model) + rotation.rotation_.size
    return TwoCodes(encode, decode, fitted.fit_seconds, used, facts)


def ranked_dimensions(latents: np.ndarray, style: np.ndarray) -> np.ndarray:
    """Dimensions by falling mutual information with the style, of latents (row, dimension) and styles (row,)."""
    shared = mutual_information_matrix(discretise(latents, BINS), np.asarray(style)[:, None])[:, 0]
    return np.argsort(-shared, kind="stable")


def split_code(fitted: vae.Fitted, nuisance: np.ndarray, facts: dict) -> TwoCodes:
    """The dimensions ``nuisance`` of an autoencoder as one code, all others as the other."""
    size = fitted.config.latent
    rest = np.setdiff1d(np.arange(size), nuisance)

    def encode(images: np.ndarray, brain: np.ndarray) -> Codes:
        latents = vae.encode(fitted, images[:, None])
        return Codes(latents[:, rest], latents[:, nuisance])

    def decode(biology: np.ndarray, style: np.ndarray, brain: np.ndarray) -> np.ndarray:
        latents = np.empty((len(biology), size), np.float32)
        latents[:, rest], latents[:, nuisance] = biology, style
        if fitted.config.prior == "dirichlet":
            latents /= latents.sum(1, keepdims=True)
        return vae.decode(fitted, latents)[:, 0]

    return TwoCodes(encode, decode, fitted.fit_seconds, parameters_of(fitted.model), facts)


def _with_nuisance_dimensions(name: str, training: Part, validation: Part, seed: int, effort: Effort) -> TwoCodes:
    fitted = _fitted(name, training, seed, effort)
    ranked = ranked_dimensions(vae.encode(fitted, training.flat[:, None]), training.style)
    giver = donors(validation.grid[0])
    errors = {}
    for count in [count for count in COUNTS if count < len(ranked)]:
        drawn = split_code(fitted, ranked[:count], {}).swaps(validation, giver)
        errors[count] = float(swap_errors(drawn, validation).swap.mean())
    chosen = min(errors, key=errors.get)
    facts = {
        "nuisance_dimensions": chosen,
        "validation": {str(count): round(error, 4) for count, error in errors.items()},
        "curve": curve(fitted.history.rows, "mix"),
    }
    return split_code(fitted, ranked[:chosen], facts)


def _fitted(name: str, training: Part, seed: int, effort: Effort) -> vae.Fitted:
    rate = getattr(effort, f"{name}_rate")
    config = VAEConfig(prior=PRIORS[name], latent=effort.latent, base=8 if effort.small else 16).with_training(
        steps=effort.autoencoder, learning_rate=rate, device=effort.device, checkpoint_every=0
    )
    return vae.fit(training.flat[:, None], config, seed)
