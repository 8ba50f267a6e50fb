"""Cells of the chapter: one method and seed a call, fitted on the training heads, scored on heads it never saw.

All methods see the same images for about equal time on one core, a fixed number of steps; the last weights are scored.
Validation heads chose the numbers of nuisance dimensions; how the settings were looked at is told in `effort`.
"""

from __future__ import annotations

import time

import numpy as np

from disentangle.comparison.controls import CONTROLS
from disentangle.comparison.effort import FULL as FULL_EFFORT
from disentangle.comparison.effort import Effort
from disentangle.comparison.methods import fitted
from disentangle.comparison.people import FULL, STYLES, Part, Plan, donors, people
from disentangle.comparison.protocol import Model
from disentangle.comparison.scores import code_scores, swap_errors

SIMPLE = ("copy", "style_mean")
DIGITS = 4


def method_cell(method: str, seed: int) -> dict:
    """Fit a method of `methods.METHODS`; all its scores."""
    return scored(method, seed, FULL, FULL_EFFORT)


def simple_cell() -> dict:
    """What learns no weights, by its name: copies and curves of grey values."""
    return {name: scored(name, 0, FULL, FULL_EFFORT) for name in SIMPLE}


def controls_cell() -> dict:
    """Scores of codes whose scores are known beforehand, by their names."""
    return control_scores(FULL)


def scored(method: str, seed: int, plan: Plan, effort: Effort) -> dict:
    """Swaps, codes and cost of a method on the heads of a plan."""
    training, validation, test = (people(plan, part) for part in ("training", "validation", "test"))
    return scores_of(fitted(method, training, validation, seed, effort), training, test, seed)


def scores_of(model: Model, training: Part, test: Part, seed: int) -> dict:
    """Scores of a fitted method: lists have one number a test head."""
    began = time.perf_counter()
    drawn = model.swaps(test, donors(test.grid[0]))
    seconds = time.perf_counter() - began
    errors = swap_errors(drawn, test)
    cost = {"fit_seconds": round(model.fit_seconds, 1), "parameters": int(model.parameters)}
    cost["ms_per_image"] = round(1000 * seconds / (len(test.flat) * len(STYLES)), 3)
    found = {"swap_error": errors.swap, "reconstruction_error": errors.own, "pairs": errors.pairs}
    codes = model.codes(training)
    if codes is not None:
        found["codes"] = code_scores(codes, model.codes(test), training, test, seed)
    return rounded({"subjects": test.subjects.tolist()} | found | {"cost": cost, "facts": model.facts})


def control_scores(plan: Plan) -> dict:
    """What the questions to the codes answer for the controls."""
    training, test = people(plan, "training"), people(plan, "test")
    return {
        name: rounded(code_scores(control(training, 0), control(test, 0), training, test, 0))
        for name, control in CONTROLS.items()
    }


def rounded(scores: object) -> object:
    """The same scores as plain lists, numbers with four digits after the point."""
    if isinstance(scores, dict):
        return {name: rounded(value) for name, value in scores.items()}
    if isinstance(scores, (list, np.ndarray)):
        return [rounded(value) for value in list(scores)]
    return round(float(scores), DIGITS) if isinstance(scores, float) else scores
