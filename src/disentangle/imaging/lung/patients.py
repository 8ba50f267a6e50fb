"""Simulated patients with fibrosing lung disease: composition of the lungs, clinical facts, scanner, survival.

Follows the rotation digest, section 10.3; every number there is our choice, and those tuned here say to what.
A person is a function of the number and the seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from disentangle.imaging.lung.settings import SHARP, SMOOTH
from disentangle.imaging.lung.tissues import TISSUES

PEOPLE = 240
ARMS = ("independent", "confounded", "null")
PAIR_EVERY = 4

# Log hazard ratios: a year of age, male, and the whole lung turned to honeycombing or reticulation.
AGE, MALE, HONEYCOMBING, RETICULATION = 0.05, 0.3, 6.0, 3.0
WEIBULL_SHAPE = 1.3
# Tuned to a median survival of 3.2 years over many people, with either hazard. At the 3.5 years of the digest 48 % of
# people would be seen to die before the censoring that it asks for, at 3.2 years 52 %; it asks for about 55 %.
SCALE_YEARS = {"tissue": 10.5, "null": 5.0}
CENSORED_BETWEEN_YEARS = (1.0, 6.0)
# Share of patches with each fibrotic tissue at severity u: constant + linear u + quadratic u^2, without emphysema.
_MEAN_SHARE = {
    "ground_glass": (0.05, 0.14, 0.0),
    "reticulation": (0.04, 0.30, 0.0),
    "honeycombing": (0.01, 0.0, 0.45),
    "consolidation": (0.015, 0.02, 0.0),
    "nodular": (0.03, 0.0, 0.0),
}
_CONCENTRATION = 18.0


@dataclass(frozen=True)
class Person:
    """One patient before any scan; ``shares`` in the order of ``TISSUES``, ``coins`` decide the scanner.

    ``shift_hu`` is the level of inspiration, ``tilt_hu`` what lung at the back is denser than at the front,
    ``calibre`` scales vessels, ``fatigue`` (0..1) is the rank of the survival time given the hazard.
    """

    severity: float
    shares: tuple[float, ...]
    age: float
    male: int
    fvc_pct: float
    shift_hu: float
    tilt_hu: float
    calibre: float
    fatigue: float
    censored_years: float
    coins: tuple[float, float]


def draw_person(number: int, seed: int) -> Person:
    """Person ``number`` of a seed."""
    rng = np.random.default_rng([seed, number, 23])
    severity = float(rng.beta(2, 3))
    return Person(
        severity=severity,
        shares=_composition(rng, severity),
        age=float(np.clip(rng.normal(68, 8), 45, 88)),
        male=int(rng.random() < 0.7),
        fvc_pct=float(np.clip(86 - 28 * severity + rng.normal(0, 15), 30, 130)),
        shift_hu=float(rng.normal(0, 15)),
        tilt_hu=float(rng.uniform(30, 50)),
        calibre=float(np.exp(rng.normal(0, 0.12))),
        fatigue=float(rng.uniform(1e-6, 1 - 1e-6)),
        censored_years=float(rng.uniform(*CENSORED_BETWEEN_YEARS)),
        coins=(float(rng.random()), float(rng.random())),
    )


def _composition(rng: np.random.Generator, severity: float) -> tuple[float, ...]:
    """Shares of the seven tissues: emphysema has its own share, the others are Dirichlet in what is left."""
    mean = {name: a + b * severity + c * severity**2 for name, (a, b, c) in _MEAN_SHARE.items()}
    mean["normal"] = max(1 - sum(mean.values()), 0.05)
    names = [name for name in TISSUES if name != "emphysema"]
    weights = np.array([mean[name] for name in names])
    drawn = rng.dirichlet(_CONCENTRATION * weights / weights.sum())
    emphysema = float(rng.beta(1, 9))
    shares = dict(zip(names, (1 - emphysema) * drawn, strict=True)) | {"emphysema": emphysema}
    return tuple(float(shares[name]) for name in TISSUES)


def log_hazard_ratio(person: Person, arm: str) -> float:
    """Log of the hazard against a woman of 68 with healthy lungs; the null arm ignores the lungs."""
    clinical = AGE * (person.age - 68) + MALE * person.male
    if arm == "null":
        return clinical
    share = dict(zip(TISSUES, person.shares, strict=True))
    return clinical + HONEYCOMBING * share["honeycombing"] + RETICULATION * share["reticulation"]


def survival(person: Person, arm: str) -> tuple[float, int]:
    """Years of follow-up (> 0) and whether death ended it: Weibull proportional hazards, administrative censoring."""
    scale = SCALE_YEARS["null" if arm == "null" else "tissue"]
    hazard = np.exp(log_hazard_ratio(person, arm))
    died = scale * (-np.log(person.fatigue) / hazard) ** (1 / WEIBULL_SHAPE)
    return float(min(died, person.censored_years)), int(died <= person.censored_years)


def own_setting(person: Person, arm: str) -> str:
    """The setting of the clinical scan: a sharp one with probability 1/2, confounded with severity .2 to .8.

    The probability rises with the rank of the severity among all patients (the distribution function of
    Beta(2, 3)); within sharp and smooth ones all settings are equally likely.
    """
    u = person.severity
    rank = 6 * u**2 - 8 * u**3 + 3 * u**4
    sharp = person.coins[0] < (0.2 + 0.6 * rank if arm == "confounded" else 0.5)
    names = SHARP if sharp else SMOOTH
    return names[int(person.coins[1] * len(names))]


def subject_name(number: int) -> str:
    """The name of a person, such as ``lung007``."""
    return f"lung{number:03d}"


def subjects_table(people: list[Person], arm: str) -> pd.DataFrame:
    """One row per person, indexed by ``subject``: survival, clinical facts, own setting, true composition."""
    times, events = zip(*(survival(person, arm) for person in people), strict=True)
    clinical = {name: [getattr(person, name) for person in people] for name in ("age", "male", "fvc_pct", "severity")}
    table = pd.DataFrame({"time": times, "event": events, **clinical})
    table["setting"] = [own_setting(person, arm) for person in people]
    # Raw data are kept for every fourth person whatever the disease: pairs never depend on severity.
    table["pairs"] = np.arange(len(people)) % PAIR_EVERY == 0
    shares = np.array([person.shares for person in people])
    for at, name in enumerate(TISSUES):
        table[f"p_{name}"] = shares[:, at]
    table.index = pd.Index([subject_name(number) for number in range(len(people))], name="subject")
    return table
