"""What the chapter draws on its page: heads, effort and methods of each profile, and the same swap by all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from disentangle.comparison.effort import FULL as FULL_EFFORT
from disentangle.comparison.effort import SMOKE, Effort
from disentangle.comparison.methods import METHODS, TRAINED, fitted
from disentangle.comparison.people import FULL, Part, Plan, donors, people
from disentangle.comparison.protocol import Model

QUICK_METHODS = ("puir", "anatomy_uad")
"""Those that draw a fair picture after the fewest seconds."""


@dataclass(frozen=True)
class Live:
    """A profile's heads, effort, and which methods are trained on the page."""

    plan: Plan
    effort: Effort
    methods: tuple[str, ...]


PROFILES = {
    "smoke": Live(Plan(training=2, validation=1, test=2, sections=4), SMOKE, QUICK_METHODS),
    "quick": Live(Plan(training=10, validation=1, test=3), FULL_EFFORT.shortened(0.15), QUICK_METHODS),
    "full": Live(FULL, FULL_EFFORT, TRAINED),
    "paper": Live(FULL, FULL_EFFORT, TRAINED),
}


def profile_of(name: str, heads: int | None, device: str) -> Live:
    """The settings of a profile; ``heads`` replaces its number of training heads."""
    found = PROFILES[name]
    plan = replace(found.plan, training=heads) if heads else found.plan
    return replace(found, plan=plan, effort=replace(found.effort, device=device))


def models_of(live: Live, seed: int) -> dict[str, Model]:
    """The curve of grey values and the profile's methods, fitted; those trained before come from the model cache."""
    training, validation = (people(live.plan, part) for part in ("training", "validation"))
    return {name: fitted(name, training, validation, seed, live.effort) for name in ("style_mean", *live.methods)}


def same_swap(models: dict[str, Model], part: Part, head: int, section: int, source: int) -> dict[str, np.ndarray]:
    """One section in all six styles, (style, side, side) each: the truth, then what each method makes of the source."""
    two = replace(part, **{name: getattr(part, name)[[head, donors(part.grid[0])[head]]] for name in _BY_HEAD})
    giver = donors(2)
    rows = {"truth": part.images[head, section]}
    return rows | {METHODS[name].title: model.swaps(two, giver)[0, section, source] for name, model in models.items()}


_BY_HEAD = ("images", "labels", "brain", "subjects")
