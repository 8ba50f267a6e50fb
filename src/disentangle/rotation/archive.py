"""What is fitted on and what is tested: people who share nothing, and what an archive holds of each of them.

Digest of the paper, sections 2 and 6.4; the paper's own splits are not known, all of this is our choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from disentangle.imaging import datasets
from disentangle.imaging.cohort import Cohort

REFERENCE = {"lung_phantom": "a_standard_1mm", "lung_ct": "source"}
"""The setting with which settings that no fit saw are compared."""
MOST_BLOCKS = 60
"""Of a person: their scores have to fit into the small file of a cell."""
FACTORS = ("f50", "thickness_mm", "dose", "vendor")
# Of people in order of severity: whatever the number, test and training people are equally ill.
_ROLES = np.array([*["test", "train"] * 4, "validation"])


@dataclass(frozen=True)
class Parts:
    """Images of people who share nothing between ``train``, ``validation`` and ``test``.

    Attributes
    ----------
    everyone : all people under every setting of the training
    pairs : training people whose raw data were kept, every place under every setting
    archive : the clinical series of all training people, each in the person's own setting
    validation : clinical series of further people, or None
    test : people that nothing is fitted on, every place under every setting
    unseen : the test people under settings that no fit saw, or None
    reference : the setting of ``test`` with which those of ``unseen`` are compared
    factors : named values of each setting, for one classifier a factor; None where they are not known
    """

    everyone: Cohort
    pairs: Cohort
    archive: Cohort
    validation: Cohort | None
    test: Cohort
    unseen: Cohort | None
    reference: str
    factors: Mapping[str, Mapping[str, float | str]] | None = None

    @property
    def training(self) -> list[Cohort]:
        """What the autoencoder learns from: no image twice."""
        paired = set(self.pairs.samples["subject"])
        rest = ~self.archive.samples["subject"].isin(paired).to_numpy()
        return [self.pairs, *([self.archive.select(rest)] if rest.any() else [])]


def phantom_parts(people: int, patches: int, arm: str = "independent", effect: float = 1.0, seed: int = 0) -> Parts:
    """Simulated lungs: all people with pairs train; the others test, train or validate, alike in severity.

    Without a technical effect (``effect`` 0) there are no unseen settings either.
    """
    cohort = datasets.load("lung_phantom", people=people, patches=patches, arm=arm, effect=effect, seed=seed)
    role = roles(cohort.subjects)
    of_row = cohort.samples["subject"].map(role).to_numpy()
    own = cohort.samples["own"].to_numpy(bool)
    paired = cohort.samples["subject"].map(cohort.subjects["pairs"]).to_numpy(bool)
    unseen = None
    if effect:
        shown = datasets.load(
            "lung_phantom", people=people, patches=patches, arm=arm, effect=effect, seed=seed, settings="unseen"
        )
        unseen = shown.of_people(role.index[role == "test"])
    settings = {name: cohort.extra["settings"][name] for name in cohort.extra["training_settings"]}
    return Parts(
        everyone=cohort,
        pairs=cohort.select(paired & (of_row == "train")),
        archive=cohort.select(own & (of_row == "train")),
        validation=cohort.select(own & (of_row == "validation")),
        test=cohort.select(of_row == "test"),
        unseen=unseen,
        reference=REFERENCE["lung_phantom"],
        factors={name: {factor: facts[factor] for factor in FACTORS} for name, facts in settings.items()},
    )


def ct_parts(fitted_on: int, patches: int | None = None) -> Parts:
    """Real lungs: everything is fitted on one person (0, 1, ... in the order of their names), the others test.

    ``patches`` places of each person; None: as many as the cohort has. The person who is fitted on has every setting,
    so the archive is the same rows. Raises ValueError where nobody is left to test.
    """
    options = {} if patches is None else {"patches": patches}
    cohort = datasets.load("lung_ct", **options)
    names = sorted(cohort.samples["subject"].unique())
    if len(names) < 2 or fitted_on not in range(len(names)):
        raise ValueError(
            f"lung_ct has {len(names)} people and fitted_on is {fitted_on}, expected two or more and a number of one"
        )
    others = [name for number, name in enumerate(names) if number != fitted_on]
    cohort = replace(cohort, samples=cohort.samples.assign(block=merged(cohort.samples)))
    first, second = (cohort.of_people(some) for some in ([names[fitted_on]], others))
    shown = datasets.load("lung_ct", settings="unseen", **options)
    shown = replace(shown, samples=shown.samples.assign(block=merged(shown.samples)))
    unseen = shown.of_people(others)
    return Parts(cohort, first, first, None, second, unseen, REFERENCE["lung_ct"])


def merged(samples: pd.DataFrame, most: int = MOST_BLOCKS) -> np.ndarray:
    """Number of the block of places of each row, consecutive blocks of a person merged until there are ``most``.

    A merged block has the number of its first one, so that numbers stay unique in the cohort.
    """
    result = samples["block"].to_numpy().copy()
    for name in samples["subject"].unique():
        here = (samples["subject"] == name).to_numpy()
        blocks, codes = np.unique(result[here], return_inverse=True)
        group = np.arange(len(blocks)) * min(most, len(blocks)) // len(blocks)
        first = np.searchsorted(group, group)
        result[here] = blocks[first][codes.ravel()]
    return result


def roles(subjects: pd.DataFrame) -> pd.Series:
    """ "train", "validation" or "test" for each subject: all with pairs train, the others are dealt by severity.

    Raises ValueError where somebody is missing for one of the roles.
    """
    role = pd.Series("train", index=subjects.index, name="role")
    others = subjects.index[~subjects["pairs"].to_numpy(bool)]
    others = subjects.loc[others].sort_values("severity", kind="stable").index
    role[others] = _ROLES[np.arange(len(others)) % len(_ROLES)]
    missing = {"train", "validation", "test"} - set(role)
    if missing or not subjects["pairs"].any():
        raise ValueError(
            f"{len(subjects)} people ({int(subjects['pairs'].sum())} with pairs) leave nobody for "
            f"{sorted(missing) or ['pairs']}, expected at least 12 people"
        )
    return role
