"""Every method by its name, fitted on one part of the data and applied to others; and controls of the rotation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from disentangle.rotation.differences import PairWarning
from disentangle.rotation.directions import Factors
from disentangle.rotation.harmonizers import HARMONIZERS, harmonize
from disentangle.rotation.latent_rotation import LatentRotation
from disentangle.rotation.latents import Part

METHODS: dict[str, type] = {"entangled": HARMONIZERS["entangled"], "rotation": LatentRotation} | HARMONIZERS
WITHOUT_PAIRS = tuple(
    name for name, method in METHODS.items() if not method.needs_pairs and method.new_patients and name != "entangled"
)
"""Methods that an archive of clinical series is enough for, and that have a map for new patients."""


def requirements() -> pd.DataFrame:
    """What a user must have for each method: one row a method, three columns of bool."""
    columns = {
        "needs the setting at test time?": "needs_setting",
        "works on a new patient?": "new_patients",
        "needs pairs to fit?": "needs_pairs",
    }
    facts = {name: {title: getattr(m, key) for title, key in columns.items()} for name, m in METHODS.items()}
    return pd.DataFrame.from_dict(facts, orient="index").rename_axis("method")


def fitted_rotation(
    part: Part,
    mode: str = "pairs",
    *,
    dropped: int | None = None,
    factors: Factors | None = None,
    location: np.ndarray | None = None,
    seed: int = 0,
) -> LatentRotation:
    """The rotation fitted on a part, whole people held out while the number of dropped dimensions is chosen.

    Where there are fewer than four people, blocks of places are held out, else places. ``location`` (row,) replaces
    the part's own, ``dropped`` the rule.
    """
    rows = part.rows
    place = rows.location if location is None else location
    return LatentRotation(mode=mode, dropped=dropped, seed=seed).fit(
        rows.latents, rows.setting, place, subject=held_out_unit(part), factors=factors
    )


def held_out_unit(part: Part) -> np.ndarray | None:
    """Who is held out as a whole: people, or where there are too few of them blocks of places (row,)."""
    for name in ("subject", "block"):
        if name in part.samples and part.samples[name].nunique() >= 4:
            return part.column(name)
    return None


def harmonized(name: str, fit: Part, *others: Part) -> list[np.ndarray]:
    """A method of `METHODS` fitted on ``fit``; the latents (row, component) of each of ``others``, harmonized.

    Rows of settings that the fit did not see stay as they are where a method needs the setting. Harmony has no map
    for new rows: it is fitted on ``others`` together, settings included. Raises ValueError for an unknown name.
    """
    if name not in METHODS:
        raise ValueError(f"no method {name!r}, expected one of {', '.join(METHODS)}")
    if name == "rotation":
        model = fitted_rotation(fit)
        return [model.transform(part.latents) for part in others]
    rows = [part.rows for part in others]
    if not METHODS[name].new_patients:
        return harmonize(METHODS[name](), *rows)
    return harmonize(METHODS[name](), fit.rows, *rows, unseen="identity")[1:]


def shuffled_settings(part: Part, seed: int) -> Part:
    """The same rows, the names of settings permuted within each location: there is nothing left to find."""
    rows = part.rows
    order = np.lexsort((np.random.default_rng(seed).random(len(rows.location)), rows.location))
    by_place = np.argsort(rows.location, kind="stable")
    setting = rows.setting.copy()
    setting[by_place] = rows.setting[order]
    return Part(part.latents, part.samples.assign(setting=setting))


def broken_pairs(part: Part, seed: int) -> np.ndarray:
    """Locations (row,) permuted anew within each setting: the two rows of a pair show different tissue."""
    rows, rng = part.rows, np.random.default_rng(seed)
    location = rows.location.copy()
    for name in np.unique(rows.setting):
        here = rows.setting == name
        location[here] = rng.permutation(location[here])
    return location


def control_rotations(pairs: Part, archive: Part, factors: Mapping | None, seed: int) -> dict[str, LatentRotation]:
    """The rotation with something else or something missing, by name.

    ``shuffled``: labels of settings permuted within locations. ``broken``: pairs of different tissue. ``single``:
    without pairs, from the archive, each latent classified alone. ``heads``: one classifier a factor of the settings.
    """
    found = {"shuffled": fitted_rotation(shuffled_settings(pairs, seed))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PairWarning)  # on purpose
        found["broken"] = fitted_rotation(pairs, location=broken_pairs(pairs, seed))
    found["single"] = fitted_rotation(archive, "single")
    if factors is not None:
        found["heads"] = fitted_rotation(pairs, "heads", factors=factors)
    return found
