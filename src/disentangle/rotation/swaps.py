"""Exchange of technical coordinates: a place seen under one setting, decoded as if it had been seen under another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from disentangle.imaging.cohort import Cohort
from disentangle.rotation.latent_rotation import LatentRotation
from disentangle.rotation.latents import Space
from disentangle.rotation.train import decode, detail

OCTAVES = ("finest", "middle", "coarse")


def most_different(rotation: LatentRotation) -> tuple[str, str]:
    """The two settings whose technical means lie farthest apart; the first two where nothing was dropped."""
    means = rotation.technical_means_
    values = means.to_numpy()
    distances = np.linalg.norm(values[:, None] - values[None], axis=-1)
    first, second = np.unravel_index(distances.argmax(), distances.shape)
    if first == second:
        first, second = 0, 1
    return str(means.index[first]), str(means.index[second])


def swapped_latents(space: Space, rotation: LatentRotation, latents: np.ndarray, target: str) -> np.ndarray:
    """Latents as the autoencoder makes them, of rows on the common scale that took the target's mean technique."""
    technical = rotation.technical_means_.loc[target].to_numpy()
    return space.scale.inverse(rotation.inverse(technical, rotation.transform(latents)))


def swap_pictures(
    space: Space, rotation: LatentRotation, test: Cohort, source: str, target: str, locations: Sequence[int]
) -> dict[str, np.ndarray]:
    """Pictures (place, 1, 32, 32) by title: seen, decoded, decoded with the other technique, and what is true of it."""
    rows = {name: _rows(test, name, locations) for name in (source, target)}
    latents = {name: space.test.latents[at] for name, at in rows.items()}
    return {
        f"seen,\n{source}": test.images[rows[source]],
        f"decoded,\n{source}": decode(space.fitted, space.scale.inverse(latents[source])),
        f"decoded, swapped\nto {target}": decode(
            space.fitted, swapped_latents(space, rotation, latents[source], target)
        ),
        f"decoded,\n{target}": decode(space.fitted, space.scale.inverse(latents[target])),
        f"seen,\n{target}": test.images[rows[target]],
    }


def detail_table(
    space: Space, rotation: LatentRotation, test: Cohort, source: str, target: str, hu: float
) -> pd.DataFrame:
    """Standard deviation in HU that the latents stand for, by octave of detail: source, swapped, target.

    Mean over all places of the test people; ``hu`` is the width of the grey scale. What a decoder of smooth pictures
    cannot draw is written here.
    """
    parts = {name: space.test.latents[_rows(test, name, None)] for name in (source, target)}
    latents = {
        source: space.scale.inverse(parts[source]),
        f"{source}, swapped to {target}": swapped_latents(space, rotation, parts[source], target),
        target: space.scale.inverse(parts[target]),
    }
    means = {name: hu * detail(space.fitted, values).mean(0) for name, values in latents.items()}
    return pd.DataFrame.from_dict(means, orient="index", columns=list(OCTAVES))


def one_of_each(samples: pd.DataFrame, column: str, count: int, seed: int) -> Mapping[int, str]:
    """A random location of each of at most ``count`` values of a column, by location."""
    order = np.random.default_rng(seed).permutation(len(samples))
    first = samples.iloc[order].drop_duplicates(column).sort_values(column).head(count)
    return dict(zip(first["location"].astype(int), first[column].astype(str), strict=True))


def _rows(test: Cohort, setting: str, locations: Sequence[int] | None) -> np.ndarray:
    """Row numbers of a setting, of some locations in their order, or of all."""
    here = np.flatnonzero((test.samples["setting"] == setting).to_numpy())
    if locations is None:
        return here
    places = dict(zip(test.samples["location"].to_numpy()[here], here, strict=True))
    return np.array([places[location] for location in locations])
