"""Cells of PUIR at the learning rate that its own validation people choose (see `rates`), scored as all others are."""

from __future__ import annotations

from disentangle.puir.baselines import parameters
from disentangle.puir.cohorts import JITTER, people_of, split
from disentangle.puir.experiment import configuration, curve, drawn_scores, invariant_scores
from disentangle.puir.scores import rounded
from disentangle.puir.train import fit, transfer


def own_rate_cell(method: str, learning_rate: float, seed: int, jitter: float = JITTER) -> dict:
    """As `experiment.transfer_cell`, of PUIR at another rate; ``method`` only names it."""
    found = split("brain", jitter)
    config = configuration(found.modalities).with_training(learning_rate=learning_rate)
    fitted = fit(people_of(found.training), config, seed, cache=False)
    scores = {
        "fit_seconds": round(fitted.fit_seconds, 1),
        "spread_left": rounded(fitted.spread_left),
        "parameters": parameters(config),
        "curve": curve(fitted),
    }
    scores |= drawn_scores(found, lambda data: transfer(fitted, data), with_others=jitter == JITTER)
    return scores | invariant_scores(fitted, found.test)
