"""Methods that the rotation has to beat, behind one interface: fit on training latents, transform any."""

from __future__ import annotations

import pandas as pd

from disentangle.rotation.harmonizers.base import Harmonizer, Rows, harmonize
from disentangle.rotation.harmonizers.combat import ComBat
from disentangle.rotation.harmonizers.coral import Coral
from disentangle.rotation.harmonizers.entangled import Entangled
from disentangle.rotation.harmonizers.harmony import Harmony
from disentangle.rotation.harmonizers.inlp import Inlp
from disentangle.rotation.harmonizers.leace import Leace
from disentangle.rotation.harmonizers.nap import Nap
from disentangle.rotation.harmonizers.zscore import ZScore

HARMONIZERS: dict[str, type[Harmonizer]] = {
    method.name: method for method in (Entangled, ComBat, Harmony, Coral, Leace, ZScore, Inlp, Nap)
}

__all__ = ["HARMONIZERS", "Harmonizer", "Rows", "harmonize", "requirements"]


def requirements() -> pd.DataFrame:
    """What a user must have: one row a method; setting of new rows, map for new patients, pairs to fit."""
    columns = {"needs_setting": "needs the setting of new images", "new_patients": "works on new patients"}
    columns |= {"needs_pairs": "needs pairs to fit"}
    facts = {name: {title: getattr(m, key) for key, title in columns.items()} for name, m in HARMONIZERS.items()}
    return pd.DataFrame.from_dict(facts, orient="index").rename_axis("method")
