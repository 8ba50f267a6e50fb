"""The methods by name, with what each is told in training and asked with in a swap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from disentangle.comparison import latents, maps, simple
from disentangle.comparison.effort import Effort
from disentangle.comparison.people import Part
from disentangle.comparison.protocol import Model

Fit = Callable[[Part, Part, int, Effort], Model]


@dataclass(frozen=True)
class Method:
    """``fit``: training and validation heads, seed, effort -> model. ``style``: what a swap is asked with."""

    title: str
    fit: Fit
    told: str
    biology: str
    nuisance: str
    style: str = "a picture of another head"


_PAIRS = "which images are of one head and section; styles"
_STYLES = "styles, to rank dimensions"
_DIMENSIONS = ("other dimensions", "chosen dimensions")
METHODS: dict[str, Method] = {
    "sdnet": Method("SDNet", maps.fit_sdnet, "tissue masks of all images", "s", "z"),
    "anatomy_uad": Method("anatomy learning", maps.fit_anatomy_uad, "pairs of T1 and T2", "tissues of A", "z"),
    "puir": Method("PUIR", maps.fit_puir, _PAIRS, "X_h", "none by design", "its name"),
    "rotation": Method("latent rotation", latents.fit_rotation, _PAIRS, "biological axes", "technical axes"),
    "autoencoder": Method("autoencoder", latents.fit_autoencoder, _STYLES, *_DIMENSIONS),
    "gvae": Method("Gaussian VAE", latents.fit_gvae, _STYLES, *_DIMENSIONS),
    "dirvae": Method("Dirichlet VAE", latents.fit_dirvae, _STYLES, *_DIMENSIONS),
    "style_mean": Method("curve of grey values", simple.fit_style_mean, _PAIRS, "none", "none", "its name"),
    "copy": Method("copy of the source", simple.fit_copy, "nothing", "the picture", "none", "not at all"),
}
TRAINED = tuple(name for name in METHODS if name not in ("style_mean", "copy"))


def fitted(name: str, training: Part, validation: Part, seed: int, effort: Effort) -> Model:
    """A method of `METHODS`, fitted; raises ValueError for another name."""
    if name not in METHODS:
        raise ValueError(f"no method {name!r}, expected one of {', '.join(METHODS)}")
    return METHODS[name].fit(training, validation, seed, effort)
