"""The cohort ``lung_phantom``: patches of lung tissue in exact pairs of acquisition settings, and survival.

One room of the rotation chapter's data; digest, section 10. Patches are rendered once and kept in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from disentangle.imaging.cohort import Cohort, Provenance
from disentangle.imaging.lung.patients import ARMS, PAIR_EVERY, PEOPLE, draw_person, subjects_table
from disentangle.imaging.lung.render import PIXEL_MM, WINDOW_HU
from disentangle.imaging.lung.scans import patch_keys, patch_tissues, scan
from disentangle.imaging.lung.settings import SETTINGS, TRAINING, UNSEEN, described
from disentangle.imaging.lung.tissues import TISSUES

MOST_PATCHES = 10_000
PAIRS_FROM = (
    f"Raw data were kept for every {PAIR_EVERY}th person, whatever the disease or the clinical setting, and "
    "reconstructed in all settings; series of another vendor or dose stand for simulated noise insertion and a "
    "travelling phantom, since no patient is scanned twice at one instant."
)
PROVENANCE = Provenance(
    real=False,
    source="simulated by this package from published Hounsfield units, kernels, noise spectra and survival times",
    licence="MIT",
    citation="Pan J et al. Disentanglement of Biological and Technical Factors via Latent Space Rotation. AMAI 2025",
    note="tissue textures, scanners, compositions and survival simulated; kernel effects calibrated to published ones",
)


def load(
    people: int | None = None,
    seed: int = 0,
    arm: str = "independent",
    patches: int = 100,
    settings: str | Sequence[str] = "all",
    effect: float = 1.0,
) -> Cohort:
    """The cohort ``lung_phantom``: (n, 1, 32, 32) patches of 0.7 mm pixels, HU -1000..200 scaled to 0..1.

    Rows with the same ``location`` show the same tissue position under different settings; they are sorted by
    subject, location and setting. Columns of ``samples``: subject, location (unique in the cohort), setting, own
    (the person's clinical setting), tissue (for evaluation only). Columns of ``subjects``: time (years), event,
    age, male, fvc_pct, severity, setting (own), pairs (this person's settings may be used to fit on pairs), p_<tissue>
    (true composition). ``extra`` has the settings in physical numbers and says where the pairs come from.

    Parameters
    ----------
    people
        How many; None: 240. The first people are the same for any number.
    arm : "independent", "confounded" or "null"
        Whether the own setting depends on severity; "null": it does not, and the hazard ignores tissue. Pixels do
        not depend on the arm, but for which setting is the own one.
    patches
        Locations per person; the first are the same for any number.
    settings : "all", "own", "unseen", or names
        Every training setting, each person's clinical one, those never seen in training, or the named ones.
    effect
        1: the settings as they are; 0: each renders as the reference does, with the same noise; between: in between.
    """
    check_options(people, arm, patches, settings, effect)
    persons = [draw_person(number, seed) for number in range(people or PEOPLE)]
    subjects = subjects_table(persons, arm)
    shown = _shown(settings, subjects["setting"])
    hu = scan(persons, patches, seed, shown, effect)
    tissues = patch_tissues(persons, patch_keys(len(persons), patches, seed))
    low, high = WINDOW_HU
    images = ((hu.reshape(-1, 1, *hu.shape[2:]) - np.float32(low)) / np.float32(high - low)).clip(0, 1)
    return Cohort(
        name="lung_phantom",
        images=images,
        samples=_samples(subjects, patches, shown, tissues),
        subjects=subjects,
        spacing_mm=np.full((len(images), 2), PIXEL_MM, np.float32),
        provenance=PROVENANCE,
        extra={
            "settings": {name: described(setting) for name, setting in SETTINGS.items()},
            "training_settings": tuple(TRAINING),
            "unseen_settings": tuple(UNSEEN),
            "window_hu": WINDOW_HU,
            "tissues": TISSUES,
            "pairs_from": PAIRS_FROM,
            "arm": arm,
            "effect": effect,
            "seed": seed,
        },
    )


def check_options(people: int | None, arm: str, patches: int, settings: str | Sequence[str], effect: float) -> None:
    """Refuse what cannot be drawn, and say what can."""
    if arm not in ARMS:
        raise ValueError(f"cohort lung_phantom: no arm {arm!r}; there are {', '.join(ARMS)}")
    if people is not None and people < 1:
        raise ValueError(f"cohort lung_phantom: people is {people}, expected at least 1 or None")
    if not 1 <= patches <= MOST_PATCHES:
        raise ValueError(f"cohort lung_phantom: patches is {patches}, expected 1..{MOST_PATCHES}")
    if not 0 <= effect <= 1:
        raise ValueError(f"cohort lung_phantom: effect is {effect}, expected 0..1")
    if isinstance(settings, str) and settings in ("all", "own", "unseen"):
        return
    names = [settings] if isinstance(settings, str) else list(settings)
    unknown = [name for name in names if name not in SETTINGS]
    if unknown or not names or len(set(names)) < len(names):
        raise ValueError(
            f"cohort lung_phantom: settings are {settings!r}, expected 'all', 'own', 'unseen' or different names "
            f"among {', '.join(SETTINGS)}"
        )


def _shown(settings: str | Sequence[str], own: pd.Series) -> list[tuple[str, ...]]:
    """Sorted names of the settings that each person is shown in."""
    if isinstance(settings, str) and settings == "own":
        return [(name,) for name in own]
    named = {"all": tuple(TRAINING), "unseen": tuple(UNSEEN)}
    names = named.get(settings, (settings,)) if isinstance(settings, str) else tuple(settings)
    return [tuple(sorted(names))] * len(own)


def _samples(subjects: pd.DataFrame, patches: int, shown: list[tuple[str, ...]], tissues: np.ndarray) -> pd.DataFrame:
    """One row per image."""
    person = np.repeat(np.arange(len(subjects)), patches)
    each = len(shown[0])
    table = pd.DataFrame(
        {
            "subject": np.repeat(subjects.index.to_numpy()[person], each),
            "location": np.repeat(person * MOST_PATCHES + np.tile(np.arange(patches), len(subjects)), each),
            "setting": np.array(shown, dtype=object)[person].ravel(),
        }
    )
    own = np.repeat(subjects["setting"].to_numpy()[person], each)
    return table.assign(own=table["setting"] == own, tissue=np.repeat(np.array(TISSUES, object)[tissues], each))
