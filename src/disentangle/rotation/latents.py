"""From images to latents on one scale: one autoencoder and one whitening for all methods, fitted on training people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from disentangle.imaging.cohort import Cohort
from disentangle.rotation.archive import Parts
from disentangle.rotation.config import AutoencoderConfig
from disentangle.rotation.harmonizers import Rows
from disentangle.rotation.train import Fitted, encode, fit
from disentangle.rotation.whitening import Whitening

POWER = 0.5
"""Every principal axis is divided by its standard deviation to this power: raw latents cluster by mean grey value,
wholly whitened ones by noise. Chosen on textures of an earlier draft of the phantom, for the entangled latents."""


@dataclass(frozen=True)
class Part:
    """Latents (row, component) and the table that says of each row: subject, location, setting, perhaps tissue."""

    latents: np.ndarray
    samples: pd.DataFrame

    @property
    def rows(self) -> Rows:
        """Latents, setting and location, as the harmonizers take them."""
        return Rows(self.latents, self.column("setting"), self.column("location"))

    def column(self, name: str) -> np.ndarray:
        """A column of the table as an array (row,)."""
        values = self.samples[name].to_numpy()
        return values.astype(str) if values.dtype == object else values

    def select(self, keep: np.ndarray) -> Part:
        """Some of the rows."""
        return Part(self.latents[keep], self.samples[keep].reset_index(drop=True))

    def places(self, count: int, seed: int) -> Part:
        """All rows of at most ``count`` random locations."""
        places = np.unique(self.column("location"))
        chosen = np.random.default_rng(seed).permutation(places)[:count]
        return self if len(places) <= count else self.select(np.isin(self.column("location"), chosen))


@dataclass(frozen=True)
class Space:
    """The latents of `archive.Parts` on one scale, and what maps images there."""

    fitted: Fitted
    scale: Whitening
    pairs: Part
    archive: Part
    test: Part
    unseen: Part | None

    def encode(self, cohort: Cohort) -> Part:
        """Latents of further images."""
        return encoded(self.fitted, self.scale, cohort)


def latent_space(parts: Parts, config: AutoencoderConfig, seed: int, *, cache: bool = True) -> Space:
    """Fit the autoencoder on all training images and the scale on those in pairs; encode every part.

    Neither looks at settings, tissue or people.
    """
    images = np.concatenate([cohort.images for cohort in parts.training])
    fitted = fit(images, config, seed, validation=parts.validation, cache=cache)
    scale = Whitening.fit(encode(fitted, parts.pairs), POWER)
    pairs, archive, test, unseen = (
        None if cohort is None else encoded(fitted, scale, cohort)
        for cohort in (parts.pairs, parts.archive, parts.test, parts.unseen)
    )
    return Space(fitted, scale, pairs, archive, test, unseen)


def encoded(fitted: Fitted, scale: Whitening, cohort: Cohort) -> Part:
    """The scaled latents of a cohort."""
    return Part(scale.transform(encode(fitted, cohort)), cohort.samples)
